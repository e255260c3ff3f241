//! The trace of every diagonal block from one product: Hutchinson's estimator (Hutchinson 1990; method.md §3).
//!
//! ```text
//! t_l = Tr(H_ll) = E[v_lᵀ (Hv)_l],   v with independent entries of mean 0 and variance 1 over all layers
//! ```
//!
//! Unbiased: `E[v_i v_j] = 1[i = j]`, so of `v_lᵀ Σ_m H_lm v_m` only the diagonal of `H_ll` survives the mean. One
//! product serves all layers; the off-diagonal blocks add variance, no bias:
//!
//! ```text
//! Var = 2(‖H_ll‖² − Σ h_ii²) + Σ_{m≠l} ‖H_lm‖²   Rademacher: a diagonal matrix is exact
//! Var = 2‖H_ll‖²             + Σ_{m≠l} ‖H_lm‖²   Gaussian
//! ```
//!
//! Cost: one product for one draw of all traces.

use crate::error::Result;
use crate::numeric::rng::Stream;
use crate::trace::{LayerVectors, ProbeDistribution, SymmetricOperator};

/// One draw of the trace of every block.
///
/// # Errors
/// When the product fails.
pub fn hutchinson(
    operator: &dyn SymmetricOperator,
    distribution: ProbeDistribution,
    stream: &mut Stream,
) -> Result<Vec<f64>> {
    let v: LayerVectors = operator.sizes().iter().map(|&n| distribution.vector(n, stream)).collect();
    operator.forms(&v)
}

#[cfg(test)]
#[path = "hutchinson_tests.rs"]
mod tests;
