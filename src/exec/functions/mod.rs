//! Operators without quantisable weights, with first and second derivatives.
//!
//! Four kinds: functions of a row ([`rows`]: activations, softmax, norms), moves of elements ([`moves`]: shapes, windows,
//! joins, choices), linear maps along an axis ([`along`]) and products ([`product`]); constants are none of them. Each kind
//! has four maps, where a dot is the derivative in some direction:
//!
//! ```text
//! forward          y = f(x)                     tangent           ẏ = f′(x) ẋ
//! adjoint          dx = f′(x)ᵀ g                adjoint tangent   f′(x)ᵀ ġ + (f″(x) ẋ)ᵀ g
//! ```
//!
//! Samples run in parallel, and where the work is in f64 rows of them too; a single sample in f32, the work of training,
//! stays on the calling thread.

mod along;
mod moves;
mod pointwise;
mod product;
mod row_norm;
mod rows;
mod softmax;

use rayon::prelude::*;

use along::Along;
use moves::Moves;
use product::Product;
use row_norm::RowNorm;
use softmax::Softmax;

use crate::error::{Error, Result};
use crate::exec::kernels::Real;
use crate::graph::{Activation, Function, Graph, NodeId};

/// What a function is computed by.
enum Kind {
    Activation(Activation),
    Softmax(Softmax),
    Norm(RowNorm),
    Moves(Moves),
    Along(Along),
    Product(Product),
    /// The same numbers for every sample.
    Constant(Vec<f64>),
}

/// One function of a graph on a batch. `x` are its inputs' values, each for the whole batch.
pub struct FunctionSite {
    kind: Kind,
    /// Elements of each input, per sample.
    lengths: Vec<usize>,
    /// Length of an output row.
    width: usize,
    batch: usize,
    parameters: usize,
}

/// Runs `$rows` with `$f` bound to the row function, or what belongs to another kind.
macro_rules! by_kind {
    ($site:expr, rows $f:ident => $rows:expr, moves $m:ident => $moves:expr, along $l:ident => $along:expr,
     product $p:ident => $product:expr, constant $c:ident => $constant:expr) => {
        match &$site.kind {
            Kind::Activation($f) => $rows,
            Kind::Softmax($f) => $rows,
            Kind::Norm($f) => $rows,
            Kind::Moves($m) => $moves,
            Kind::Along($l) => $along,
            Kind::Product($p) => $product,
            Kind::Constant($c) => $constant,
        }
    };
}

fn product(function: &Function, left: &[usize], right: &[usize], columns: usize) -> Product {
    match (function, left) {
        (&Function::MatMul { transpose_right, scale }, &[.., rows, inner]) => {
            Product::Matrices { rows, inner, columns, transpose_right, scale }
        }
        _ => Product::Elements { repeat: left.iter().product::<usize>() / right.iter().product::<usize>() },
    }
}

impl Kind {
    fn new(function: &Function, inputs: &[&[usize]], output: &[usize], parameters: &[Vec<f64>]) -> Self {
        let width = output.last().copied().unwrap_or(1);
        let parameter = |i: usize, else_all: f64| parameters.get(i).cloned().unwrap_or_else(|| vec![else_all; width]);
        let norm = |centred, epsilon| Kind::Norm(RowNorm::new(centred, epsilon, parameter(0, 1.0), parameter(1, 0.0)));
        match function {
            Function::Activation(activation) => Kind::Activation(*activation),
            Function::Softmax { causal } => {
                let rows = output.iter().rev().nth(1).copied().unwrap_or(1);
                Kind::Softmax(Softmax { causal: causal.then_some(rows) })
            }
            Function::LayerNorm { epsilon, .. } => norm(true, *epsilon),
            Function::RmsNorm { epsilon } => norm(false, *epsilon),
            Function::Multiply | Function::MatMul { .. } => {
                Kind::Product(product(function, inputs[0], inputs[1], width))
            }
            Function::Along { axis, map } => Kind::Along(Along::new(map, *axis, inputs[0])),
            Function::Constant { .. } => Kind::Constant(parameters.first().cloned().unwrap_or_default()),
            _ => Kind::Moves(Moves::new(function, inputs, output)),
        }
    }
}

impl FunctionSite {
    /// The function at `node` with its parameters' values.
    ///
    /// # Errors
    /// When a parameter is missing or has another length: a fault of the caller.
    pub fn new(
        graph: &Graph,
        node: NodeId,
        function: &Function,
        batch: usize,
        parameters: Vec<Vec<f64>>,
    ) -> Result<Self> {
        let shape = |id: NodeId| graph.nodes()[id].shape.as_slice();
        let inputs: Vec<&[usize]> = graph.nodes()[node].inputs.iter().map(|&input| shape(input)).collect();
        let output = shape(node);
        let length: usize = function.parameter_shape(output).iter().product();
        let fits = parameters.iter().all(|p| p.len() == length);
        if !fits || parameters.len() != function.parameters().len() {
            return Err(Error::Internal(format!("parameters of `{}` do not fit", graph.nodes()[node].name)));
        }
        Ok(Self {
            kind: Kind::new(function, &inputs, output, &parameters),
            lengths: inputs.iter().map(|shape| shape.iter().product()).collect(),
            width: output.last().copied().unwrap_or(1),
            batch,
            parameters: parameters.len(),
        })
    }

