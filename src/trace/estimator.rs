//! Which estimator draws the traces of a block of data.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::numeric::rng::Stream;
use crate::trace::{ProbeDistribution, SymmetricOperator, exact, hutchinson, hutchpp, xtrace};

/// An unbiased estimator of the traces of all diagonal blocks.
///
/// | estimator | products a draw | when |
/// |-|-|-|
/// | Hutchinson | 1 for all layers | many layers, flat spectra |
/// | Hutch++, XTrace | `products` for each layer | few layers, decaying spectra |
/// | exact | `n_l` for each layer | small layers, tests |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceEstimator {
    /// [`hutchinson()`].
    Hutchinson {
        /// Of the probe's entries.
        distribution: ProbeDistribution,
    },
    /// [`hutchpp()`] on every layer.
    HutchPlusPlus {
        /// For each layer, 3 or more.
        products: usize,
    },
    /// [`xtrace()`] on every layer.
    XTrace {
        /// For each layer, 4 or more.
        products: usize,
    },
    /// [`exact()`] on every layer.
    Exact,
}

impl TraceEstimator {
    /// One draw of every layer's trace. Depends on nothing but the operator and the stream's name: `seed`, `round`,
    /// `block`.
    ///
    /// # Errors
    /// When a product fails, or an estimator has too few products.
    pub fn draw(&self, operator: &dyn SymmetricOperator, seed: u64, round: u64, block: usize) -> Result<Vec<f64>> {
        let mut stream = Stream::new(seed, "trace", &[round, block as u64]);
        let layers = 0..operator.sizes().len();
        match *self {
            Self::Hutchinson { distribution } => hutchinson(operator, distribution, &mut stream),
            Self::HutchPlusPlus { products } => layers.map(|l| hutchpp(operator, l, products, &mut stream)).collect(),
            Self::XTrace { products } => {
                layers.map(|l| Ok(xtrace(operator, l, products, &mut stream)?.trace)).collect()
            }
            Self::Exact => layers.map(|l| exact(operator, l)).collect(),
        }
    }

    /// Whether another draw gives other numbers.
    pub fn random(&self) -> bool {
        !matches!(self, Self::Exact)
    }
}

/// The name in `bitplan.traces/1`; equal names draw equal numbers.
impl fmt::Display for TraceEstimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hutchinson { distribution: ProbeDistribution::Rademacher } => write!(f, "hutchinson"),
            Self::Hutchinson { distribution: ProbeDistribution::Gaussian } => write!(f, "hutchinson_gaussian"),
            Self::HutchPlusPlus { products } => write!(f, "hutchpp, {products} products"),
            Self::XTrace { products } => write!(f, "xtrace, {products} products"),
            Self::Exact => write!(f, "exact"),
        }
    }
}

#[cfg(test)]
#[path = "estimator_tests.rs"]
mod tests;
