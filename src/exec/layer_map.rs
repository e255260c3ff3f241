//! What a layer with weights computes: a bilinear map of input and weight, and its two adjoints.

use crate::exec::kernels::conv::{self, ConvShape, Dilation};
use crate::exec::kernels::{Real, embedding};

/// The map of one layer on one batch. Of an embedding the input are token numbers, which have no gradient.
pub enum LayerMap {
    /// A convolution, or a dense layer as a 1×1 convolution. The shape of a dilated one is that with its kernel spread.
    Convolution(ConvShape, Option<Dilation>),
    /// Rows of a table.
    Table {
        /// Features of a row.
        features: usize,
    },
}

impl LayerMap {
    /// `y = map(x, w)`.
    pub fn forward<T: Real>(&self, x: &[T], w: &[T], y: &mut [T]) {
        match self {
            LayerMap::Convolution(shape, None) => conv::forward(shape, x, w, y),
            LayerMap::Convolution(shape, Some(dilation)) => conv::forward(shape, x, &dilation.spread(w), y),
            LayerMap::Table { features } => embedding::lookup(x, w, *features, y),
        }
    }

    /// Whether it is the product of one matrix with one vector, so that the gradient of the weight is `g xᵀ`.
    pub fn is_one_product(&self) -> bool {
        matches!(self, LayerMap::Convolution(s, _) if s.groups == 1
            && [s.batch, s.in_height, s.in_width, s.kernel_height, s.kernel_width] == [1; 5]
            && [s.padding, s.padding_after] == [[0; 2]; 2])
    }

    /// The adjoint in `x`, applied to `g`.
    pub fn input_gradient<T: Real>(&self, g: &[T], w: &[T], dx: &mut [T]) {
        match self {
            LayerMap::Convolution(shape, None) => conv::input_gradient(shape, g, w, dx),
            LayerMap::Convolution(shape, Some(dilation)) => conv::input_gradient(shape, g, &dilation.spread(w), dx),
            LayerMap::Table { .. } => dx.fill(T::ZERO),
        }
    }

    /// The adjoint in `w`, applied to `g`.
    pub fn weight_gradient<T: Real>(&self, x: &[T], g: &[T], dw: &mut [T]) {
        match self {
            LayerMap::Convolution(shape, None) => conv::weight_gradient(shape, x, g, dw),
            LayerMap::Convolution(shape, Some(dilation)) => {
                let mut spread = vec![T::ZERO; shape.weight_len()];
                conv::weight_gradient(shape, x, g, &mut spread);
                dilation.gather(&spread, dw);
            }
            LayerMap::Table { features } => embedding::table_gradient(x, g, *features, dw),
        }
    }
}
