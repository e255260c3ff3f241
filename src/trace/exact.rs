//! The trace of one block without chance: a product with every unit vector.
//!
//! ```text
//! Tr(A) = Σ_i e_iᵀ A e_i
//! ```
//!
//! Exact to rounding; the oracle of the estimators, and the choice for blocks that have no more rows than the products
//! they would take. Cost: `n` products.

use nalgebra::DMatrix;

use crate::error::{Error, Result};
use crate::trace::SymmetricOperator;
use crate::trace::operator::size;

/// Products asked for at once: bounds the memory to so many vectors.
const AT_ONCE: usize = 32;

/// The trace of block `layer`.
///
/// # Errors
/// When a product fails.
pub fn exact(operator: &dyn SymmetricOperator, layer: usize) -> Result<f64> {
    let mut trace = 0.0;
    for_each_column(operator, layer, |i, column| trace += column[i])?;
    Ok(trace)
}

/// Block `layer` as a matrix; column `i` is the product with the `i`-th unit vector. Memory: `n²` numbers.
///
/// # Errors
/// When a product fails.
pub fn dense_block(operator: &dyn SymmetricOperator, layer: usize) -> Result<DMatrix<f64>> {
    let n = size(operator, layer)?;
    let mut block = DMatrix::zeros(n, n);
    for_each_column(operator, layer, |i, column| block.column_mut(i).copy_from_slice(column))?;
    Ok(block)
}

fn for_each_column(operator: &dyn SymmetricOperator, layer: usize, mut take: impl FnMut(usize, &[f64])) -> Result<()> {
    let n = size(operator, layer)?;
    let unit = |i: usize| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect::<Vec<f64>>();
    for start in (0..n).step_by(AT_ONCE) {
        let units: Vec<Vec<f64>> = (start..n.min(start + AT_ONCE)).map(unit).collect();
        let products = operator.apply_block(layer, &units)?;
        if products.len() != units.len() || products.iter().any(|p| p.len() != n) {
            return Err(Error::Internal(format!("products of layer {layer} that do not fit its {n} entries")));
        }
        products.iter().enumerate().for_each(|(i, product)| take(start + i, product));
    }
    Ok(())
}

#[cfg(test)]
#[path = "exact_tests.rs"]
mod tests;
