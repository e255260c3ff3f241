//! Random probe vectors, and sets of vectors as the columns of a matrix.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::numeric::rng::Stream;

/// What the entries of a probe are: independent, of mean 0 and variance 1, hence `E[v vᵀ] = I`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeDistribution {
    /// −1 or +1. The smallest variance of all independent entries: the diagonal adds none.
    Rademacher,
    /// Standard normal. The only one whose direction is uniform, which XTrace and the sketch of Hutch++ use.
    Gaussian,
}

impl ProbeDistribution {
    /// A probe of `n` entries, the next ones of the stream.
    pub fn vector(self, n: usize, stream: &mut Stream) -> Vec<f64> {
        let mut entry = || match self {
            Self::Rademacher => f64::from(stream.rademacher()),
            Self::Gaussian => stream.normal(),
        };
        (0..n).map(|_| entry()).collect()
    }

    /// `count` probes.
    pub(super) fn vectors(self, n: usize, count: usize, stream: &mut Stream) -> Vec<Vec<f64>> {
        (0..count).map(|_| self.vector(n, stream)).collect()
    }
}

/// The vectors as columns of a matrix of `n` rows.
///
/// # Errors
/// When a vector has another length: a fault of the operator that made it.
pub(super) fn matrix(n: usize, vectors: &[Vec<f64>]) -> Result<DMatrix<f64>> {
    if let Some(wrong) = vectors.iter().find(|v| v.len() != n) {
        return Err(Error::Internal(format!("a product of {} entries instead of {n}", wrong.len())));
    }
    Ok(DMatrix::from_iterator(n, vectors.len(), vectors.iter().flatten().copied()))
}

/// The columns of a matrix.
pub(super) fn columns(matrix: &DMatrix<f64>) -> Vec<Vec<f64>> {
    matrix.column_iter().map(|column| column.iter().copied().collect()).collect()
}

/// `vᵀw`.
pub(super) fn dot(v: &[f64], w: &[f64]) -> f64 {
    v.iter().zip(w).map(|(v, w)| v * w).sum()
}
