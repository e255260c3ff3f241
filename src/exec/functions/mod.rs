//! Operators without quantisable weights, with first and second derivatives.
//!
//! Three kinds: functions of a row ([`rows`]: activations, softmax, norms), moves of elements ([`moves`]: shapes, windows,
//! joins) and products ([`product`]). Each kind has four maps, where a dot is the derivative in some direction:
//!
//! ```text
//! forward          y = f(x)                     tangent           ẏ = f′(x) ẋ
//! adjoint          dx = f′(x)ᵀ g                adjoint tangent   f′(x)ᵀ ġ + (f″(x) ẋ)ᵀ g
//! ```

mod moves;
mod pointwise;
mod product;
mod row_norm;
mod rows;
mod softmax;

use moves::Moves;
use product::Product;
use row_norm::RowNorm;
use softmax::Softmax;

use crate::error::{Error, Result};
use crate::exec::kernels::Real;
use crate::graph::{Function, Graph, NodeId};

/// One function of a graph on a batch. `x` are its inputs' values, each for the whole batch.
pub struct FunctionSite<'a> {
    function: &'a Function,
    inputs: Vec<&'a [usize]>,
    output: &'a [usize],
    batch: usize,
    parameters: Vec<Vec<f64>>,
}

/// Runs `$run` with `$f` bound to the row function, or the alternatives.
macro_rules! by_kind {
    ($site:expr, rows $f:ident => $rows:expr, moves $m:ident => $moves:expr, product $p:ident => $product:expr) => {
        match $site.function {
            Function::Activation(activation) => {
                let $f = activation;
                $rows
            }
            Function::Softmax { causal } => {
                let rows = $site.output[..$site.output.len() - 1].last().copied().unwrap_or(1);
                let $f = &Softmax { causal: causal.then_some(rows) };
                $rows
            }
            Function::LayerNorm { .. } | Function::RmsNorm { .. } => {
                let $f = &$site.norm();
                $rows
            }
            Function::Multiply | Function::MatMul { .. } => {
                let $p = $site.product();
                $product
            }
            _ => {
                let $m = Moves { function: $site.function, inputs: &$site.inputs, output: $site.output };
                $moves
            }
        }
    };
}

impl<'a> FunctionSite<'a> {
    /// The function at `node` with its parameters' values.
    ///
    /// # Errors
    /// When a parameter is missing or has another length: a fault of the caller.
    pub fn new(
        graph: &'a Graph,
        node: NodeId,
        function: &'a Function,
        batch: usize,
        parameters: Vec<Vec<f64>>,
    ) -> Result<Self> {
        let shape = |id: NodeId| graph.nodes()[id].shape.as_slice();
        let inputs = graph.nodes()[node].inputs.iter().map(|&input| shape(input)).collect();
        let site = Self { function, inputs, output: shape(node), batch, parameters };
        let fits = site.parameters.iter().all(|p| p.len() == site.width());
        if !fits || site.parameters.len() != function.parameters().len() {
            return Err(Error::Internal(format!("parameters of `{}` do not fit", graph.nodes()[node].name)));
        }
        Ok(site)
    }

    fn width(&self) -> usize {
        self.output.last().copied().unwrap_or(1)
    }

    fn len(&self, input: usize) -> usize {
        self.batch * self.inputs[input].iter().product::<usize>()
    }

    fn norm(&self) -> RowNorm {
        let (centred, epsilon) = match self.function {
            Function::LayerNorm { epsilon } => (true, *epsilon),
            Function::RmsNorm { epsilon } => (false, *epsilon),
            _ => (false, 0.0),
        };
        let parameter = |i: usize| self.parameters.get(i).cloned();
        let zeros = || vec![0.0; self.width()];
        RowNorm {
            centred,
            epsilon,
            gamma: parameter(0).unwrap_or_else(zeros),
            beta: parameter(1).unwrap_or_else(zeros),
        }
    }

    fn product(&self) -> Product {
        let (left, right) = (self.inputs[0], self.inputs[1]);
        match *self.function {
            Function::MatMul { transpose_right, scale } => Product::Matrices {
                rows: left[left.len() - 2],
                inner: left[left.len() - 1],
                columns: self.width(),
                transpose_right,
                scale,
            },
            _ => Product::Elements { repeat: left.iter().product::<usize>() / right.iter().product::<usize>() },
        }
    }

    /// `y = f(x)`.
    pub fn forward<T: Real>(&self, x: &[&[T]], y: &mut [T]) {
        by_kind!(self,
            rows f => rows::forward(f, self.width(), x[0], y),
            moves m => m.forward(x, x, y),
            product p => p.forward(x[0], x[1], y))
    }

    /// `ẏ` from `ẋ`.
    pub fn tangent<T: Real>(&self, x: &[&[T]], x_dot: &[&[T]], y_dot: &mut [T]) {
        by_kind!(self,
        rows f => rows::tangent(f, self.width(), x[0], x_dot[0], y_dot),
        moves m => m.forward(x, x_dot, y_dot),
        product p => {
            let mut moved = vec![T::ZERO; y_dot.len()];
            p.forward(x_dot[0], x[1], y_dot);
            p.forward(x[0], x_dot[1], &mut moved);
            add(y_dot, &moved);
        })
    }

    /// `dx` of every input from `g`.
    pub fn adjoint<T: Real>(&self, x: &[&[T]], g: &[T]) -> Vec<Vec<T>> {
        by_kind!(self,
        rows f => {
            let mut dx = vec![T::ZERO; self.len(0)];
            rows::adjoint(f, self.width(), x[0], g, &mut dx);
            vec![dx]
        },
        moves m => m.adjoint(x, g),
        product p => {
            let (mut da, mut db) = (vec![T::ZERO; self.len(0)], vec![T::ZERO; self.len(1)]);
            p.left_gradient(g, x[1], &mut da);
            p.right_gradient(x[0], g, &mut db);
            vec![da, db]
        })
    }

    /// The derivative of [`Self::adjoint`] as `x` and `g` move.
    pub fn adjoint_tangent<T: Real>(&self, x: &[&[T]], x_dot: &[&[T]], g: &[T], g_dot: &[T]) -> Vec<Vec<T>> {
        by_kind!(self,
        rows f => {
            let mut dx = vec![T::ZERO; self.len(0)];
            rows::adjoint_tangent(f, self.width(), [x[0], x_dot[0]], [g, g_dot], &mut dx);
            vec![dx]
        },
        moves m => m.adjoint(x, g_dot),
        product p => {
            let (mut da, mut db) = (vec![T::ZERO; self.len(0)], vec![T::ZERO; self.len(1)]);
            let (mut more_a, mut more_b) = (da.clone(), db.clone());
            p.left_gradient(g_dot, x[1], &mut da);
            p.left_gradient(g, x_dot[1], &mut more_a);
            p.right_gradient(x[0], g_dot, &mut db);
            p.right_gradient(x_dot[0], g, &mut more_b);
            add(&mut da, &more_a);
            add(&mut db, &more_b);
            vec![da, db]
        })
    }

    /// Gradients of the parameters, in their order.
    pub fn parameter_gradients<T: Real>(&self, x: &[&[T]], g: &[T]) -> Vec<Vec<f64>> {
        match self.function {
            Function::LayerNorm { .. } | Function::RmsNorm { .. } => self.norm().parameter_gradients(x[0], g),
            _ => Vec::new(),
        }
    }
}

fn add<T: Real>(sum: &mut [T], more: &[T]) {
    sum.iter_mut().zip(more).for_each(|(sum, &more)| *sum += more);
}
