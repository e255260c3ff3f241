//! What an estimator of traces knows of a matrix: its products with vectors.

use crate::error::{Error, Result};
use crate::trace::probe::dot;

/// A vector with one part per layer.
pub type LayerVectors = Vec<Vec<f64>>;

/// A symmetric matrix `H`, cut into blocks by layers and known by its products. Linear: the same vector always gives
/// the same product.
pub trait SymmetricOperator {
    /// `n_l`, the length of every layer's part.
    fn sizes(&self) -> &[usize];

    /// `Hv`. The cost unit of every estimator: one product.
    ///
    /// # Errors
    /// When the product fails.
    fn apply(&self, v: &LayerVectors) -> Result<LayerVectors>;

    /// `v_lᵀ (Hv)_l` of every layer; an operator may have a cheaper way than the product.
    ///
    /// # Errors
    /// When the product fails.
    fn forms(&self, v: &LayerVectors) -> Result<Vec<f64>> {
        let product = self.apply(v)?;
        if !v.iter().map(Vec::len).eq(product.iter().map(Vec::len)) {
            return Err(Error::Internal("a product with other layers than its vector".into()));
        }
        Ok(v.iter().zip(&product).map(|(v, product)| dot(v, product)).collect())
    }

    /// `(Hv)_l = H_ll v_l` for each `v` that is `vectors[i]` in layer `l` and zero elsewhere.
    ///
    /// # Errors
    /// When a product fails.
    fn apply_block(&self, layer: usize, vectors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>>;
}

/// Length of layer `l`'s part.
///
/// # Errors
/// When there is no such layer: a fault of the program.
pub(super) fn size(operator: &dyn SymmetricOperator, layer: usize) -> Result<usize> {
    let sizes = operator.sizes();
    sizes.get(layer).copied().ok_or_else(|| Error::Internal(format!("layer {layer} of {}", sizes.len())))
}
