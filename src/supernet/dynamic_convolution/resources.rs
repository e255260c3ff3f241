//! What steers the gates beside the task: the number of products, and the order of the states.
//!
//! ```text
//! loss = task · (G/R)^α + ω · Σ_k s_k (1 − s_{k+1})         α < 0 if R > G, else 0
//! G = Σ_l c_l²/b²        products per place, and kernel cell, of partial convolutions on one b-th of the channels
//! R = Σ_l 2^{K_l + Σ s}   those of the learnt convolutions, the ones in U
//! ```
//!
//! The factor is continuous in what it punishes, its gradient is not: at `R ≤ G` it is 1 and the gates are free. The second
//! term counts, in each layer, the neighbours that stand a one before a zero; it is 0 exactly where all zeros stand before
//! all ones, and then the groups are runs of neighbouring channels ([`super::grouped`]). Its form is ours: the paper asks for the
//! order only.

use super::{Mask, straight_through};

/// A factor or summand of the loss, and its gradient in the gates of every layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Its value.
    pub value: f64,
    /// Gradients, one list for each layer.
    pub gradients: Vec<Vec<f64>>,
}

/// A layer: its mask and the gates behind it.
pub type Gated<'a> = (&'a Mask, &'a [f32]);

/// `R`: the ones in all masks.
pub fn learnt_products(layers: &[Gated<'_>]) -> f64 {
    layers.iter().map(|(mask, _)| ones(mask)).sum()
}

/// `(G/R)^α` for a `divisor` `b` and the `exponent` α of convolutions that are too large.
pub fn resource_factor(layers: &[Gated<'_>], divisor: f64, exponent: f64) -> Term {
    let allowed: f64 = layers.iter().map(|(mask, _)| (mask.channels() as f64 / divisor).powi(2)).sum();
    let learnt = learnt_products(layers);
    let exponent = if learnt > allowed { exponent } else { 0.0 };
    let value = if learnt > allowed { (allowed / learnt).powf(exponent) } else { 1.0 };
    let gradient = |&(mask, gates): &Gated<'_>| {
        // ∂R_l/∂s_k = ln 2 · R_l for every k.
        let in_state = -exponent * value * std::f64::consts::LN_2 * ones(mask) / learnt;
        straight_through(gates, &vec![in_state; gates.len()])
    };
    Term { value, gradients: layers.iter().map(gradient).collect() }
}

/// `Σ_k s_k (1 − s_{k+1})` over all layers.
pub fn order_term(layers: &[Gated<'_>]) -> Term {
    let value = layers.iter().flat_map(|(mask, _)| mask.states.windows(2)).map(|pair| pair[0] * (1.0 - pair[1])).sum();
    let gradient = |&(mask, gates): &Gated<'_>| {
        let states = &mask.states;
        let before = |k: usize| k.checked_sub(1).and_then(|k| states.get(k)).copied().unwrap_or(0.0);
        let behind = |k: usize| states.get(k + 1).map_or(0.0, |next| 1.0 - next);
        let in_states: Vec<f64> = (0..states.len()).map(|k| behind(k) - before(k)).collect();
        straight_through(gates, &in_states)
    };
    Term { value, gradients: layers.iter().map(gradient).collect() }
}

/// `2^{K + Σ s}`.
fn ones(mask: &Mask) -> f64 {
    mask.channels() as f64 * mask.states.iter().sum::<f64>().exp2()
}
