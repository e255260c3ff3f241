//! What mixed-precision training drew, beside what Algorithm 1 of arXiv 2502.01199 asks for (method.md §4).
//!
//! ```text
//! q_{e,b}(c) = σ_e p(c) + (1 − σ_e)·1[c = b]        of a step of epoch e around base precision b
//! intended   E(c)    = Σ_e Σ_b n_e q_{e,b}(c)                                     n_e: steps of epoch e
//! covariance C(c,d)  = Σ_e Σ_b n_e (q_{e,b}(c)·1[c = d] − q_{e,b}(c) q_{e,b}(d))
//! X² = (O − E)ᵀ C⁻¹ (O − E)  over all candidates but one,   p-value = P(χ²_{k−1} ≥ X²)
//! ```
//!
//! The counts are a sum of multinomials with different probabilities. Pearson's statistic would take them for one, with a
//! larger variance, and find them too close to the intended ones; where σ is 1 throughout, X² is Pearson's. Layers of a group
//! take what its first layer draws. The steps are known from the total of an epoch's counts alone, so that the intended counts
//! use nothing of what was drawn.

use crate::numeric::stats::chi_square_tail;
use crate::report::collect::checked::Checked;
use crate::report::{DrawCount, DrawLayer, Draws};
use crate::sampling::{Strategy, roulette, switch_probability};
use crate::supernet::EpochRecord;

/// Least variance of a count for which it is nearly normal; of rare draws that is the usual rule of five expected ones.
const LEAST_VARIANCE: f64 = 5.0;

/// The draws of the epochs done; none before there are any.
pub(super) fn draws(checked: &Checked<'_>) -> Option<Draws> {
    let epochs = checked.epochs("supernet").filter(|e| !e.is_empty())?;
    let (facts, sampling) = (checked.facts, checked.facts.mixed_precision);
    let bits = |l: &super::LayerFacts| l.candidates.iter().map(|c| c.candidate.weight_bits().into()).collect();
    let bits: Vec<Vec<u32>> = facts.layers.iter().map(bits).collect();
    let chances = roulette(sampling.strategy, &bits, &checked.sensitivity?.average_traces());
    let searched = (0..facts.layers.len()).filter(|&l| facts.layers[l].candidates.len() > 1);
    let layers: Vec<DrawLayer> = searched.filter_map(|l| layer(checked, epochs, l, &chances)).collect();
    let strategy = match sampling.strategy {
        Strategy::Hasb => "hasb",
        Strategy::Tempered { .. } => "tempered",
        Strategy::Uniform => "uniform",
    };
    (!layers.is_empty()).then(|| Draws { strategy: strategy.into(), sigma: sampling.sigma, layers })
}

fn layer(checked: &Checked<'_>, epochs: &[EpochRecord], index: usize, chances: &[Vec<f64>]) -> Option<DrawLayer> {
    let (facts, sampling) = (checked.facts, checked.facts.mixed_precision);
    let candidates = &facts.layers[index].candidates;
    let group = checked.groups.iter().find(|g| g.contains(&index));
    let leader = group.and_then(|g| g.iter().min().copied()).unwrap_or(index);
    let chances = chances.get(leader).filter(|p| p.len() == candidates.len())?;
    let bases: Vec<usize> = checked.uniforms.iter().filter_map(|u| u.configuration.get(leader).copied()).collect();
    let mut drawn = vec![0; candidates.len()];
    let mut intended = Intended::new(candidates.len());
    for (epoch, record) in epochs.iter().enumerate() {
        let counts = record.draws.get(index).filter(|d| d.len() == candidates.len())?;
        let steps = counts.iter().map(|&n| n as f64).sum::<f64>() / bases.len().max(1) as f64;
        let sigma = switch_probability(sampling.sigma, epoch as u64, sampling.epochs.max(1), sampling.warmup);
        bases.iter().for_each(|&base| intended.add(steps, chances, base, sigma.clamp(0.0, 1.0)));
        drawn.iter_mut().zip(counts).for_each(|(sum, &n): (&mut u64, _)| *sum = sum.saturating_add(n));
    }
    let p_value = intended.p_value(&drawn);
    let counts = candidates.iter().zip(&drawn).zip(&intended.counts);
    let count = |((c, &drawn), &intended): ((&super::CandidateFacts, &u64), &f64)| DrawCount {
        candidate: c.candidate.to_string(),
        drawn,
        intended,
    };
    Some(DrawLayer { layer: index, candidates: counts.map(count).collect(), p_value })
}

/// Mean and covariance of the counts of one layer.
struct Intended {
    counts: Vec<f64>,
    covariance: Vec<Vec<f64>>,
}

impl Intended {
    fn new(candidates: usize) -> Self {
        Self { counts: vec![0.0; candidates], covariance: vec![vec![0.0; candidates]; candidates] }
    }

    /// Takes `steps` draws around one base in.
    fn add(&mut self, steps: f64, chances: &[f64], base: usize, sigma: f64) {
        let stay = |c: usize| if c == base { 1.0 - sigma } else { 0.0 };
        let q: Vec<f64> = chances.iter().enumerate().map(|(c, p)| sigma * p + stay(c)).collect();
        for (c, row) in self.covariance.iter_mut().enumerate() {
            self.counts[c] += steps * q[c];
            for (d, value) in row.iter_mut().enumerate() {
                *value += steps * (if c == d { q[c] } else { 0.0 } - q[c] * q[d]);
            }
        }
    }

    /// Probability of counts at least as far from the intended ones. Where nothing is random that is 1 or 0; none where a
    /// count is too little random to be nearly normal.
    fn p_value(&self, drawn: &[u64]) -> Option<f64> {
        let differences: Vec<f64> = drawn.iter().zip(&self.counts).map(|(&o, e)| o as f64 - e).collect();
        let variances = || (0..drawn.len()).map(|c| self.covariance[c][c]);
        if variances().all(|v| v == 0.0) {
            return Some(if differences.iter().all(|d| d.abs() < 0.5) { 1.0 } else { 0.0 });
        }
        let free = drawn.len().checked_sub(1).filter(|_| variances().all(|v| v >= LEAST_VARIANCE))?;
        let statistic = quadratic_form(&self.covariance, &differences[..free])?;
        Some(chi_square_tail(statistic, free)).filter(|p| p.is_finite())
    }
}

/// `xᵀ A⁻¹ x` with the leading block of a symmetric `A` of the size of `x`, by Cholesky: `A = L Lᵀ`, `|L⁻¹ x|²`. None unless
/// the block is positive definite beyond rounding.
fn quadratic_form(a: &[Vec<f64>], x: &[f64]) -> Option<f64> {
    const ROUNDING: f64 = 1e-10;
    let n = x.len();
    let mut lower = vec![vec![0.0; n]; n];
    let mut solved = vec![0.0; n];
    for i in 0..n {
        for j in 0..=i {
            let rest = a[i][j] - (0..j).map(|k| lower[i][k] * lower[j][k]).sum::<f64>();
            if i == j {
                let definite = rest > ROUNDING * a[i][i];
                lower[i][i] = if definite { rest.sqrt() } else { return None };
            } else {
                lower[i][j] = rest / lower[j][j];
            }
        }
        solved[i] = (x[i] - (0..i).map(|k| lower[i][k] * solved[k]).sum::<f64>()) / lower[i][i];
    }
    Some(solved.iter().map(|y| y * y).sum())
}

#[cfg(test)]
#[path = "draws_tests.rs"]
mod tests;
