//! What a network makes of every held-out sample, so that errors are of samples and two networks are compared on the same.
//!
//! With `n_i` predictions of sample `i` and `x_i` their sum of losses (or of right predictions), the mean is
//! `x̄ = Σ x_i / Σ n_i`, and its standard error that of a ratio of means (Cochran, Sampling Techniques, §6.4):
//!
//! ```text
//! √( m/(m−1) · Σ (x_i − x̄·n_i)² ) / Σ n_i        over the m samples with predictions
//! ```
//!
//! Predictions of one sample need not be independent, samples are. Of a difference of two networks, `x_i` is the difference
//! in sample `i`: what both find hard does not count as an error of the difference.

use serde::{Deserialize, Serialize};

use crate::data::counted;
use crate::error::{Error, Result};
use crate::exec::{Loss, correct};

/// Mean results of a network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Predictions that were right: of images, or of next tokens.
    pub correct: u64,
    /// Samples: images, or windows of a text.
    pub images: u64,
    /// Predictions that count, where a sample has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predictions: Option<u64>,
    /// Standard error of the share of right predictions; none of fewer than two samples.
    pub accuracy_stderr: Option<f64>,
    /// Mean cross-entropy of the predictions, in nats.
    pub loss: f64,
    /// Its standard error.
    pub loss_stderr: Option<f64>,
}

impl Evaluation {
    /// Share of right predictions.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.counted().max(1) as f64
    }

    /// Predictions that count.
    pub fn counted(&self) -> u64 {
        self.predictions.unwrap_or(self.images)
    }

    /// `exp(loss)`, of networks that predict the tokens of a text: as unsure as among so many equally likely ones.
    pub fn perplexity(&self) -> Option<f64> {
        self.predictions.map(|_| self.loss.exp())
    }

    /// Standard error of the perplexity, to first order.
    pub fn perplexity_stderr(&self) -> Option<f64> {
        Some(self.perplexity()? * self.loss_stderr?)
    }
}

/// How one network's results differ from another's on the same samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Share of right predictions minus that of the other.
    pub accuracy: f64,
    /// Its standard error; none of fewer than two samples.
    pub accuracy_stderr: Option<f64>,
    /// Loss minus that of the other, in nats.
    pub loss: f64,
    /// Its standard error.
    pub loss_stderr: Option<f64>,
}

impl Paired {
    /// Perplexity in parts of the other's, less 1, and its standard error to first order.
    pub fn perplexity(&self) -> (f64, Option<f64>) {
        let ratio = self.loss.exp();
        (ratio - 1.0, self.loss_stderr.map(|error| ratio * error))
    }
}

/// Results of every sample, in the order of the samples.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    samples: Vec<Outcome>,
}

#[derive(Debug, Clone, Copy)]
struct Outcome {
    predictions: f64,
    correct: f64,
    loss: f64,
}

impl Outcomes {
    /// Of so many samples: those in `right` are predicted right, and all have this loss in each of `predictions`.
    #[cfg(test)]
    pub(crate) fn test(
        samples: usize,
        right: std::ops::Range<usize>,
        predictions: u32,
        loss: impl Fn(usize) -> f64,
    ) -> Self {
        let n = f64::from(predictions);
        let outcome =
            |i: usize| Outcome { predictions: n, correct: if right.contains(&i) { n } else { 0.0 }, loss: n * loss(i) };
        Self { samples: (0..samples).map(outcome).collect() }
    }

    /// Takes in the logits of `samples` samples, with the labels of their predictions.
    pub(super) fn push(&mut self, logits: &[f32], labels: &[u32], samples: usize) {
        let losses = Loss::default().of_predictions(logits, labels);
        let (classes, each) = (logits.len() / labels.len().max(1), labels.len() / samples.max(1));
        let rows = logits.chunks_exact(classes * each).zip(labels.chunks_exact(each)).zip(losses.chunks_exact(each));
        self.samples.extend(rows.map(|((logits, labels), losses)| Outcome {
            predictions: counted(labels) as f64,
            correct: correct(logits, labels) as f64,
            loss: losses.iter().sum(),
        }));
    }

    /// The means; `several`: whether a sample has several predictions.
    ///
    /// # Errors
    /// [`Error::Input`] when the loss is not finite.
    pub fn evaluation(&self, several: bool) -> Result<Evaluation> {
        let sum = |of: fn(&Outcome) -> f64| self.samples.iter().map(of).sum::<f64>();
        let (_, accuracy_stderr) = self.mean(|o, _| o.correct, self);
        let (loss, loss_stderr) = self.mean(|o, _| o.loss, self);
        if !loss.is_finite() {
            let remedy = "the network has diverged or its file is damaged";
            return Err(Error::input("evaluation", format!("a loss of {loss}"), "a finite loss", remedy));
        }
        Ok(Evaluation {
            correct: sum(|o| o.correct) as u64,
            images: self.samples.len() as u64,
            predictions: several.then_some(sum(|o| o.predictions) as u64),
            accuracy_stderr,
            loss,
            loss_stderr,
        })
    }

    /// The results minus those of another network on the same samples.
    pub fn minus(&self, other: &Self) -> Paired {
        let (accuracy, accuracy_stderr) = self.mean(|a, b| a.correct - b.correct, other);
        let (loss, loss_stderr) = self.mean(|a, b| a.loss - b.loss, other);
        Paired { accuracy, accuracy_stderr, loss, loss_stderr }
    }

    /// Mean of a sum over the predictions of each sample, and its standard error.
    fn mean(&self, of: fn(&Outcome, &Outcome) -> f64, other: &Self) -> (f64, Option<f64>) {
        let counts = || self.samples.iter().zip(&other.samples).filter(|(own, _)| own.predictions > 0.0);
        let (total, all) = counts().fold((0.0, 0.0), |(t, n), (own, o)| (t + of(own, o), n + own.predictions));
        let (mean, samples) = (total / f64::max(all, 1.0), counts().count() as f64);
        let squares: f64 = counts().map(|(own, o)| (of(own, o) - mean * own.predictions).powi(2)).sum();
        (mean, (samples > 1.0).then(|| (samples / (samples - 1.0) * squares).sqrt() / all))
    }
}

#[cfg(test)]
#[path = "outcomes_tests.rs"]
mod tests;
