//! The Hessian of a network's mean loss over one block of samples, as the matrix that estimators see.

use candle_core::Tensor;

use crate::error::Result;
use crate::exec::{HessianPass, Network, Real, Variation, host};
use crate::trace::{LayerVectors, SymmetricOperator};

/// Products in element type `T`, given and returned in f64.
pub struct BlockHessian<'a, T> {
    network: &'a Network,
    pass: &'a HessianPass<'a>,
    sizes: Vec<usize>,
    go_on: &'a dyn Fn() -> Result<()>,
    element: std::marker::PhantomData<T>,
}

impl<'a, T: Real> BlockHessian<'a, T> {
    /// `pass`: the base point. `go_on` is asked before every product.
    pub fn new(network: &'a Network, pass: &'a HessianPass<'a>, go_on: &'a dyn Fn() -> Result<()>) -> Self {
        let sizes = network.layers().iter().map(|l| l.parameters()).collect();
        Self { network, pass, sizes, go_on, element: std::marker::PhantomData }
    }

    fn tensor(&self, layer: usize, v: &[f64]) -> Result<Tensor> {
        let shape = self.network.layers()[layer].weight_shape.as_slice();
        host::tensor(v.iter().map(|&x| T::from_f64(x)).collect(), shape)
    }

    fn direction(&self, v: &LayerVectors) -> Result<Variation> {
        Ok(Variation::of_weights(v.iter().enumerate().map(|(l, v)| self.tensor(l, v)).collect::<Result<_>>()?))
    }

    /// A part of a product; none is zero: the layer does not reach the output.
    fn values(&self, layer: usize, part: Option<&Tensor>) -> Result<Vec<f64>> {
        let Some(tensor) = part else { return Ok(vec![0.0; self.sizes[layer]]) };
        Ok(host::read::<T>(tensor)?.iter().map(|v| v.to_f64()).collect())
    }
}

impl<T: Real> SymmetricOperator for BlockHessian<'_, T> {
    fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    fn apply(&self, v: &LayerVectors) -> Result<LayerVectors> {
        let product = self.pass.apply::<T>(&self.direction(v)?)?;
        product.weights.iter().enumerate().map(|(l, part)| self.values(l, part.as_ref())).collect()
    }

    fn forms(&self, v: &LayerVectors) -> Result<Vec<f64>> {
        self.pass.forms::<T>(&self.direction(v)?)
    }

    fn apply_block(&self, layer: usize, vectors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>> {
        let product = |v: &Vec<f64>| {
            (self.go_on)()?;
            let mut direction = Variation::none(self.sizes.len());
            direction.weights[layer] = Some(self.tensor(layer, v)?);
            self.values(layer, self.pass.apply::<T>(&direction)?.weights[layer].as_ref())
        };
        vectors.iter().map(product).collect()
    }
}
