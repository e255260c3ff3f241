//! How far loss increases add up: pairs of layers, and all layers at once.
//!
//! ```text
//! I(l, m) = ΔL(l, m) − ΔL(l) − ΔL(m)                     interaction of a pair
//! r       = (ΔL_all − S) / ΔL_all,   S = Σ_l ΔL(l)       share of the joint loss increase that is not a sum
//! ```
//!
//! A planner that minimises a sum over layers is right as far as these are small. `stderr(r)` by the delta method, image by
//! image: the standard error of the mean of `(1 − r) a_n − s_n`, divided by `|ΔL_all|`, with `a_n`, `s_n` the increases on
//! image n.

use crate::numeric::rng::Stream;
use crate::numeric::stats::Moments;
use crate::scheme::Scheme;
use crate::sensitivity::Estimate;
use crate::space::Candidate;

/// Two layers, each at one of its candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The layers, in graph order.
    pub layers: [usize; 2],
    /// Indices of their candidates.
    pub candidates: [usize; 2],
}

/// Up to `number` pairs of quantised layers, each layer at `candidate` or what stands for it in the uniform
/// configuration: neighbours (one the layer before the other on the main path) first, then others. Both in a random order
/// that `seed` determines, so that fewer than all are a fair sample.
pub fn choose_pairs(scheme: &Scheme, candidate: Candidate, number: usize, seed: u64) -> Vec<Pair> {
    let configuration = scheme.uniform(candidate);
    let quantized = |l: &usize| !scheme.candidate(*l, &configuration).is_fp32();
    let layers: Vec<usize> = (0..scheme.layers.len()).filter(quantized).collect();
    let all = layers.iter().enumerate().flat_map(|(i, &m)| layers[..i].iter().map(move |&l| [l, m]));
    let (mut chosen, mut others): (Vec<_>, Vec<_>) = all.partition(|[l, m]| scheme.layers[*m].previous == Some(*l));
    let mut stream = Stream::new(seed, "interaction pairs", &[]);
    stream.shuffle(&mut chosen);
    stream.shuffle(&mut others);
    chosen.append(&mut others);
    chosen.truncate(number);
    chosen.into_iter().map(|layers| Pair { layers, candidates: layers.map(|l| configuration[l]) }).collect()
}

/// The joint increase of one configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Additivity {
    /// `ΔL_all`.
    pub joint: Estimate,
    /// `S`.
    pub sum: Estimate,
    /// `r`; none if the joint increase is zero.
    pub share: Option<Estimate>,
}

/// Increases of all images: jointly, and the sum over layers.
#[derive(Debug, Clone, Default)]
pub(super) struct JointIncrease(Vec<(f64, f64)>);

impl JointIncrease {
    /// Takes one image in.
    pub fn push(&mut self, joint: f64, sum: f64) {
        self.0.push((joint, sum));
    }

    /// None for fewer than two images.
    pub fn additivity(&self) -> Option<Additivity> {
        let estimate = |value: &dyn Fn(&(f64, f64)) -> f64| {
            let moments: Moments = self.0.iter().map(value).collect();
            Some(Estimate { mean: moments.mean()?, stderr: moments.standard_error()? })
        };
        let (joint, sum) = (estimate(&|image| image.0)?, estimate(&|image| image.1)?);
        let share = if joint.mean == 0.0 {
            None
        } else {
            let share = (joint.mean - sum.mean) / joint.mean;
            let residual = estimate(&|(joint, sum)| (1.0 - share) * joint - sum)?;
            Some(Estimate { mean: share, stderr: residual.stderr / joint.mean.abs() })
        };
        Some(Additivity { joint, sum, share })
    }
}

#[cfg(test)]
#[path = "interactions_tests.rs"]
mod tests;
