//! Dynamic partial convolutions: convolutions that learn how many channels each channel sees (arXiv 2502.01303, DPConv;
//! method.md §7). Here is the mathematics of one layer; `training` binds the layers of a network, `convert` ends it.
//!
//! ```text
//! c = 2^K channels in and out; gates g ∈ R^K
//! s_k = 1 where g_k ≥ 0, else 0                     straight through: ∂s_k/∂g_k = ½ where |g_k| < 1, else 0
//! U   = ⊗_k (s_k 1₂ₓ₂ + (1 − s_k) I₂)               k = 1 is the leftmost factor, the highest bit of a channel's number
//! Ŵ   = W ⊙ U                                       every cell of the kernel is masked alike
//! d   = 2^#{k: s_k = 0}                             the split: Ŵ is a convolution in d groups
//! ```
//!
//! Since `U_ij = Π {s_k : bit k of i differs from bit k of j}`, it depends on `i xor j` alone, and is linear in each `s_k`:
//!
//! ```text
//! ∂L/∂s_k = Σ_{x: bit k of x set} D_x Π {s_m : bit m of x set, m ≠ k}        D_x = Σ_{i xor j = x} Σ_cells ∂L/∂Ŵ_ij W_ij
//! ```
//!
//! Costs are in proportion to the kernel. [`resources`] steers the number of products, [`grouped`] exports what was learnt.

mod convert;
pub mod grouped;
pub mod resources;
mod training;

pub use convert::{Converted, LearntSplit};
pub use training::{DynamicConvolutions, Steering};

use crate::error::{Error, Result};

/// Most gates: a kernel of 2¹²×2¹² channels.
const MOST_GATES: usize = 12;

/// The mask of a kernel, from the states of its gates.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// `s`, from the leftmost factor to the rightmost; 0 or 1 unless a test looks between.
    states: Vec<f64>,
}

impl Mask {
    /// The mask that the gates of layer `layer` say.
    ///
    /// # Errors
    /// When there are more than 12 gates or one is not finite.
    pub fn of_gates(layer: &str, gates: &[f32]) -> Result<Self> {
        let place = format!("dynamic convolution `{layer}`");
        if gates.len() > MOST_GATES {
            let found = format!("{} gates", gates.len());
            return Err(Error::input(place, found, format!("at most {MOST_GATES}"), "convolve fewer channels"));
        }
        match gates.iter().find(|gate| !gate.is_finite()) {
            Some(gate) => Err(Error::input(place, format!("the gate {gate}"), "a finite number", "train again")),
            None => Ok(Self { states: gates.iter().map(|&gate| if gate >= 0.0 { 1.0 } else { 0.0 }).collect() }),
        }
    }

    /// How many gates a convolution of this many channels has.
    ///
    /// # Errors
    /// When the channels in and out differ, are no power of 2, or are more than 4096.
    pub fn gates_of(layer: &str, inputs: usize, outputs: usize) -> Result<usize> {
        if inputs == outputs && inputs.is_power_of_two() && inputs <= 1 << MOST_GATES {
            return Ok(inputs.ilog2() as usize);
        }
        let found = format!("{inputs} to {outputs} channels");
        let expected = format!("as many out as in, a power of 2 up to {}", 1 << MOST_GATES);
        Err(Error::input(format!("dynamic convolution `{layer}`"), found, expected, "leave the layer as it is"))
    }

    /// Channels, `2^K`.
    pub fn channels(&self) -> usize {
        1 << self.states.len()
    }

    /// The split `d`: groups that do not see each other.
    pub fn split(&self) -> usize {
        1 << self.states.iter().filter(|&&state| state == 0.0).count()
    }

    /// The bit of a channel's number that gate `k` looks at.
    fn bit(&self, k: usize) -> usize {
        1 << (self.states.len() - 1 - k)
    }

    /// The product of the states whose bits are set in `x`, gate `without` left out: `U_ij` for `x = i xor j`.
    fn product(&self, x: usize, without: Option<usize>) -> f64 {
        let factor = |(k, &state): (usize, &f64)| if x & self.bit(k) != 0 && Some(k) != without { state } else { 1.0 };
        self.states.iter().enumerate().map(factor).product()
    }

    /// `U` by `i xor j`.
    fn values(&self) -> Vec<f64> {
        (0..self.channels()).map(|x| self.product(x, None)).collect()
    }

    /// `W ⊙ U` for a kernel `[c, c, cells]`; also the gradient in `W` from that in `W ⊙ U`.
    ///
    /// # Errors
    /// When the length is no multiple of `c²`: a fault of the program.
    pub fn apply(&self, kernel: &[f32]) -> Result<Vec<f32>> {
        let cells = self.cells(kernel)?;
        let (channels, values) = (self.channels(), self.values());
        let masked = kernel.chunks(cells).enumerate().flat_map(|(at, cell)| {
            let factor = values[(at / channels) ^ (at % channels)] as f32;
            cell.iter().map(move |weight| weight * factor)
        });
        Ok(masked.collect())
    }

    /// Gradient in the gates from `upstream`, the gradient in `W ⊙ U`.
    ///
    /// # Errors
    /// When a length does not fit: a fault of the program.
    pub fn gate_gradient(&self, gates: &[f32], kernel: &[f32], upstream: &[f32]) -> Result<Vec<f64>> {
        if kernel.len() != upstream.len() || gates.len() != self.states.len() {
            return Err(Error::Internal("gradient of gates: lengths differ".into()));
        }
        let in_states = self.state_gradient(kernel, upstream)?;
        Ok(straight_through(gates, &in_states))
    }

    fn state_gradient(&self, kernel: &[f32], upstream: &[f32]) -> Result<Vec<f64>> {
        let cells = self.cells(kernel)?;
        let channels = self.channels();
        let mut sums = vec![0.0; channels];
        for (at, (weights, gradients)) in kernel.chunks(cells).zip(upstream.chunks(cells)).enumerate() {
            let products = weights.iter().zip(gradients).map(|(&w, &g)| f64::from(w) * f64::from(g));
            sums[(at / channels) ^ (at % channels)] += products.sum::<f64>();
        }
        let derivative = |k: usize| {
            let differing = sums.iter().enumerate().filter(|(x, _)| x & self.bit(k) != 0);
            differing.map(|(x, sum)| sum * self.product(x, Some(k))).sum()
        };
        Ok((0..self.states.len()).map(derivative).collect())
    }

    /// Cells of a kernel.
    fn cells(&self, kernel: &[f32]) -> Result<usize> {
        let pairs = self.channels() * self.channels();
        match kernel.len() / pairs {
            cells if cells > 0 && cells * pairs == kernel.len() => Ok(cells),
            _ => Err(Error::Internal(format!("a kernel of {} weights for {pairs} pairs of channels", kernel.len()))),
        }
    }
}

/// Gradient in the gates from that in their states.
fn straight_through(gates: &[f32], in_states: &[f64]) -> Vec<f64> {
    let slope = |gate: f32| if gate.abs() < 1.0 { 0.5 } else { 0.0 };
    gates.iter().zip(in_states).map(|(&gate, gradient)| slope(gate) * gradient).collect()
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
