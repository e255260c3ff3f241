//! The regularised incomplete beta function.
//!
//! ```text
//! I_x(a, b) = 1/B(a, b) ∫₀ˣ tᵃ⁻¹ (1 − t)ᵇ⁻¹ dt  =  1 − I_{1−x}(b, a)
//! I_x(a, b) = xᵃ (1 − x)ᵇ / (a B(a, b)) · 1/(1 + d₁/(1 + d₂/(1 + …)))    for x < (a + 1)/(a + b + 2)
//! d₂ₖ₊₁ = −(a + k)(a + b + k) x / ((a + 2k)(a + 2k + 1)),   d₂ₖ = k (b − k) x / ((a + 2k − 1)(a + 2k))
//! ```
//!
//! Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.5.8; DLMF 8.17.22; Lentz's method. Relative error
//! about 1e-13 for a and b below 1e3, and about (a + b) · 1e-16 · ln(a + b) above. Cost: of the order of √(a + b) + 30
//! terms. Outside the domain: NaN.

use super::gamma::ln_gamma;

/// More terms than any a, b below 1e9 need; a bound, so that no argument can make the loop run for ever.
const MAX_TERMS: usize = 1_000_000;

/// I_x(a, b) for a, b > 0 and 0 ≤ x ≤ 1: the probability that a beta variable is at most x; NaN elsewhere.
pub fn incomplete_beta(a: f64, b: f64, x: f64) -> f64 {
    if !(a > 0.0 && b > 0.0 && a.is_finite() && b.is_finite() && (0.0..=1.0).contains(&x)) {
        return f64::NAN;
    }
    if x == 0.0 || x == 1.0 {
        return x;
    }
    let front = (a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b)).exp();
    let i = match x < (a + 1.0) / (a + b + 2.0) {
        true => front / a * continued_fraction(a, b, x),
        false => 1.0 - front / b * continued_fraction(b, a, 1.0 - x),
    };
    i.clamp(0.0, 1.0)
}

/// 1/(1 + d₁/(1 + d₂/(1 + …))).
fn continued_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300; // in place of a zero denominator
    let nonzero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut c, mut d) = (1.0, 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for k in 1..MAX_TERMS {
        let k = k as f64;
        let even = k * (b - k) * x / ((a + 2.0 * k - 1.0) * (a + 2.0 * k));
        let odd = -(a + k) * (a + b + k) * x / ((a + 2.0 * k) * (a + 2.0 * k + 1.0));
        let before = fraction;
        for numerator in [even, odd] {
            d = 1.0 / nonzero(1.0 + numerator * d);
            c = nonzero(1.0 + numerator / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() <= f64::EPSILON * fraction.abs() {
            break;
        }
    }
    fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The claim of the module header, with room for the logarithms of the gamma function.
    const RELATIVE: f64 = 1e-12;

    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= RELATIVE * expected.abs().max(1e-300), "{found} instead of {expected}");
    }

    #[test]
    fn it_is_the_upper_tail_of_a_binomial() {
        // P(Bin(n, p) ≥ k) = I_p(k, n − k + 1), summed term by term.
        for (n, p) in [(1, 0.3f64), (7, 0.9), (20, 0.05), (20, 0.5), (60, 0.95)] {
            let mut term = (1.0 - p).powi(n);
            let mut terms = vec![term];
            for k in 1..=n {
                term *= f64::from(n - k + 1) / f64::from(k) * p / (1.0 - p);
                terms.push(term);
            }
            for k in 1..=n {
                let tail: f64 = terms[k as usize..].iter().rev().sum();
                assert_close(incomplete_beta(f64::from(k), f64::from(n - k + 1), p), tail);
            }
        }
    }

    #[test]
    fn half_and_half_is_the_arcsine_distribution() {
        for x in [1e-9, 0.01, 0.3, 0.5, 0.7, 0.99] {
            assert_close(incomplete_beta(0.5, 0.5, x), 2.0 / std::f64::consts::PI * f64::sqrt(x).asin());
        }
    }

    #[test]
    fn both_ends_together_make_one_across_the_switch_of_forms() {
        for (a, b) in [(0.5, 500.0), (3.0, 4.0), (1e4, 0.5), (200.0, 300.0)] {
            let middle = (a + 1.0) / (a + b + 2.0);
            for x in [middle * 0.9, middle * 0.9999, middle, 0.9999 * middle + 0.0001, 0.5 * (1.0 + middle)] {
                let sum = incomplete_beta(a, b, x) + incomplete_beta(b, a, 1.0 - x);
                assert!((sum - 1.0).abs() <= 1e-10, "I({a}, {b}, {x}): {sum}");
            }
        }
    }

    #[test]
    fn arguments_outside_the_domain_give_nan_and_its_ends_give_zero_and_one() {
        for (a, b, x) in [(0.0, 1.0, 0.5), (1.0, -1.0, 0.5), (1.0, 1.0, -0.1), (1.0, 1.0, 1.1), (1.0, 1.0, f64::NAN)] {
            assert!(incomplete_beta(a, b, x).is_nan(), "I({a}, {b}, {x})");
        }
        assert_eq!((incomplete_beta(2.0, 3.0, 0.0), incomplete_beta(2.0, 3.0, 1.0)), (0.0, 1.0));
    }
}
