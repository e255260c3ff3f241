//! The functions of a graph and their adjoints, each out of a handful of tensor operations.

use candle_core::{D, Device as CandleDevice, Tensor};

use crate::error::{Error, Result};
use crate::exec::plain::rows::{self, RowNorm};
use crate::exec::plain::tensors::channel_sums;
use crate::exec::plain::{activation, along, choice, pool};
use crate::graph::Function;

/// A function with what it reads; tensors have the batch in front.
pub(super) struct FunctionCall<'a> {
    /// What is computed.
    pub(super) function: &'a Function,
    /// Its inputs, on the device.
    pub(super) inputs: Vec<&'a Tensor>,
    /// Its parameters, on any device.
    pub(super) parameters: &'a [Tensor],
    /// Shape of its output.
    pub(super) shape: Vec<usize>,
}

impl FunctionCall<'_> {
    fn norm(&self, centred: bool, epsilon: f64) -> RowNorm<'_> {
        RowNorm { centred, epsilon, parameters: self.parameters }
    }

    fn pair(&self) -> Result<[&Tensor; 2]> {
        match self.inputs.as_slice() {
            &[a, b] => Ok([a, b]),
            inputs => Err(Error::Internal(format!("a product of {} factors", inputs.len()))),
        }
    }

    /// The second factor of a product, against the first's channels.
    fn gate(a: &Tensor, b: &Tensor) -> Result<Tensor> {
        let trailing = vec![1; a.rank() - b.rank()];
        Ok(b.reshape([b.dims(), &trailing].concat())?)
    }

    /// `y = f(x)` on a device, contiguous.
    pub(super) fn forward(&self, device: &CandleDevice) -> Result<Tensor> {
        if let Function::Constant { shape, .. } = self.function {
            let value = self.parameters[0].to_device(device)?.reshape(shape.as_slice())?.unsqueeze(0)?;
            return Ok(value.expand(self.shape.as_slice())?.contiguous()?);
        }
        let x = self.inputs[0];
        Ok(match self.function {
            Function::Activation(a) => activation::value(*a, x)?,
            Function::Softmax { causal } => rows::softmax(x, *causal)?,
            Function::LayerNorm { epsilon, .. } => self.norm(true, *epsilon).forward(x)?,
            Function::RmsNorm { epsilon } => self.norm(false, *epsilon).forward(x)?,
            Function::MaxPool(window) => pool::max(*window, x, &self.shape)?,
            Function::AveragePool(window) => pool::average(*window, x, &self.shape)?,
            Function::Multiply => {
                let [a, b] = self.pair()?;
                a.broadcast_mul(&Self::gate(a, b)?)?
            }
            Function::MatMul { transpose_right, scale } => {
                let [a, b] = self.pair()?;
                let b = if *transpose_right { b.t()? } else { b.clone() };
                (a.matmul(&b)? * *scale)?
            }
            Function::Larger | Function::Smaller | Function::Select => choice::value(self.function, &self.inputs)?,
            Function::Along { axis, map } => along::forward(map, *axis, x)?,
            Function::Concat { axis } => Tensor::cat(&self.inputs, axis + 1)?.contiguous()?,
            Function::Constant { .. } => return Err(Error::Internal("a constant reads nothing".into())),
            Function::Reshape { .. } => x.reshape(self.shape.as_slice())?,
            Function::Transpose { axes } => x.permute(with_batch(axes))?.contiguous()?,
        })
    }

    /// `dx` of every input, contiguous, from the function's value `y` and the gradient `g` of it.
    pub(super) fn adjoint(&self, y: &Tensor, g: &Tensor) -> Result<Vec<Tensor>> {
        let Some(&x) = self.inputs.first() else { return Ok(Vec::new()) };
        Ok(match self.function {
            Function::Activation(a) => vec![(g * activation::slope(*a, x)?)?],
            Function::Softmax { .. } => vec![rows::softmax_adjoint(y, g)?],
            Function::LayerNorm { epsilon, .. } => vec![self.norm(true, *epsilon).adjoint(x, g)?],
            Function::RmsNorm { epsilon } => vec![self.norm(false, *epsilon).adjoint(x, g)?],
            Function::MaxPool(window) => vec![pool::max_adjoint(*window, [x, y, g])?],
            Function::AveragePool(window) => vec![pool::average_adjoint(*window, x, g)?],
            Function::Multiply => {
                let [a, b] = self.pair()?;
                let db = (a * g)?.reshape([b.dims(), &[a.elem_count() / b.elem_count()]].concat())?;
                vec![g.broadcast_mul(&Self::gate(a, b)?)?, db.sum(D::Minus1)?]
            }
            Function::MatMul { transpose_right, scale } => {
                let ([a, b], g) = (self.pair()?, (g * *scale)?);
                match transpose_right {
                    true => vec![g.matmul(b)?, g.t()?.matmul(a)?],
                    false => vec![g.matmul(&b.t()?)?, a.t()?.matmul(&g)?],
                }
            }
            Function::Larger | Function::Smaller | Function::Select => choice::adjoint(self.function, &self.inputs, g)?,
            Function::Along { axis, map } => vec![along::adjoint(map, *axis, x, g)?],
            Function::Constant { .. } => Vec::new(),
            Function::Concat { axis } => {
                let mut start = 0;
                let mut part = |x: &&Tensor| {
                    let extent = x.dim(axis + 1)?;
                    let part = g.narrow(axis + 1, start, extent)?.contiguous()?;
                    start += extent;
                    Ok(part)
                };
                self.inputs.iter().map(&mut part).collect::<Result<_>>()?
            }
            Function::Reshape { .. } => vec![g.reshape(x.shape())?],
            Function::Transpose { axes } => {
                let mut back = with_batch(axes);
                with_batch(axes).into_iter().enumerate().for_each(|(to, from)| back[from] = to);
                vec![g.permute(back)?.contiguous()?]
            }
        })
    }

    /// Gradients of the parameters, in their order.
    pub(super) fn parameter_gradients(&self, g: &Tensor) -> Result<Vec<Vec<f64>>> {
        match *self.function {
            Function::LayerNorm { epsilon, affine: true } => {
                self.norm(true, epsilon).parameter_gradients(self.inputs[0], g)
            }
            Function::RmsNorm { epsilon } => self.norm(false, epsilon).parameter_gradients(self.inputs[0], g),
            Function::Constant { .. } => Ok(vec![channel_sums(&g.flatten_from(1)?.unsqueeze(2)?)?]),
            _ => Ok(Vec::new()),
        }
    }
}

/// A permutation of a sample's axes as one of a batch's.
fn with_batch(axes: &[usize]) -> Vec<usize> {
    std::iter::once(0).chain(axes.iter().map(|axis| axis + 1)).collect()
}