    /// Calls `visit(x, g, y)` with every sample of the inputs, of `g` and of `y`.
    fn samples<T: Real>(&self, x: &[&[T]], g: &[T], y: &mut [T], visit: impl Fn(&[&[T]], &[T], &mut [T]) + Sync) {
        if self.batch <= 1 {
            return visit(x, g, y);
        }
        let (of_g, of_y) = (g.len() / self.batch, y.len() / self.batch);
        y.par_chunks_mut(of_y.max(1)).enumerate().for_each(|(sample, y)| {
            let x: Vec<&[T]> = x.iter().zip(&self.lengths).map(|(x, &len)| &x[sample * len..][..len]).collect();
            visit(&x, &g[sample * of_g..][..of_g], y);
        });
    }

    /// `y = f(x)`.
    pub fn forward<T: Real>(&self, x: &[&[T]], y: &mut [T]) {
        self.samples(x, &[], y, |x, _, y| {
            by_kind!(self,
            rows f => rows::forward(f, self.width, x[0], y),
            moves m => m.forward(x, y),
            along l => l.forward(x[0], y),
            product p => p.forward(x[0], x[1], y),
            constant c => y.iter_mut().zip(c).for_each(|(y, &value)| *y = T::from_f64(value)))
        });
    }

    /// `ẏ` from `ẋ`.
    pub fn tangent<T: Real>(&self, x: &[&[T]], x_dot: &[&[T]], y_dot: &mut [T]) {
        by_kind!(self,
        rows f => rows::tangent(f, self.width, x[0], x_dot[0], y_dot),
        moves m => {
            let (count, both) = (x.len(), [x, x_dot].concat());
            let lengths = self.lengths.repeat(2);
            let of_y = y_dot.len() / self.batch.max(1);
            y_dot.par_chunks_mut(of_y.max(1)).enumerate().for_each(|(sample, y_dot)| {
                let both: Vec<&[T]> = both.iter().zip(&lengths).map(|(x, &len)| &x[sample * len..][..len]).collect();
                m.tangent(&both[..count], &both[count..], y_dot);
            });
        },
        along l => self.samples(x_dot, &[], y_dot, |x_dot, _, y_dot| l.forward(x_dot[0], y_dot)),
        product _p => {
            let mut moved = vec![T::ZERO; y_dot.len()];
            self.forward(&[x_dot[0], x[1]], y_dot);
            self.forward(&[x[0], x_dot[1]], &mut moved);
            add(y_dot, &moved);
        },
        constant _c => y_dot.fill(T::ZERO))
    }

    /// `dx` of one input from `g`.
    pub fn gradient<T: Real>(&self, x: &[&[T]], g: &[T], input: usize, dx: &mut [T]) {
        self.samples(x, g, dx, |x, g, dx| {
            by_kind!(self,
            rows f => rows::adjoint(f, self.width, x[0], g, dx),
            moves m => m.gradient(x, g, input, dx),
            along l => l.adjoint(g, dx),
            product p => match input {
                0 => p.left_gradient(g, x[1], dx),
                _ => p.right_gradient(x[0], g, dx),
            },
            constant _c => {})
        });
    }

    /// `dx` of every input from `g`.
    pub fn adjoint<T: Real>(&self, x: &[&[T]], g: &[T]) -> Vec<Vec<T>> {
        self.of_inputs(|input, dx| self.gradient(x, g, input, dx))
    }

    /// The derivative of [`Self::adjoint`] as `x` and `g` move.
    pub fn adjoint_tangent<T: Real>(&self, x: &[&[T]], x_dot: &[&[T]], g: &[T], g_dot: &[T]) -> Vec<Vec<T>> {
        self.of_inputs(|input, dx| {
            by_kind!(self,
            rows f => rows::adjoint_tangent(f, self.width, [x[0], x_dot[0]], [g, g_dot], dx),
            moves _m => self.gradient(x, g_dot, input, dx),
            along _l => self.gradient(x, g_dot, input, dx),
            product _p => {
                let mut more = vec![T::ZERO; dx.len()];
                self.gradient(x, g_dot, input, dx);
                self.gradient(x_dot, g, input, &mut more);
                add(dx, &more);
            },
            constant _c => {})
        })
    }

    fn of_inputs<T: Real>(&self, compute: impl Fn(usize, &mut [T])) -> Vec<Vec<T>> {
        let gradient = |(input, length): (usize, &usize)| {
            let mut dx = vec![T::ZERO; self.batch * length];
            compute(input, &mut dx);
            dx
        };
        self.lengths.iter().enumerate().map(gradient).collect()
    }

    /// Adds the gradients of the parameters, in their order; empty sums take the lengths of the parameters.
    pub fn add_parameter_gradients<T: Real>(&self, x: &[&[T]], g: &[T], sums: &mut Vec<Vec<f64>>) {
        sums.resize_with(self.parameters, Vec::new);
        match (&self.kind, sums.as_mut_slice()) {
            (Kind::Norm(norm), [gamma, beta @ ..]) => {
                gamma.resize(self.width, 0.0);
                beta.iter_mut().for_each(|beta| beta.resize(self.width, 0.0));
                norm.add_parameter_gradients(x[0], g, gamma, beta.first_mut().map_or(&mut [], Vec::as_mut_slice));
            }
            (Kind::Constant(values), [sum]) => {
                sum.resize(values.len(), 0.0);
                for g in g.chunks_exact(values.len()) {
                    sum.iter_mut().zip(g).for_each(|(sum, g)| *sum += g.to_f64());
                }
            }
            _ => {}
        }
    }
}

fn add<T: Real>(sum: &mut [T], more: &[T]) {
    sum.iter_mut().zip(more).for_each(|(sum, &more)| *sum += more);
}

#[cfg(test)]
#[path = "single_tests.rs"]
mod tests;
