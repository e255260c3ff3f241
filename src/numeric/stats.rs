//! Statistics of samples: moments, standard error, chi-square test. Accumulated in f64.
//!
//! ```text
//! mean x̄, sample variance s² = Σ(xᵢ − x̄)²/(n − 1), standard error of the mean √(s²/n)
//! X² = Σ (Oᵢ − N pᵢ)² / (N pᵢ),   p-value = Q((k − 1)/2, X²/2)
//! ```
//!
//! Welford, "Note on a method for calculating corrected sums of squares and products" (1962). Cost: linear. What has
//! no value is `None`, never NaN.

use super::gamma::upper_incomplete_gamma;

/// Count, mean and sum of squared deviations of the numbers seen so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
}

impl Moments {
    /// The moments of no number.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one number in.
    pub fn push(&mut self, x: f64) {
        self.count += 1;
        let before = x - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (x - self.mean);
    }

    /// How many they are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their mean; `None` without any.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// The unbiased sample variance, with n − 1 below; `None` for fewer than two.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.squares / (self.count - 1) as f64)
    }

    /// The standard error of the mean; `None` for fewer than two.
    pub fn standard_error(&self) -> Option<f64> {
        self.variance().map(|variance| (variance / self.count as f64).sqrt())
    }
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut moments = Self::new();
        numbers.into_iter().for_each(|x| moments.push(x));
        moments
    }
}

/// Outcome of a chi-square test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// X², the sum over the classes of (observed − expected)² / expected.
    pub statistic: f64,
    /// Classes minus one.
    pub degrees_of_freedom: usize,
    /// Probability of a statistic at least this large if the probabilities are right.
    pub p_value: f64,
}

/// Pearson's test of counts against the probabilities of their classes. The p-value is the limit for large counts: an
/// expected count of five or more in every class is the usual rule.
///
/// `None` unless there are two classes or more, as many probabilities as counts, all of them positive with the sum 1 (to
/// 1e-9), and at least one observation.
pub fn chi_square(observed: &[u64], probabilities: &[f64]) -> Option<ChiSquare> {
    let total = observed.iter().map(|&count| count as f64).sum::<f64>();
    let valid = observed.len() >= 2
        && observed.len() == probabilities.len()
        && probabilities.iter().all(|&p| p > 0.0)
        && (probabilities.iter().sum::<f64>() - 1.0).abs() <= 1e-9
        && total > 0.0;
    if !valid {
        return None;
    }
    let statistic = observed
        .iter()
        .zip(probabilities)
        .map(|(&count, p)| {
            let expected = total * p;
            (count as f64 - expected).powi(2) / expected
        })
        .sum();
    let degrees_of_freedom = observed.len() - 1;
    Some(ChiSquare { statistic, degrees_of_freedom, p_value: chi_square_tail(statistic, degrees_of_freedom) })
}

/// Probability that a chi-square variable exceeds `statistic`; NaN for a negative statistic or no degree of freedom.
pub fn chi_square_tail(statistic: f64, degrees_of_freedom: usize) -> f64 {
    upper_incomplete_gamma(degrees_of_freedom as f64 / 2.0, statistic / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding of sums over fewer than a thousand numbers near 1.
    const ROUNDING: f64 = 1e-12;

    #[test]
    fn moments_of_a_small_sample_are_those_worked_out_by_hand() {
        let moments: Moments = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter().collect();
        assert_eq!(moments.count, 8);
        assert_eq!(moments.mean(), Some(5.0));
        assert!((moments.variance().unwrap() - 32.0 / 7.0).abs() <= ROUNDING);
        assert!((moments.standard_error().unwrap() - (4.0f64 / 7.0).sqrt()).abs() <= ROUNDING);
    }

    #[test]
    fn a_large_common_offset_does_not_hurt_the_variance() {
        let moments: Moments = [4.0, 7.0, 13.0, 16.0].into_iter().map(|x| x + 1e9).collect();
        assert_eq!(moments.variance(), Some(30.0));
    }

    #[test]
    fn too_few_numbers_have_no_moments() {
        let none = Moments::new();
        assert_eq!((none.mean(), none.variance(), none.standard_error()), (None, None, None));
        let one: Moments = [3.0].into_iter().collect();
        assert_eq!((one.mean(), one.variance(), one.standard_error()), (Some(3.0), None, None));
    }

    #[test]
    fn chi_square_tails_agree_with_the_tabulated_critical_values() {
        // Abramowitz and Stegun, table 26.8, carried to more digits: (statistic, degrees of freedom, tail).
        let table = [
            (3.841_458_820_694_124, 1, 0.05),
            (6.634_896_601_021_213, 1, 0.01),
            (5.991_464_547_107_979, 2, 0.05),
            (15.086_272_469_388_99, 5, 0.01),
            (18.307_038_053_275_146, 10, 0.05),
            (3.940_299_136_119_181_5, 10, 0.95),
            (124.342_113_404_004_07, 100, 0.05),
        ];
        for (statistic, degrees_of_freedom, tail) in table {
            let found = chi_square_tail(statistic, degrees_of_freedom);
            assert!((found - tail).abs() <= 1e-12, "{degrees_of_freedom} degrees: {found} instead of {tail}");
        }
    }

    #[test]
    fn chi_square_of_a_die_is_the_textbook_value() {
        let outcome = chi_square(&[5, 8, 9, 8, 10, 20], &[1.0 / 6.0; 6]).unwrap();
        assert!((outcome.statistic - 13.4).abs() <= ROUNDING);
        assert_eq!(outcome.degrees_of_freedom, 5);
        assert!((outcome.p_value - 0.019_905_220_334_774_3).abs() <= 1e-9, "{}", outcome.p_value);
    }

    #[test]
    fn chi_square_refuses_what_is_not_a_distribution() {
        assert_eq!(chi_square(&[10], &[1.0]), None);
        assert_eq!(chi_square(&[1, 2], &[0.5]), None);
        assert_eq!(chi_square(&[1, 2], &[0.5, 0.6]), None);
        assert_eq!(chi_square(&[1, 2], &[0.0, 1.0]), None);
        assert_eq!(chi_square(&[1, 2], &[f64::NAN, 0.5]), None);
        assert_eq!(chi_square(&[0, 0], &[0.5, 0.5]), None);
    }
}
