//! Softmax cross-entropy with label smoothing and distillation, and squared error; values, gradients, curvatures.
//!
//! ```text
//! CE = −mean_n Σ_k t_k log p_k,  p = softmax z,  t = (1 − ε)·onehot + ε/K         ∂CE/∂z = (p − t)/N
//! SE = mean_n Σ_k (z_k − t_k)²,  t = onehot                                        ∂SE/∂z = 2 (z − t)/N
//! L  = (1 − α)·CE + α·T²·KL(softmax(z_teacher/T) ‖ softmax(z/T))                  method.md §2.2
//! ```
//!
//! N is the number of predictions that count: a sample may have several, a row of outputs and a label each; a row whose label
//! is [`IGNORED`] has no loss and no gradient.
//!
//! Curvatures in the outputs `z` of one prediction: `A(z) = diag p − p pᵀ = S Sᵀ` with `S = diag √p − p √pᵀ` for
//! cross-entropy, smoothed or not; `2 I` for squared error; `(1 − α)·A(z) + α·A(z/T)` with distillation.
//!
//! All inside is f64; the gradient is returned in the logits' type.

use rayon::prelude::*;

use crate::data::{IGNORED, counted};
use crate::exec::kernels::Real;

/// Soft targets of a teacher.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Distillation {
    /// `α`, share of the distillation term.
    pub weight: f64,
    /// `T`.
    pub temperature: f64,
}

/// What a prediction is compared with its target by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Criterion {
    /// Cross-entropy of the softmax.
    #[default]
    CrossEntropy,
    /// Squared distance from the one-hot target.
    SquaredError,
}

/// The training loss.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Loss {
    /// How the hard target counts.
    pub criterion: Criterion,
    /// `ε`, share of the target that is spread over all classes.
    pub label_smoothing: f64,
    /// Used when teacher logits are given.
    pub distillation: Option<Distillation>,
}

/// Value and gradient of the loss on one batch.
#[derive(Debug, Clone, PartialEq)]
pub struct LossValue<T> {
    /// Mean over the predictions that count; 0 if none does.
    pub loss: f64,
    /// `∂L/∂z`, `[predictions, classes]`.
    pub gradient: Vec<T>,
}

/// Softmax of one row at a temperature, and the logarithms.
pub(super) fn log_softmax<T: Real>(row: &[T], temperature: f64) -> Vec<f64> {
    let scaled: Vec<f64> = row.iter().map(|z| z.to_f64() / temperature).collect();
    let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let normalizer = largest + scaled.iter().map(|z| (z - largest).exp()).sum::<f64>().ln();
    scaled.into_iter().map(|z| z - normalizer).collect()
}

/// Fewest numbers that are worth a thread.
const WORTH_A_THREAD: usize = 1 << 14;

/// Rows of so many classes that a thread takes at least.
fn rows_of_a_thread(classes: usize) -> usize {
    WORTH_A_THREAD / classes.max(1) + 1
}

impl Loss {
    /// Loss of `[predictions, classes]` logits; `teacher` logits of the same shape switch distillation on. The rows are taken
    /// side by side and added in their order.
    pub fn evaluate<T: Real>(&self, logits: &[T], labels: &[u32], teacher: Option<&[T]>) -> LossValue<T> {
        let classes = logits.len() / labels.len();
        let predictions = counted(labels).max(1) as f64;
        let mut gradient = vec![T::ZERO; logits.len()];
        let rows = gradient.par_chunks_exact_mut(classes).zip(logits.par_chunks_exact(classes)).zip(labels).enumerate();
        let of_row = |n: usize, out: &mut [T], row: &[T], label: u32| {
            if label == IGNORED {
                return 0.0;
            }
            let teacher = teacher.map(|teacher| &teacher[n * classes..][..classes]);
            let (terms, slopes) = self.of_prediction(row, label, teacher);
            out.iter_mut().zip(slopes).for_each(|(out, g)| *out = T::from_f64(g / predictions));
            terms / predictions
        };
        let losses: Vec<f64> = rows
            .with_min_len(rows_of_a_thread(classes))
            .map(|(n, ((out, row), &label))| of_row(n, out, row, label))
            .collect();
        LossValue { loss: losses.iter().sum(), gradient }
    }

