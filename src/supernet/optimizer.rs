//! Optimisers: Adam (Kingma and Ba 2015, arXiv 1412.6980) and SGD with momentum.
//!
//! ```text
//! Adam   m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,  θ ← θ − λ · (m/(1 − β₁ᵗ)) / (√(v/(1 − β₂ᵗ)) + ε)
//! SGD    m ← μm + g,  θ ← θ − λm                               g includes weight decay: g + d·θ
//! ```
//!
//! β₁ = 0.9, β₂ = 0.999, ε = 1e-8, μ = 0.9; PyTorch's `Adam` and `SGD`. `t` counts the steps of each parameter: one
//! that gets no gradient in a step is left as it is. Positive parameters (quantisation scales) are optimised through
//! their logarithm, see `docs/decisions/0002-scales-in-the-log-domain.md`.

use candle_core::Tensor;
use multiversion::multiversion;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::exec::host;
use crate::space::Optimizer;
use crate::supernet::Parameters;

const MOMENTUM: f64 = 0.9;
const SECOND_MOMENTUM: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// What moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// The parameter itself.
    Linear,
    /// Its logarithm: steps are relative and it stays positive.
    Logarithmic,
}

/// One parameter's gradient and how to follow it.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// The parameter.
    pub name: String,
    /// With respect to the parameter itself, in both domains.
    pub gradient: Vec<f32>,
    /// `λ`.
    pub learning_rate: f64,
    /// `d`, added to the gradient as `d·θ`.
    pub weight_decay: f64,
    /// What moves.
    pub domain: Domain,
}

/// Applies updates; `state` keeps the moments under `m.NAME`, `v.NAME` and the step count under `t.NAME`.
///
/// # Errors
/// When a parameter does not exist or would no longer be finite.
pub fn step(kind: Optimizer, parameters: &mut Parameters, state: &mut Parameters, updates: &[Update]) -> Result<()> {
    let moved: Vec<_> = updates.par_iter().map(|update| one(kind, parameters, state, update)).collect::<Result<_>>()?;
    for (update, [values, m, v, t]) in updates.iter().zip(moved) {
        parameters.insert(&update.name, values);
        state.insert(format!("m.{}", update.name), m);
        if kind == Optimizer::Adam {
            state.insert(format!("v.{}", update.name), v);
        }
        state.insert(format!("t.{}", update.name), t);
    }
    Ok(())
}

/// The parameter behind one update, both moments and the number of steps.
fn one(kind: Optimizer, parameters: &Parameters, state: &Parameters, update: &Update) -> Result<[Tensor; 4]> {
    let shape = parameters.get(&update.name)?.dims().to_vec();
    let mut values = parameters.values(&update.name)?;
    let moment = |state: &Parameters, key: &str| match state.contains(key) {
        true => state.values(key),
        false => Ok(vec![0.0; values.len()]),
    };
    let mut m = moment(state, &format!("m.{}", update.name))?;
    let mut v = if kind == Optimizer::Adam { moment(state, &format!("v.{}", update.name))? } else { vec![] };
    let t_key = format!("t.{}", update.name);
    let t = 1.0 + if state.contains(&t_key) { state.scalar(&t_key)? } else { 0.0 };
    let (c1, c2) = (1.0 - MOMENTUM.powf(f64::from(t)), 1.0 - SECOND_MOMENTUM.powf(f64::from(t)));
    let follow =
        Follow { learning_rate: update.learning_rate, weight_decay: update.weight_decay, corrections: [c1, c2] };
    match (kind, update.domain) {
        (Optimizer::Adam, Domain::Linear) => adam::<false>(follow, &update.gradient, &mut values, &mut m, &mut v),
        (Optimizer::Adam, Domain::Logarithmic) => adam::<true>(follow, &update.gradient, &mut values, &mut m, &mut v),
        (Optimizer::Sgd, Domain::Linear) => sgd::<false>(follow, &update.gradient, &mut values, &mut m),
        (Optimizer::Sgd, Domain::Logarithmic) => sgd::<true>(follow, &update.gradient, &mut values, &mut m),
    }
    if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
        let place = format!("training, parameter `{}`", update.name);
        return Err(Error::input(place, bad.to_string(), "a finite number", "lower the learning rate"));
    }
    if update.domain == Domain::Logarithmic {
        values.iter_mut().for_each(|v| *v = v.max(f32::MIN_POSITIVE));
    }
    let shape = shape.as_slice();
    Ok([
        host::tensor(values, shape)?,
        host::tensor(m, shape)?,
        host::tensor(v, if kind == Optimizer::Adam { shape } else { &[0] })?,
        host::tensor(vec![t], ())?,
    ])
}

