//! Division by one number, many times.

/// Beyond this every quotient is clipped, whatever its last bit.
const FAR: f32 = 512.0;

/// A divisor. `x / s` as IEEE 754 rounds it, by products: a vector division takes ten cycles, these take two.
///
/// With `r` the rounded reciprocal and a fused `e = x − q s`, the quotient `q + e r` is rounded correctly (Markstein,
/// "Computation of elementary functions on the IBM RISC System/6000 processor", 1990, theorem 8.3), as long as nothing
/// overflows: where `q` is far outside every range it is left as it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Divisor {
    scale: f32,
    reciprocal: f32,
}

impl Divisor {
    /// None where the reciprocal is not a normal number with room on both sides.
    pub fn new(scale: f32) -> Option<Self> {
        (1e-30..1e30).contains(&scale).then(|| Self { scale, reciprocal: 1.0 / scale })
    }

    /// `x / s` where the quotient is below [`FAR`], something beyond it elsewhere.
    #[inline(always)]
    pub fn divide(self, x: f32) -> f32 {
        let q = x * self.reciprocal;
        let e = (-q).mul_add(self.scale, x);
        let exact = e.mul_add(self.reciprocal, q);
        // A zero keeps its sign.
        if q.abs() < FAR && q != 0.0 { exact } else { q }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::rng::Stream;

    #[test]
    fn every_quotient_in_reach_has_the_bits_of_a_division() {
        let mut stream = Stream::new(5, "division", &[]);
        let mut corrected = 0;
        for _ in 0..200_000 {
            let scale = (f64::from(stream.u32() >> 8) / 1e7 + 1e-7) as f32 * 2f32.powi((stream.below(60) as i32) - 30);
            let by = Divisor::new(scale).unwrap();
            let x = stream.normal() as f32 * scale * 2f32.powi(stream.below(12) as i32);
            let (q, found) = (x / scale, by.divide(x));
            match q.abs() < FAR - 1.0 {
                true => assert_eq!(found.to_bits(), q.to_bits(), "{x} / {scale}"),
                false => assert!(found.abs() >= FAR - 2.0 && found.is_sign_negative() == q.is_sign_negative()),
            }
            corrected += u32::from(x * (1.0 / scale) != q);
        }
        // Without the correction a tenth of the quotients and more would be off.
        assert!(corrected > 20_000, "{corrected}");
    }

    #[test]
    fn half_way_quotients_and_what_is_not_finite() {
        let by = Divisor::new(0.1).unwrap();
        for code in 0..256 {
            let x = 0.1 * (code as f32 + 0.5);
            assert_eq!(by.divide(x).to_bits(), (x / 0.1).to_bits());
        }
        assert_eq!(by.divide(-0.0).to_bits(), (-0f32).to_bits());
        assert!(by.divide(f32::NAN).is_nan());
        assert!(by.divide(f32::INFINITY) == f32::INFINITY && by.divide(-1e38) < -1e30);
        assert!(
            Divisor::new(f32::MIN_POSITIVE).is_none() && Divisor::new(1e31).is_none() && Divisor::new(0.0).is_none()
        );
    }
}
