//! Values of an untrained network.
//!
//! ```text
//! weights     normal, variance 2 / fan_in (He et al. 2015, arXiv 1502.01852)        biases 0
//! norms       γ = 1, β = 0, running mean 0, running variance 1                      learnt constants 0
//! ```
//!
//! unless the builder says otherwise, as transformers do. Layer `l` draws from the stream "weights" with index `l`,
//! constant `k` from "constants" with index `k`, so that a network's values do not depend on what else it has. Cost: one
//! normal number for each weight.

use crate::graph::Role;
use crate::numeric::rng::Stream;
use crate::zoo::network::{Initial, Values, ZooNetwork};

/// A value for every parameter of the network, its tables included.
pub fn initial_values(network: &ZooNetwork, seed: u64) -> Values {
    let (mut layers, mut constants) = (0, 0);
    let mut all = Values::new();
    for parameter in network.graph.parameters() {
        let stream = match parameter.role {
            Role::Weight => Some(Stream::new(seed, "weights", &[count(&mut layers)])),
            Role::Constant => Some(Stream::new(seed, "constants", &[count(&mut constants)])),
            _ => None,
        };
        let elements = parameter.elements();
        let normal = |deviation: f64| match stream {
            Some(mut stream) => (0..elements).map(|_| (deviation * stream.normal()) as f32).collect(),
            None => vec![0.0; elements],
        };
        let value = match (network.constants.get(&parameter.name), network.initial.get(&parameter.name)) {
            (Some(table), _) => table.clone(),
            (None, Some(Initial::Zeros)) => (parameter.shape, vec![0.0; elements]),
            (None, Some(Initial::Normal { deviation })) => (parameter.shape, normal(*deviation)),
            (None, None) => {
                let values = match parameter.role {
                    Role::Weight => {
                        let channels = parameter.shape.first().copied().unwrap_or(1).max(1);
                        normal((2.0 / (elements / channels) as f64).sqrt())
                    }
                    Role::NormFactor | Role::RunningVariance => vec![1.0; elements],
                    Role::Bias | Role::NormShift | Role::RunningMean | Role::Constant | Role::Table => {
                        vec![0.0; elements]
                    }
                };
                (parameter.shape, values)
            }
        };
        all.insert(parameter.name, value);
    }
    all
}

/// The number so far, and one more.
fn count(number: &mut u64) -> u64 {
    *number += 1;
    *number - 1
}

#[cfg(test)]
#[path = "initial_tests.rs"]
mod tests;
