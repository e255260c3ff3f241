//! Gemm, and MatMul with a constant factor: dense layers.

use std::sync::Arc;

use crate::error::Result;
use crate::graph::{Linear, NodeId, Op};
use crate::onnx::tensor::{Data, ElementKind, Tensor};

use super::arithmetic::{Binary, combine};
use super::call::Call;
use super::context::Context;
use super::matmul::{products, swapped};
use super::value::{Constant, Dynamic, Value};

/// A matrix of a constant, rows first.
struct Matrix {
    rows: usize,
    columns: usize,
    elements: Vec<f32>,
}

/// A bias and the initializer that it comes from.
struct Bias {
    elements: Vec<f32>,
    initializer: Option<Arc<str>>,
}

impl Matrix {
    /// None unless it has two long axes at most, the last ones.
    fn of(constant: &Constant) -> Option<Self> {
        let &[ref outer @ .., rows, columns] = &constant.one.shape[..] else { return None };
        let matrix = constant.is_fixed() && outer.iter().all(|&n| n == 1);
        matrix.then(|| Self { rows, columns, elements: constant.one.floats() })
    }

    fn transposed(self) -> Self {
        let Self { rows, columns, elements } = self;
        let mut turned = Vec::with_capacity(elements.len());
        for column in 0..columns {
            turned.extend(elements.iter().skip(column).step_by(columns.max(1)));
        }
        Self { rows: columns, columns: rows, elements: turned }
    }

    fn scaled(mut self, factor: f64) -> Self {
        if factor != 1.0 {
            self.elements.iter_mut().for_each(|x| *x = (f64::from(*x) * factor) as f32);
        }
        self
    }
}

/// Gemm: `α A' B' + β C`.
pub fn gemm(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let (alpha, beta) = (call.float("alpha", 1.0)?, call.float("beta", 1.0)?);
    let turned = [call.node.int("transA", 0)? != 0, call.node.int("transB", 0)? != 0];
    let (a, b) = (call.input(0)?, call.input(1)?);
    if a.shape().len() != 2 || b.shape().len() != 2 {
        return Err(call.wrong(format!("factors of shape {:?} and {:?}", a.shape(), b.shape()), "two matrices"));
    }
    let addend = call.optional(2).filter(|_| beta != 0.0);
    if let Value::Constant(weight) = b
        && let Some(matrix) = Matrix::of(weight)
    {
        let x = context.dynamic(call, a)?;
        let x = if turned[0] { swapped(context, &x)? } else { x };
        let matrix = if turned[1] { matrix } else { matrix.transposed() }.scaled(alpha);
        let bias = match addend {
            Some(Value::Constant(c)) => {
                bias_of(c, matrix.rows, beta).map(|elements| Bias { elements, initializer: c.initializer.clone() })
            }
            _ => None,
        };
        let fused = bias.is_some();
        let product = dense(context, call, &x, weight, matrix, bias)?;
        return if fused { Ok(product) } else { plus(context, call, product, addend, beta) };
    }
    let mut factors = [context.dynamic(call, a)?, context.dynamic(call, b)?];
    for (factor, turned) in factors.iter_mut().zip(turned) {
        if turned {
            *factor = swapped(context, factor)?;
        }
    }
    let product = products(context, call, &factors[0], &factors[1], alpha)?;
    plus(context, call, product, addend, beta)
}

/// `product + β C`.
fn plus(context: &mut Context, call: &Call, product: Dynamic, addend: Option<&Value>, beta: f64) -> Result<Dynamic> {
    let Some(addend) = addend else { return Ok(product) };
    let scaled = match (addend, beta == 1.0) {
        (value, true) => value.clone(),
        (Value::Dynamic(x), false) => {
            let node = context.affine("addend", x.node, beta, 0.0)?;
            context.like(node, x)?.into()
        }
        (Value::Constant(c), false) => {
            let scale = |t: &Tensor| {
                let elements = t.floats().into_iter().map(|x| (f64::from(x) * beta) as f32).collect();
                Arc::new(Tensor { shape: t.shape.clone(), data: Data::Float(elements) })
            };
            Constant { one: scale(&c.one), three: scale(&c.three), initializer: c.initializer.clone() }.into()
        }
    };
    let shape = product.shape.clone();
    let sum = combine(context, call, Binary::Add, &product.into(), &scaled)?;
    if sum.shape == shape {
        Ok(sum)
    } else {
        Err(call.wrong("a summand larger than the product", "one that broadcasts"))
    }
}

