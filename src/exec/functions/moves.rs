//! Functions that move elements: reshaping, transposing, joining, choosing, and windows.
//!
//! Each is a sparse linear map of one sample, `y_i = Σ_j A_ij x_j`; the largest of a window and a choice are ones whose
//! `A` depends on the values at the base point. The adjoint is `dx = Aᵀ g`, tangents move as values do.

use crate::exec::kernels::Real;
use crate::exec::kernels::permute::Permutation;
use crate::exec::kernels::windows::Windows;
use crate::graph::Function;

/// The map of one function on one sample.
pub enum Moves {
    /// Axes in another order, and the way back.
    Transpose(Permutation, Permutation),
    /// The largest value of each window.
    Largest(Windows),
    /// The mean of each window.
    Means(Windows),
    /// One of two or three inputs, element by element.
    Choice(Choice),
    /// Blocks of these lengths, one of each input in turn; reshaping is joining one.
    Join(Vec<usize>),
}

/// Which input an element is taken from. NaN is kept.
#[derive(Debug, Clone, Copy)]
pub enum Choice {
    /// The larger; of equals the first.
    Larger,
    /// The smaller; of equals the first.
    Smaller,
    /// The second where the first is not 0, else the third.
    Select,
}

impl Choice {
    /// Calls `visit(i, input)` for every element.
    #[inline(always)]
    fn each<T: Real>(self, x: &[&[T]], mut visit: impl FnMut(usize, usize)) {
        let nan = |v: T| v.partial_cmp(&v).is_none();
        let pairs = x[0].iter().zip(x[1]).enumerate();
        match self {
            Choice::Larger => pairs.for_each(|(i, (&a, &b))| visit(i, usize::from(b > a || nan(b)))),
            Choice::Smaller => pairs.for_each(|(i, (&a, &b))| visit(i, usize::from(b < a || nan(b)))),
            Choice::Select => pairs.for_each(|(i, (&a, _))| visit(i, if a == T::ZERO { 2 } else { 1 })),
        }
    }
}

impl Moves {
    /// The map of a function that moves elements, from its inputs' shapes and its output's.
    pub fn new(function: &Function, inputs: &[&[usize]], output: &[usize]) -> Self {
        let windows = |window| {
            let extents = |shape: &[usize]| std::array::from_fn(|axis| shape.get(axis + 1).copied().unwrap_or(1));
            Windows::new(window, extents(inputs[0]), extents(output))
        };
        match function {
            Function::Transpose { axes } => {
                Moves::Transpose(Permutation::new(inputs[0], axes), Permutation::inverse(inputs[0], axes))
            }
            Function::MaxPool(window) => Moves::Largest(windows(window)),
            Function::AveragePool(window) => Moves::Means(windows(window)),
            Function::Larger => Moves::Choice(Choice::Larger),
            Function::Smaller => Moves::Choice(Choice::Smaller),
            Function::Select => Moves::Choice(Choice::Select),
            _ => {
                let axis = if let Function::Concat { axis } = function { *axis } else { 0 };
                Moves::Join(inputs.iter().map(|shape| shape[axis..].iter().product()).collect())
            }
        }
    }

    /// `y = A x`, with `A` at `x`.
    pub fn forward<T: Real>(&self, x: &[&[T]], y: &mut [T]) {
        match self {
            Moves::Largest(windows) => windows.largest(x[0], y),
            _ => self.tangent(x, x, y),
        }
    }

    /// `y = A moved`, with `A` at the base point `x`.
    pub fn tangent<T: Real>(&self, x: &[&[T]], moved: &[&[T]], y: &mut [T]) {
        match self {
            Moves::Transpose(permutation, _) => permutation.apply(moved[0], y),
            Moves::Largest(windows) => windows.places(x[0], |i, j| y[i] = moved[0][j]),
            Moves::Means(windows) => windows.means(moved[0], y),
            Moves::Choice(choice) => choice.each(x, |i, which| y[i] = moved[which][i]),
            Moves::Join(lengths) => {
                for (block, y) in y.chunks_exact_mut(lengths.iter().sum()).enumerate() {
                    let mut rest = y;
                    for (&length, moved) in lengths.iter().zip(moved) {
                        let (part, behind) = rest.split_at_mut(length);
                        part.copy_from_slice(&moved[block * length..][..length]);
                        rest = behind;
                    }
                }
            }
        }
    }

    /// `dx = Aᵀ g` for one of the inputs.
    pub fn gradient<T: Real>(&self, x: &[&[T]], g: &[T], input: usize, dx: &mut [T]) {
        match self {
            Moves::Transpose(_, inverse) => inverse.apply(g, dx),
            Moves::Largest(windows) => {
                dx.fill(T::ZERO);
                windows.places(x[0], |i, j| dx[j] += g[i]);
            }
            Moves::Means(windows) => windows.spread(g, dx),
            Moves::Choice(choice) => choice.each(x, |i, which| dx[i] = if which == input { g[i] } else { T::ZERO }),
            Moves::Join(lengths) => {
                let (length, before) = (lengths[input], lengths[..input].iter().sum::<usize>());
                let blocks = g.chunks_exact(lengths.iter().sum());
                dx.chunks_exact_mut(length).zip(blocks).for_each(|(dx, g)| dx.copy_from_slice(&g[before..][..length]));
            }
        }
    }
}
