//! The trace of one block from the range of a sketch and the rest: Hutch++ (Meyer, Musco, Musco, Woodruff, "Hutch++:
//! Optimal Stochastic Trace Estimation", arXiv 2010.09649, algorithm 1).
//!
//! ```text
//! m products, k = ⌊m/3⌋;   S: n × k Gaussian;   Q = orth(A S);   P = I − Q Qᵀ;   G: n × (m − 2k) Rademacher
//! t = Tr(Qᵀ A Q) + 1/(m − 2k) Σ_j (P g_j)ᵀ A (P g_j)
//! ```
//!
//! Unbiased: `Tr A = Tr(Qᵀ A Q) + Tr(P A P)` for every orthonormal `Q`, the first is computed, and `G` is independent
//! of `Q`. Variance given `Q`: `2(‖PAP‖² − Σ (PAP)_ii²)/(m − 2k)`. None if `rank A ≤ k`. Against Hutchinson's with as
//! many products (measured, n = 40 to 60, m = 18): 0.036 of it for eigenvalues 0.6ⁱ, 2.5 times where the spectrum is
//! flat, since only a third of the products sees the rest, and 6.6 times where the matrix is nearly a multiple of the
//! identity, which costs Rademacher vectors nothing before the projection and something after it. The paper takes
//! Rademacher entries for `S` too; Gaussian ones hit every range of rank `k` with certainty. Cost: `m` products and
//! `O(m² n)`.

use crate::error::{Error, Result};
use crate::numeric::rng::Stream;
use crate::trace::operator::size;
use crate::trace::probe::{columns, dot, matrix};
use crate::trace::{ProbeDistribution, SymmetricOperator, exact};

/// Fewest products: one each for the sketch, its range and the rest.
pub const HUTCHPP_LEAST: usize = 3;

/// One draw of the trace of block `layer` from `products` products; the exact trace where so many suffice for it.
///
/// # Errors
/// When a product fails, or `products` is below 3.
pub fn hutchpp(operator: &dyn SymmetricOperator, layer: usize, products: usize, stream: &mut Stream) -> Result<f64> {
    let n = size(operator, layer)?;
    if n <= products {
        return exact(operator, layer);
    }
    if products < HUTCHPP_LEAST {
        return Err(Error::Internal(format!("Hutch++ with {products} products")));
    }
    let k = products / 3;
    let sketch = operator.apply_block(layer, &ProbeDistribution::Gaussian.vectors(n, k, stream))?;
    let q = matrix(n, &sketch)?.qr().q();
    let range = columns(&q);
    let in_range: f64 = range.iter().zip(operator.apply_block(layer, &range)?).map(|(q, aq)| dot(q, &aq)).sum();

    let g = matrix(n, &ProbeDistribution::Rademacher.vectors(n, products - 2 * k, stream))?;
    let rest = columns(&(&g - &q * q.tr_mul(&g)));
    let in_rest: f64 = rest.iter().zip(operator.apply_block(layer, &rest)?).map(|(pg, apg)| dot(pg, &apg)).sum();
    Ok(in_range + in_rest / rest.len() as f64)
}

#[cfg(test)]
#[path = "hutchpp_tests.rs"]
mod tests;
