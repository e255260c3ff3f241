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
    updates.iter().try_for_each(|update| one(kind, parameters, state, update))
}

fn one(kind: Optimizer, parameters: &mut Parameters, state: &mut Parameters, update: &Update) -> Result<()> {
    let shape = parameters.get(&update.name)?.dims().to_vec();
    let mut values = parameters.values(&update.name)?;
    let moment = |state: &Parameters, key: &str| match state.contains(key) {
        true => state.values(key),
        false => Ok(vec![0.0; values.len()]),
    };
    let (m_key, v_key, t_key) =
        (format!("m.{}", update.name), format!("v.{}", update.name), format!("t.{}", update.name));
    let mut m = moment(state, &m_key)?;
    let mut v = if kind == Optimizer::Adam { moment(state, &v_key)? } else { vec![] };
    let t = 1.0 + if state.contains(&t_key) { state.scalar(&t_key)? } else { 0.0 };
    let (c1, c2) = (1.0 - MOMENTUM.powf(f64::from(t)), 1.0 - SECOND_MOMENTUM.powf(f64::from(t)));
    for (i, value) in values.iter_mut().enumerate() {
        let theta = f64::from(*value);
        let chain = if update.domain == Domain::Logarithmic { theta } else { 1.0 };
        let g = f64::from(update.gradient[i]) * chain + update.weight_decay * theta;
        let step = match kind {
            Optimizer::Adam => {
                m[i] = (MOMENTUM * f64::from(m[i]) + (1.0 - MOMENTUM) * g) as f32;
                v[i] = (SECOND_MOMENTUM * f64::from(v[i]) + (1.0 - SECOND_MOMENTUM) * g * g) as f32;
                f64::from(m[i]) / c1 / ((f64::from(v[i]) / c2).sqrt() + EPSILON)
            }
            Optimizer::Sgd => {
                m[i] = (MOMENTUM * f64::from(m[i]) + g) as f32;
                f64::from(m[i])
            }
        };
        *value = match update.domain {
            Domain::Linear => (theta - update.learning_rate * step) as f32,
            Domain::Logarithmic => (theta * (-update.learning_rate * step).exp()) as f32,
        };
    }
    if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
        let place = format!("training, parameter `{}`", update.name);
        return Err(Error::input(place, bad.to_string(), "a finite number", "lower the learning rate"));
    }
    if update.domain == Domain::Logarithmic {
        values.iter_mut().for_each(|v| *v = v.max(f32::MIN_POSITIVE));
    }
    parameters.insert(&update.name, host::tensor(values, shape.as_slice())?);
    state.set(m_key, m, &shape)?;
    if kind == Optimizer::Adam {
        state.set(v_key, v, &shape)?;
    }
    state.set(t_key, vec![t], &[])
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