    /// Loss of each prediction of `[predictions, classes]` logits; 0 of those that do not count.
    pub fn of_predictions<T: Real>(&self, logits: &[T], labels: &[u32]) -> Vec<f64> {
        let classes = logits.len() / labels.len().max(1);
        let rows = logits.par_chunks_exact(classes.max(1)).zip(labels);
        let loss = |(row, &label): (&[T], &u32)| match label {
            IGNORED => 0.0,
            label => self.of_prediction(row, label, None).0,
        };
        rows.with_min_len(rows_of_a_thread(classes)).map(loss).collect()
    }

    /// Loss of one prediction, and its derivative in the outputs.
    fn of_prediction<T: Real>(&self, row: &[T], label: u32, teacher: Option<&[T]>) -> (f64, Vec<f64>) {
        let soft = self.distillation.zip(teacher);
        let hard_share = soft.map_or(1.0, |(d, _)| 1.0 - d.weight);
        let log_p = log_softmax(row, 1.0);
        let target = |k: usize| {
            let hit = if k == label as usize { 1.0 - self.label_smoothing } else { 0.0 };
            hit + self.label_smoothing / row.len() as f64
        };
        let (hard, mut gradient): (f64, Vec<f64>) = match self.criterion {
            Criterion::CrossEntropy => (
                log_p.iter().enumerate().map(|(k, l)| -target(k) * l).sum(),
                log_p.iter().enumerate().map(|(k, l)| hard_share * (l.exp() - target(k))).collect(),
            ),
            Criterion::SquaredError => {
                let error: Vec<f64> = row.iter().enumerate().map(|(k, z)| z.to_f64() - target(k)).collect();
                let value = error.iter().map(|e| e * e).sum();
                (value, error.iter().map(|e| hard_share * 2.0 * e).collect())
            }
        };
        let mut loss = hard_share * hard;
        if let Some((distillation, teacher)) = soft {
            let temperature = distillation.temperature;
            let log_q = log_softmax(teacher, temperature);
            let log_p = log_softmax(row, temperature);
            let factor = distillation.weight * temperature;
            for (g, (q, p)) in gradient.iter_mut().zip(log_q.iter().zip(&log_p)) {
                loss += factor * temperature * q.exp() * (q - p);
                *g += factor * (p.exp() - q.exp());
            }
        }
        (loss, gradient)
    }

    /// `A ż / N`: the derivative of the gradient as the outputs move by `ż`. Which labels and what a teacher says does not
    /// matter, only what is ignored.
    pub(super) fn curvature_product<T: Real>(&self, logits: &[T], tangent: &[T], labels: &[u32]) -> Vec<T> {
        let classes = logits.len() / labels.len();
        let predictions = counted(labels).max(1) as f64;
        let soft = self.distillation.map_or(0.0, |d| d.weight);
        let mut out = vec![T::ZERO; logits.len()];
        let rows = logits.par_chunks_exact(classes).zip(tangent.par_chunks_exact(classes)).zip(labels);
        let rows = out.par_chunks_exact_mut(classes).zip(rows).with_min_len(rows_of_a_thread(classes));
        rows.filter(|(_, (_, label))| **label != IGNORED).for_each(|(out, ((row, dot), _))| {
            let mut product = vec![0.0; classes];
            let mut add_softmax = |temperature: f64, share: f64| {
                let p: Vec<f64> = log_softmax(row, temperature).into_iter().map(f64::exp).collect();
                let mean: f64 = p.iter().zip(dot).map(|(p, d)| p * d.to_f64()).sum();
                product.iter_mut().zip(p.iter().zip(dot)).for_each(|(o, (p, d))| *o += share * p * (d.to_f64() - mean));
            };
            if let Some(distillation) = self.distillation {
                add_softmax(distillation.temperature, soft);
            }
            match self.criterion {
                Criterion::CrossEntropy => add_softmax(1.0, 1.0 - soft),
                Criterion::SquaredError => {
                    product.iter_mut().zip(dot).for_each(|(o, d)| *o += (1.0 - soft) * 2.0 * d.to_f64());
                }
            }
            out.iter_mut().zip(product).for_each(|(out, v)| *out = T::from_f64(v / predictions));
        });
        out
    }

