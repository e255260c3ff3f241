//! Quantiles of Student's t distribution: how many standard errors make an interval when the standard error itself is
//! estimated.
//!
//! ```text
//! P(T_ν > t) = ½ I_{ν/(ν + t²)}(ν/2, ½)   for t ≥ 0
//! ```
//!
//! Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.7.1. Inverted by bisection: the tail is monotone,
//! and nothing can diverge. Relative error about 1e-12. Cost: about a hundred incomplete beta functions, 50 µs.

use super::beta::incomplete_beta;

/// Probability that a t variable exceeds `t`; NaN without a degree of freedom.
pub fn student_t_tail(t: f64, degrees_of_freedom: u64) -> f64 {
    let nu = degrees_of_freedom as f64;
    // ν/(ν + t²) near 1 loses t; the other form of the same function does not.
    let both = match t * t < nu {
        true => 1.0 - incomplete_beta(0.5, nu / 2.0, t * t / (nu + t * t)),
        false => incomplete_beta(nu / 2.0, 0.5, nu / (nu + t * t)),
    };
    if t >= 0.0 { both / 2.0 } else { 1.0 - both / 2.0 }
}

/// The `t` that a t variable stays below with this probability; NaN outside 0 < p < 1 or without a degree of freedom.
pub fn student_t_quantile(probability: f64, degrees_of_freedom: u64) -> f64 {
    if !(probability > 0.0 && probability < 1.0) || degrees_of_freedom == 0 {
        return f64::NAN;
    }
    let tail = probability.min(1.0 - probability);
    let (mut low, mut high) = (0.0, 1.0);
    while student_t_tail(high, degrees_of_freedom) > tail {
        (low, high) = (high, 2.0 * high);
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return if probability < 0.5 { -middle } else { middle };
        }
        let above = student_t_tail(middle, degrees_of_freedom) > tail;
        (low, high) = if above { (middle, high) } else { (low, middle) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_table() {
        // Abramowitz and Stegun, table 26.10, carried to more digits: (p, degrees of freedom, quantile).
        let table = [
            (0.975, 1, 12.706_204_736_174_7),
            (0.975, 2, 4.302_652_729_749_46),
            (0.975, 3, 3.182_446_305_283_71),
            (0.975, 5, 2.570_581_835_636_31),
            (0.975, 10, 2.228_138_851_986_27),
            (0.975, 30, 2.042_272_456_301_24),
            (0.975, 120, 1.979_930_405_082_44),
            (0.95, 4, 2.131_846_786_326_65),
            (0.995, 10, 3.169_272_672_616_95),
        ];
        for (p, nu, expected) in table {
            let found = student_t_quantile(p, nu);
            assert!((found / expected - 1.0).abs() <= 1e-11, "p {p}, {nu} degrees: {found} instead of {expected}");
            assert!((student_t_quantile(1.0 - p, nu) + found).abs() <= 1e-11 * found, "not symmetric");
        }
    }

    #[test]
    fn one_and_two_degrees_of_freedom_have_closed_forms() {
        for p in [1e-6f64, 0.025, 0.2, 0.499, 0.501, 0.9, 0.999] {
            let cauchy = -1.0 / (std::f64::consts::PI * p).tan();
            assert!((student_t_quantile(p, 1) - cauchy).abs() <= 1e-9 * cauchy.abs(), "{p}");
            let two = (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt();
            assert!((student_t_quantile(p, 2) - two).abs() <= 1e-9 * two.abs(), "{p}");
        }
    }

    #[test]
    fn many_degrees_of_freedom_are_the_normal_distribution() {
        // The first correction to the normal quantile z is (z³ + z)/(4ν).
        let z = 1.959_963_984_540_054_f64;
        let nu = 1_000_000;
        let expected = z + (z.powi(3) + z) / (4.0 * nu as f64);
        assert!((student_t_quantile(0.975, nu) - expected).abs() <= 1e-9);
    }

    #[test]
    fn what_has_no_quantile_is_nan() {
        for (p, nu) in [(0.0, 3), (1.0, 3), (f64::NAN, 3), (0.5, 0)] {
            assert!(student_t_quantile(p, nu).is_nan());
        }
        assert_eq!(student_t_quantile(0.5, 7).abs(), 0.0);
    }
}