/// A constant as the bias of so many features: a vector along the last axis, or one number for all.
fn bias_of(constant: &Constant, features: usize, factor: f64) -> Option<Vec<f32>> {
    let tensor = &constant.one;
    let scale = |x: f32| (f64::from(x) * factor) as f32;
    let (last, outer) = tensor.shape.split_last().map_or((1, &[][..]), |(last, outer)| (*last, outer));
    let vector = constant.is_fixed() && outer.iter().all(|&n| n == 1) && outer.len() < 2;
    match (vector, tensor.floats()) {
        (true, elements) if last == features => Some(elements.into_iter().map(scale).collect()),
        (true, elements) if last == 1 => elements.first().map(|&x| vec![scale(x); features]),
        _ => None,
    }
}

/// MatMul: a dense layer where one factor is a constant matrix.
pub fn matmul(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let (a, b) = (call.input(0)?, call.input(1)?);
    match (a, b) {
        (Value::Dynamic(x), Value::Constant(weight)) => {
            if let Some(matrix) = Matrix::of(weight) {
                // Leading axes of 1 in the weight must not add axes to the product.
                if weight.one.shape.len() <= x.rank().max(2) {
                    let matrix = matrix.transposed();
                    let bias = following_bias(context, call, matrix.rows);
                    let (fused, bias) = bias.map_or((None, None), |(name, bias)| (Some(name), Some(bias)));
                    let value = dense(context, call, x, weight, matrix, bias)?;
                    if let Some(name) = fused {
                        context.values.insert(name, value.clone().into());
                    }
                    return Ok(value);
                }
            }
        }
        (Value::Constant(weight), Value::Dynamic(x)) if x.rank() >= 2 && weight.one.shape.len() <= x.rank() => {
            if let Some(matrix) = Matrix::of(weight) {
                let turned = swapped(context, x)?;
                let value = dense(context, call, &turned, weight, matrix, None)?;
                return swapped(context, &value);
            }
        }
        _ => {}
    }
    let (a, b) = (context.dynamic(call, a)?, context.dynamic(call, b)?);
    products(context, call, &a, &b, 1.0)
}

/// The bias that an Add behind adds, if only it reads the product; and the name of its result.
fn following_bias(context: &Context, call: &Call, features: usize) -> Option<(String, Bias)> {
    let add = call.sole_reader.filter(|node| node.op == "Add" && node.domain.is_empty())?;
    let product = call.node.outputs.first()?;
    let other = add.inputs.iter().find(|&name| name != product)?;
    let Some(Value::Constant(bias)) = context.values.get(other) else { return None };
    let vector = bias.one.shape.len() == 1 && bias.one.len() == features;
    let elements = bias_of(bias, features, 1.0).filter(|_| vector)?;
    Some((add.outputs.first()?.clone(), Bias { elements, initializer: bias.initializer.clone() }))
}

/// The dense layer `x Wᵀ + b` over the last axis; the matrix is `[outputs, inputs]`.
fn dense(
    context: &mut Context,
    call: &Call,
    x: &Dynamic,
    weight: &Constant,
    matrix: Matrix,
    bias: Option<Bias>,
) -> Result<Dynamic> {
    let Some(last) = x.rank().checked_sub(1).filter(|&last| x.shape[last] == matrix.columns) else {
        return Err(
            call.wrong(format!("{:?} by a matrix for {} features", x.shape, matrix.columns), "as many features")
        );
    };
    x.keep_apart(call, [last])?;
    let Matrix { rows: outputs, columns: inputs, elements } = matrix;
    let named = bias.as_ref().and_then(|bias| bias.initializer.as_deref());
    let name = context.layer_name_with(weight, named);
    // An only axis of extent 1 is left out of the node's shape, but features are needed.
    let input: NodeId = if last == 0 { context.whole(x)? } else { x.node };
    let node = context.named(&name, Op::Linear(Linear { inputs, outputs, bias: bias.is_some() }), &[input])?;
    context.parameter(&name, "weight", &[outputs, inputs], elements)?;
    if let Some(bias) = bias {
        context.parameter(&name, "bias", &[outputs], bias.elements)?;
    }
    let shape = [x.shape.get(..last).unwrap_or_default(), &[outputs]].concat();
    context.done(node, &shape, x.samples(), ElementKind::Float)
}
