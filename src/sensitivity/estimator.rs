//! Which estimator draws the traces of a network.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::graph::Graph;
use crate::space::{EstimatorName, SensitivitySpec};
use crate::trace::{ProbeDistribution, TraceEstimator};

/// An estimator of the curvature's traces ([`crate::sensitivity::NetworkTraces`] says what each gives).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// Curvature propagation of the Gauss–Newton matrix.
    GaussNewton {
        /// A pass for every class instead of a probe.
        exact: bool,
    },
    /// Squared gradients of single samples.
    Fisher,
    /// From products with the Hessian.
    Products(TraceEstimator),
}

impl Estimator {
    /// The estimator that a search space asks for. `auto`: by what the network's Hessian is.
    pub fn of(spec: &SensitivitySpec, graph: &Graph) -> Self {
        let products = spec.products;
        let hutchinson = |distribution| Self::Products(TraceEstimator::Hutchinson { distribution });
        match spec.estimator {
            EstimatorName::Auto if graph.is_piecewise_linear() => Self::GaussNewton { exact: false },
            EstimatorName::Auto | EstimatorName::Hutchinson => hutchinson(ProbeDistribution::Rademacher),
            EstimatorName::HutchinsonGaussian => hutchinson(ProbeDistribution::Gaussian),
            EstimatorName::GaussNewton => Self::GaussNewton { exact: false },
            EstimatorName::GaussNewtonExact => Self::GaussNewton { exact: true },
            EstimatorName::Fisher => Self::Fisher,
            EstimatorName::Hutchpp => Self::Products(TraceEstimator::HutchPlusPlus { products }),
            EstimatorName::Xtrace => Self::Products(TraceEstimator::XTrace { products }),
            EstimatorName::Exact => Self::Products(TraceEstimator::Exact),
        }
    }

    /// Whether what it estimates on this network is the trace of the Hessian.
    pub fn is_hessian(self, graph: &Graph) -> bool {
        match self {
            Self::GaussNewton { .. } => graph.is_piecewise_linear(),
            Self::Fisher => false,
            Self::Products(_) => true,
        }
    }
}

/// The name in reports and files of draws; equal names draw equal numbers.
impl fmt::Display for Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GaussNewton { exact: false } => f.write_str("gauss_newton"),
            Self::GaussNewton { exact: true } => f.write_str("gauss_newton_exact"),
            Self::Fisher => f.write_str("fisher"),
            Self::Products(products) => products.fmt(f),
        }
    }
}
