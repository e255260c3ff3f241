//! A few floats side by side, written so that the compiler keeps them in one vector register.
//!
//! There is no instruction set here: the functions that use [`Lanes`] are compiled once per instruction set by
//! `multiversion` and pick the number of lanes that fits it (AVX-512, on processors from Ice Lake on: 16; AVX2: 8;
//! otherwise 4). What a tile of such loops compiles to is fragile: with four neighbouring factors it runs within 10 %
//! of hand-written instructions, with eight the compiler shuffles them about and it runs 60 times slower (measured,
//! AVX-512); tiles with more take a [`Vector`](super::vector::Vector). Whoever changes a tile runs the `conv_speed` example
//! for each instruction set.

/// `N` floats; every operation is per element.
#[derive(Debug, Clone, Copy)]
pub struct Lanes<const N: usize>([f32; N]);

impl<const N: usize> Lanes<N> {
    /// All zero.
    pub const ZERO: Self = Self([0.0; N]);

    /// The same number in every lane.
    #[inline(always)]
    pub fn splat(value: f32) -> Self {
        Self([value; N])
    }

    /// Copies `N` numbers in.
    #[inline(always)]
    pub fn load(values: &[f32; N]) -> Self {
        Self(*values)
    }

    /// Copies the lanes out.
    #[inline(always)]
    pub fn store(self, values: &mut [f32; N]) {
        *values = self.0;
    }

    /// Lane by lane.
    #[inline(always)]
    pub fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    /// `self + a·b`, rounded once if `FUSED`. A fused product without hardware support is a slow library call, so the
    /// portable version rounds twice; only machines of different instruction sets can see the difference.
    #[inline(always)]
    pub fn add_product<const FUSED: bool>(self, a: Self, b: Self) -> Self {
        let sum = |lane: usize| match FUSED {
            true => a.0[lane].mul_add(b.0[lane], self.0[lane]),
            false => a.0[lane] * b.0[lane] + self.0[lane],
        };
        Self(std::array::from_fn(sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_is_computed_by_itself() {
        let a = Lanes::load(&[1.0, 2.0, 3.0, 4.0]);
        let mut out = [0.0; 4];
        Lanes::splat(10.0).add_product::<false>(a, Lanes::splat(2.0)).store(&mut out);
        assert_eq!(out, [12.0, 14.0, 16.0, 18.0]);
        a.add(Lanes::load(&[12.0, 14.0, 16.0, 18.0])).store(&mut out);
        assert_eq!(out, [13.0, 16.0, 19.0, 22.0]);
    }

    #[test]
    fn a_fused_product_rounds_once() {
        let a = 1.0 + f32::EPSILON;
        let mut error = [0.0];
        Lanes::splat(-(a * a)).add_product::<true>(Lanes::splat(a), Lanes::splat(a)).store(&mut error);
        assert_eq!(error, [f32::EPSILON * f32::EPSILON]);
        Lanes::splat(-(a * a)).add_product::<false>(Lanes::splat(a), Lanes::splat(a)).store(&mut error);
        assert_eq!(error, [0.0]);
    }
}