/// How a parameter follows its gradient.
#[derive(Clone, Copy)]
struct Follow {
    learning_rate: f64,
    weight_decay: f64,
    /// `1 − β₁ᵗ` and `1 − β₂ᵗ`.
    corrections: [f64; 2],
}

impl Follow {
    /// The gradient of what moves.
    #[inline(always)]
    fn gradient<const LOGARITHMIC: bool>(&self, theta: f64, g: f32) -> f64 {
        f64::from(g) * if LOGARITHMIC { theta } else { 1.0 } + self.weight_decay * theta
    }

    /// `θ` moved by `step`.
    #[inline(always)]
    fn moved<const LOGARITHMIC: bool>(&self, theta: f64, step: f64) -> f32 {
        match LOGARITHMIC {
            true => (theta * (-self.learning_rate * step).exp()) as f32,
            false => (theta - self.learning_rate * step) as f32,
        }
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn adam<const LOGARITHMIC: bool>(follow: Follow, gradient: &[f32], values: &mut [f32], m: &mut [f32], v: &mut [f32]) {
    let [c1, c2] = follow.corrections;
    for (((value, m), v), &g) in values.iter_mut().zip(m).zip(v).zip(gradient) {
        let theta = f64::from(*value);
        let g = follow.gradient::<LOGARITHMIC>(theta, g);
        *m = (MOMENTUM * f64::from(*m) + (1.0 - MOMENTUM) * g) as f32;
        *v = (SECOND_MOMENTUM * f64::from(*v) + (1.0 - SECOND_MOMENTUM) * g * g) as f32;
        *value = follow.moved::<LOGARITHMIC>(theta, f64::from(*m) / c1 / ((f64::from(*v) / c2).sqrt() + EPSILON));
    }
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
fn sgd<const LOGARITHMIC: bool>(follow: Follow, gradient: &[f32], values: &mut [f32], m: &mut [f32]) {
    for ((value, m), &g) in values.iter_mut().zip(m).zip(gradient) {
        let theta = f64::from(*value);
        *m = (MOMENTUM * f64::from(*m) + follow.gradient::<LOGARITHMIC>(theta, g)) as f32;
        *value = follow.moved::<LOGARITHMIC>(theta, f64::from(*m));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: Optimizer, domain: Domain, decay: f64, gradients: &[f32]) -> f32 {
        let (mut parameters, mut state) = (Parameters::default(), Parameters::default());
        parameters.set("p", vec![1.0], &[1]).unwrap();
        for &g in gradients {
            let update =
                Update { name: "p".into(), gradient: vec![g], learning_rate: 0.1, weight_decay: decay, domain };
            step(kind, &mut parameters, &mut state, &[update]).unwrap();
        }
        parameters.scalar("p").unwrap()
    }

    /// Values of PyTorch 2.x: `torch.optim.Adam([p], lr=0.1, weight_decay=d)` and `SGD(…, momentum=0.9)` from p = 1.
    #[test]
    fn steps_match_pytorch() {
        let close = |a: f32, b: f32| assert!((a - b).abs() < 2e-7, "{a} {b}");
        // Adam's first step is λ·sign(g) up to ε; the second by hand: m = 0.01, v = 1.249e-3, c1 = 0.19, c2 = 1.999e-3.
        close(run(Optimizer::Adam, Domain::Linear, 0.0, &[0.5]), 0.9);
        let (m, v) = (0.9 * 0.05 - 0.1 * 1.0, 0.999 * 0.00025 + 0.001f64);
        let expected = 0.9 - 0.1 * (m / 0.19) / ((v / 0.001999).sqrt() + 1e-8);
        close(run(Optimizer::Adam, Domain::Linear, 0.0, &[0.5, -1.0]), expected as f32);
        close(run(Optimizer::Sgd, Domain::Linear, 0.0, &[0.5, 0.5]), 1.0 - 0.05 - 0.1 * 0.95);
        close(run(Optimizer::Sgd, Domain::Linear, 0.1, &[0.5]), 1.0 - 0.1 * 0.6);
    }

    #[test]
    fn logarithmic_steps_are_relative_and_keep_the_sign() {
        let p = run(Optimizer::Adam, Domain::Logarithmic, 0.0, &[100.0]);
        assert!((p - (-0.1f32).exp()).abs() < 1e-6, "{p}");
        assert!(run(Optimizer::Sgd, Domain::Logarithmic, 0.0, &[1000.0]) > 0.0);
    }
}
