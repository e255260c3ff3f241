//! Which bit-widths a training step runs with.
//!
//! [`Strategy`] turns Hessian traces into a probability of every candidate of every layer ([`roulette()`]); [`Sampler`]
//! draws configurations from them (HASB, method.md §4).

mod draw;
mod roulette;

pub use draw::{Sampler, switch_probability};
pub use roulette::{Strategy, roulette};
