//! A trace from its draws, and how much of its error is the probes' and how much the data's: nested one-way analysis of
//! variance.
//!
//! ```text
//! x_{r,b}: draw of round r on block b;   R rounds, B blocks of share w_b, Σ w_b = 1
//! x̄_b = 1/R Σ_r x_{r,b}                  t = Σ_b w_b x̄_b                                        the estimate
//! s²_b = 1/(R − 1) Σ_r (x_{r,b} − x̄_b)²   probe² = Σ_b w_b² s²_b / R                             Var(t | data)
//! e_b = x̄_b − t                          total² = Σ_b c_b e_b²                                  Var(t)
//! c_b = w_b²/(1 − 2w_b) / (1 + Σ_a w_a²/(1 − 2w_a))     if every w_b < ½;     w_b/(B − 1) otherwise
//! data² = max(0, total² − probe²)       error² = probe² + data² = max(total², probe²)
//! ```
//!
//! Unbiased: `t` for the trace on these data, and, if the blocks are independent samples, on the population. `probe²`
//! always. `total²` for independent `x̄_b` of one mean and *any* variances `σ²_b`: `E e_b² = (1 − 2w_b) σ²_b + V` with
//! `V = Σ w_b² σ²_b`, so `E total² = (V + V Σ w²/(1 − 2w)) / (1 + Σ w²/(1 − 2w)) = V` (in the manner of C. R. Rao,
//! "Estimation of Heteroscedastic Variances in Linear Models", 1970). Equal shares: the textbook's `Σ e_b²/(B(B − 1))`.
//! With a share of a half or more no such estimator exists; the other form is unbiased for `σ²_b ∝ 1/w_b`, blocks that
//! differ in size only. `total²` of few blocks is below `probe²` at times; that is chance, so the error is never given
//! below that of the probes.
//!
//! The 95 % interval is `t ± t₀.₉₇₅(ν) · error`, `ν = B − 1` for the total error, `R − 1` for the probes' of a single
//! block. For normal `x̄_b` of equal shares it is exact, but for that floor, which only widens it. Cost: one pass over
//! the draws.

use serde::{Deserialize, Serialize};

use crate::numeric::stats::Moments;
use crate::numeric::student::student_t_quantile;
use crate::trace::Cells;

/// Upper end of a two-sided 95 % interval.
const UPPER: f64 = 0.975;

/// A trace with what is known of its error; what is not is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceEstimate {
    /// `t`.
    pub trace: f64,
    /// Standard error: of the total with two blocks or more (never below that of the probes), of the probes alone with
    /// one.
    pub stderr: Option<f64>,
    /// Standard error from the probes: what other probes on the same data would change.
    pub probe_stderr: Option<f64>,
    /// Standard error from the data: what other data would change.
    pub data_stderr: Option<f64>,
    /// Half the width of the 95 % interval that `stderr` gives.
    pub half_width: Option<f64>,
}

/// The estimate of every quantity from rounds 0..`rounds`. Only blocks that have all of them count, with their shares
/// scaled to the sum 1. `random`: whether rounds differ; if not the probes have no error.
pub(super) fn estimates(cells: &Cells, rounds: u64, random: bool) -> Vec<TraceEstimate> {
    let mut blocks = vec![vec![Moments::new(); cells.quantities.len()]; cells.shares.len()];
    let mut draws = vec![0; cells.shares.len()];
    for (&(_, block), values) in cells.values.range(..(rounds, 0)) {
        draws[block] += 1;
        blocks[block].iter_mut().zip(values).for_each(|(moments, value)| moments.push(*value));
    }
    let used: Vec<usize> = (0..blocks.len()).filter(|&b| rounds > 0 && draws[b] == rounds).collect();
    let sum: f64 = used.iter().map(|&b| cells.shares[b]).sum();
    // All blocks: the shares as they are, without another rounding.
    let scale = if used.len() == blocks.len() { 1.0 } else { 1.0 / sum };
    let shares: Vec<f64> = used.iter().map(|&b| cells.shares[b] * scale).collect();
    let coefficients = total_coefficients(&shares);
    let degrees = if shares.len() > 1 { shares.len() as u64 - 1 } else { rounds.saturating_sub(1) };
    let quantile = student_t_quantile(UPPER, degrees);
    let estimate = |q: usize| {
        let means: Vec<f64> = used.iter().filter_map(|&b| blocks[b][q].mean()).collect();
        let trace: f64 = shares.iter().zip(&means).map(|(w, mean)| w * mean).sum();
        let within = |&b: &usize| if random { blocks[b][q].variance() } else { Some(0.0) };
        let variances: Option<Vec<f64>> = used.iter().map(within).collect();
        let probe = variances.map(|s| shares.iter().zip(&s).map(|(w, s)| w * w * s).sum::<f64>() / rounds as f64);
        let spread = |(c, mean): (&f64, &f64)| c * (mean - trace).powi(2);
        let total = coefficients.as_ref().map(|c| c.iter().zip(&means).map(spread).sum::<f64>());
        let data = total.zip(probe).map(|(total, probe): (f64, f64)| (total - probe).max(0.0));
        // A single block without randomness tells nothing of any error.
        let known = total.is_some() || random;
        let stderr = total.into_iter().chain(probe).reduce(f64::max).filter(|_| known).map(f64::sqrt);
        let half_width = stderr.map(|e| if e == 0.0 { 0.0 } else { e * quantile });
        let (probe_stderr, data_stderr) = (probe.map(f64::sqrt), data.map(f64::sqrt));
        TraceEstimate { trace, stderr, probe_stderr, data_stderr, half_width }
    };
    (0..cells.quantities.len()).map(estimate).collect()
}

/// `c_b`; `None` for a single block, whose spread tells nothing.
fn total_coefficients(shares: &[f64]) -> Option<Vec<f64>> {
    if shares.len() < 2 {
        return None;
    }
    if shares.iter().any(|&w| w >= 0.5) {
        return Some(shares.iter().map(|w| w / (shares.len() - 1) as f64).collect());
    }
    let weight = |w: &f64| w * w / (1.0 - 2.0 * w);
    let sum: f64 = shares.iter().map(weight).sum();
    Some(shares.iter().map(|w| weight(w) / (1.0 + sum)).collect())
}

#[cfg(test)]
#[path = "noise_tests.rs"]
mod tests;