    /// `S u` for one prediction, where `S Sᵀ` is the curvature of the criterion: a random `u` with `E[u uᵀ] = I` gives a
    /// vector whose outer product has the curvature as its mean. Distillation is left out.
    pub fn curvature_factor<T: Real>(&self, row: &[T], u: &[f64]) -> Vec<f64> {
        match self.criterion {
            Criterion::CrossEntropy => {
                let roots: Vec<f64> = log_softmax(row, 1.0).into_iter().map(|l| (0.5 * l).exp()).collect();
                let mean: f64 = roots.iter().zip(u).map(|(r, u)| r * u).sum();
                roots.iter().zip(u).map(|(r, u)| r * u - r * r * mean).collect()
            }
            Criterion::SquaredError => u.iter().map(|u| std::f64::consts::SQRT_2 * u).collect(),
        }
    }
}

/// For each sample, the mean of `of_row` over its predictions that count: 0 if none does.
fn sample_means(labels: &[u32], samples: usize, of_row: impl Fn(usize) -> f64 + Sync) -> Vec<f64> {
    let predictions = labels.len() / samples;
    let mean = |(n, labels): (usize, &[u32])| {
        let counting = labels.iter().enumerate().filter(|(_, label)| **label != IGNORED);
        counting.map(|(r, _)| of_row(n * predictions + r)).sum::<f64>() / counted(labels).max(1) as f64
    };
    labels.par_chunks_exact(predictions).enumerate().map(mean).collect()
}

/// Cross-entropy of every sample, in f64: the mean over its predictions that count.
pub fn sample_losses<T: Real>(logits: &[T], labels: &[u32], samples: usize) -> Vec<f64> {
    let classes = logits.len() / labels.len();
    let of_row = |r: usize| -log_softmax(&logits[r * classes..][..classes], 1.0)[labels[r] as usize];
    sample_means(labels, samples, of_row)
}

/// `KL(softmax z ‖ softmax y)` of two sets of logits, in f64: for each sample the mean over its predictions that count.
pub fn divergences<T: Real>(z: &[T], y: &[T], labels: &[u32], samples: usize) -> Vec<f64> {
    let classes = z.len() / labels.len();
    let of_row = |r: usize| -> f64 {
        let row = |z: &[T]| log_softmax(&z[r * classes..][..classes], 1.0);
        let (p, q) = (row(z), row(y));
        p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum()
    };
    sample_means(labels, samples, of_row)
}

