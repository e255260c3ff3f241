//! The Hessian of a network's mean loss over some batches.

use candle_core::Tensor;

use crate::error::Result;
use crate::exec::{Bindings, HessianPass, Loss, Network, Real, Variation, host};
use crate::sensitivity::{HessianOperator, LayerVectors};

/// Hessian of the mean cross-entropy over all samples of the batches with respect to the layers' weights; products in
/// element type `T`, sums over batches in f64. A product costs six convolutions per layer and batch, and the two of
/// the base point are shared by the vectors of one call.
#[derive(Debug)]
pub struct NetworkHessian<'a, T> {
    network: &'a Network,
    bindings: &'a Bindings,
    batches: &'a [(Tensor, Vec<u32>)],
    sizes: Vec<usize>,
    element: std::marker::PhantomData<T>,
}

impl<'a, T: Real> NetworkHessian<'a, T> {
    /// `bindings` unquantised, with fixed norm statistics.
    pub fn new(network: &'a Network, bindings: &'a Bindings, batches: &'a [(Tensor, Vec<u32>)]) -> Self {
        let sizes = network.layers().iter().map(|l| l.parameters()).collect();
        Self { network, bindings, batches, sizes, element: std::marker::PhantomData }
    }
}

impl<T: Real> HessianOperator for NetworkHessian<'_, T> {
    fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    fn apply(&self, vectors: &[LayerVectors]) -> Result<Vec<LayerVectors>> {
        let to_tensors = |v: &LayerVectors| -> Result<Vec<Tensor>> {
            let layers = v.iter().zip(self.network.layers());
            layers
                .map(|(v, layer)| {
                    host::tensor(v.iter().map(|&x| T::from_f64(x)).collect(), layer.weight_shape.as_slice())
                })
                .collect()
        };
        let directions = vectors.iter().map(to_tensors).collect::<Result<Vec<_>>>()?;
        let mut products: Vec<LayerVectors> =
            vectors.iter().map(|_| self.sizes.iter().map(|&n| vec![0.0; n]).collect()).collect();
        let samples: usize = self.batches.iter().map(|(_, labels)| labels.len()).sum();
        for (images, labels) in self.batches {
            let pass = HessianPass::new::<T>(self.network, self.bindings, &Loss::default(), images, labels)?;
            let share = labels.len() as f64 / samples as f64;
            for (direction, product) in directions.iter().zip(&mut products) {
                let parts = pass.apply::<T>(&Variation::of_weights(direction.clone()))?.weights;
                for (part, sum) in parts.iter().flatten().zip(product) {
                    sum.iter_mut().zip(host::read::<T>(part)?.iter()).for_each(|(sum, v)| *sum += share * v.to_f64());
                }
            }
        }
        Ok(products)
    }
}