/// The class with the largest logit, the first of equals.
pub fn prediction<T: Real>(row: &[T]) -> usize {
    (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}

/// How many rows of `[predictions, classes]` logits have their largest entry at the label (the first of equals counts); none
/// that is ignored.
pub fn correct<T: Real>(logits: &[T], labels: &[u32]) -> usize {
    let classes = logits.len() / labels.len().max(1);
    logits.chunks_exact(classes.max(1)).zip(labels).filter(|(row, label)| prediction(row) == **label as usize).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f64; 6] = [0.5, -1.0, 2.0, 0.0, 0.3, -0.2];
    const TEACHER: [f64; 6] = [1.5, -0.5, 1.0, 0.2, 0.0, -1.0];
    const LABELS: [u32; 2] = [2, 0];

    #[test]
    fn cross_entropy_matches_hand_computed_values() {
        let value = Loss::default().evaluate(&[0.0, 0.0, 3f64.ln(), 0.0], &[0, 0], None);
        assert!((value.loss - (2f64.ln() + (4f64 / 3.0).ln()) / 2.0).abs() < 1e-15);
        assert!((value.gradient[2] - (0.75 - 1.0) / 2.0).abs() < 1e-15);
    }

    #[test]
    fn gradient_is_the_derivative_of_the_loss() {
        let distillation = Some(Distillation { weight: 0.4, temperature: 3.0 });
        for loss in [
            Loss::default(),
            Loss { label_smoothing: 0.1, ..Loss::default() },
            Loss { label_smoothing: 0.1, distillation, ..Loss::default() },
            Loss { criterion: Criterion::SquaredError, distillation, ..Loss::default() },
        ] {
            let at = |z: &[f64]| loss.evaluate(z, &LABELS, Some(&TEACHER));
            let value = at(&LOGITS);
            for k in 0..6 {
                let moved = |step: f64| {
                    let mut z = LOGITS;
                    z[k] += step;
                    at(&z).loss
                };
                let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!((slope - value.gradient[k]).abs() < 1e-9, "{loss:?} {k}: {slope} {}", value.gradient[k]);
            }
        }
    }

    #[test]
    fn a_teacher_that_agrees_adds_nothing() {
        let distillation = Some(Distillation { weight: 1.0, temperature: 2.0 });
        let value = Loss { distillation, ..Loss::default() }.evaluate(&LOGITS, &LABELS, Some(&LOGITS));
        assert!(value.loss.abs() < 1e-15 && value.gradient.iter().all(|g| g.abs() < 1e-15));
    }

    #[test]
    fn divergence_matches_a_hand_computed_value_and_is_zero_for_equal_logits() {
        // p = (3/4, 1/4), q = (1/2, 1/2): KL = ¾ ln 1.5 + ¼ ln 0.5.
        let expected = 0.75 * 1.5f64.ln() + 0.25 * 0.5f64.ln();
        assert!((divergences(&[3f64.ln(), 0.0], &[1.0, 1.0], &[0], 1)[0] - expected).abs() < 1e-15);
        assert!(divergences(&LOGITS, &LOGITS, &LABELS, 2).iter().all(|d| d.abs() < 1e-15));
    }

    #[test]
    fn the_mean_of_the_sample_losses_is_the_loss() {
        let each = sample_losses(&LOGITS, &LABELS, 2);
        let mean = Loss::default().evaluate(&LOGITS, &LABELS, None).loss;
        assert!(((each[0] + each[1]) / 2.0 - mean).abs() < 1e-15 && each[0] != each[1]);
    }

    /// Two samples of two predictions, one of which is ignored: all is that of the three others, whatever stands there.
    #[test]
    fn an_ignored_prediction_is_as_if_it_were_not_there() {
        let distillation = Some(Distillation { weight: 0.4, temperature: 3.0 });
        let three = [&LOGITS[..], &TEACHER[..3]].concat();
        let four = [&LOGITS[..3], &[9.0, 8.0, -7.0], &LOGITS[3..], &TEACHER[..3]].concat();
        let labels = [2, IGNORED, 0, 1];
        let without = |z: &[f64]| [&z[..3], &z[6..]].concat();
        for criterion in [Criterion::CrossEntropy, Criterion::SquaredError] {
            let loss = Loss { label_smoothing: 0.1, distillation, criterion };
            let teacher: Vec<f64> = four.iter().map(|z| z * 0.5).collect();
            let all = loss.evaluate(&four, &labels, Some(&teacher));
            let some = loss.evaluate(&three, &[2, 0, 1], Some(&without(&teacher)));
            assert!((all.loss - some.loss).abs() < 1e-15);
            assert_eq!((without(&all.gradient), &all.gradient[3..6]), (some.gradient, &[0.0; 3][..]));
            let all = loss.curvature_product(&four, &teacher, &labels);
            let some = loss.curvature_product(&three, &without(&teacher), &[2, 0, 1]);
            assert_eq!((without(&all), &all[3..6]), (some, &[0.0; 3][..]));
            // Negative control: counted, it would matter.
            let counting = loss.evaluate(&four, &[2, 0, 0, 1], Some(&teacher)).loss;
            assert!((counting - loss.evaluate(&four, &labels, Some(&teacher)).loss).abs() > 0.01);
        }
        let each = sample_losses(&four, &labels, 2);
        let rows = sample_losses(&three, &[2, 0, 1], 3);
        assert_eq!(each, [rows[0], (rows[1] + rows[2]) / 2.0]);
        let other: Vec<f64> = four.iter().map(|z| z * z).collect();
        let rows = divergences(&three, &without(&other), &[2, 0, 1], 3);
        assert_eq!(divergences(&four, &other, &labels, 2), [rows[0], (rows[1] + rows[2]) / 2.0]);
        assert_eq!(correct(&four, &[2, IGNORED, 1, 0]), 3);
        assert_eq!(Loss::default().evaluate(&[1.0, 2.0], &[IGNORED], None).loss, 0.0);
    }

    #[test]
    fn correct_counts_the_largest_entries() {
        assert_eq!(correct(&LOGITS, &LABELS), 1);
        assert_eq!(correct(&[1.0, 1.0], &[0]), 1);
        assert_eq!(correct(&[1.0, 1.0], &[1]), 0);
    }
}
