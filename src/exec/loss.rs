//! Softmax cross-entropy with label smoothing and distillation, and squared error; values, gradients, curvatures.
//!
//! ```text
//! CE = −mean_n Σ_k t_k log p_k,  p = softmax z,  t = (1 − ε)·onehot + ε/K         ∂CE/∂z = (p − t)/N
//! SE = mean_n Σ_k (z_k − t_k)²,  t = onehot                                        ∂SE/∂z = 2 (z − t)/N
//! L  = (1 − α)·CE + α·T²·KL(softmax(z_teacher/T) ‖ softmax(z/T))                  method.md §2.2
//! ```
//!
//! Curvatures in the outputs `z` of one sample: `A(z) = diag p − p pᵀ = S Sᵀ` with `S = diag √p − p √pᵀ` for
//! cross-entropy, smoothed or not; `2 I` for squared error; `(1 − α)·A(z) + α·A(z/T)` with distillation.
//!
//! All inside is f64; the gradient is returned in the logits' type.

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
    /// Mean over the batch.
    pub loss: f64,
    /// `∂L/∂z`, `[batch, classes]`.
    pub gradient: Vec<T>,
}

/// Softmax of one row at a temperature, and the logarithms.
pub(super) fn log_softmax<T: Real>(row: &[T], temperature: f64) -> Vec<f64> {
    let scaled: Vec<f64> = row.iter().map(|z| z.to_f64() / temperature).collect();
    let largest = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let normalizer = largest + scaled.iter().map(|z| (z - largest).exp()).sum::<f64>().ln();
    scaled.into_iter().map(|z| z - normalizer).collect()
}

impl Loss {
    /// Loss of `[batch, classes]` logits; `teacher` logits of the same shape switch distillation on.
    pub fn evaluate<T: Real>(&self, logits: &[T], labels: &[u32], teacher: Option<&[T]>) -> LossValue<T> {
        let classes = logits.len() / labels.len();
        let samples = labels.len() as f64;
        let soft = self.distillation.zip(teacher);
        let hard_share = soft.map_or(1.0, |(d, _)| 1.0 - d.weight);
        let mut value = LossValue { loss: 0.0, gradient: Vec::with_capacity(logits.len()) };
        for (n, (row, &label)) in logits.chunks_exact(classes).zip(labels).enumerate() {
            let log_p = log_softmax(row, 1.0);
            let target = |k: usize| {
                let hit = if k == label as usize { 1.0 - self.label_smoothing } else { 0.0 };
                hit + self.label_smoothing / classes as f64
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
            value.loss += hard_share * hard / samples;
            if let Some((distillation, teacher)) = soft {
                let temperature = distillation.temperature;
                let log_q = log_softmax(&teacher[n * classes..][..classes], temperature);
                let log_p = log_softmax(row, temperature);
                let factor = distillation.weight * temperature;
                for (g, (q, p)) in gradient.iter_mut().zip(log_q.iter().zip(&log_p)) {
                    value.loss += factor * temperature * q.exp() * (q - p) / samples;
                    *g += factor * (p.exp() - q.exp());
                }
            }
            value.gradient.extend(gradient.iter().map(|g| T::from_f64(g / samples)));
        }
        value
    }

    /// `A ż / N`: the derivative of the gradient as the outputs move by `ż`. Targets, a teacher's too, do not matter.
    pub(super) fn curvature_product<T: Real>(&self, logits: &[T], tangent: &[T], samples: usize) -> Vec<T> {
        let classes = logits.len() / samples;
        let soft = self.distillation.map_or(0.0, |d| d.weight);
        let mut out = Vec::with_capacity(logits.len());
        for (row, dot) in logits.chunks_exact(classes).zip(tangent.chunks_exact(classes)) {
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
            out.extend(product.into_iter().map(|v| T::from_f64(v / samples as f64)));
        }
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

/// Cross-entropy of every row of `[batch, classes]` logits, in f64.
pub fn sample_losses<T: Real>(logits: &[T], labels: &[u32]) -> Vec<f64> {
    let rows = logits.chunks_exact(logits.len() / labels.len());
    rows.zip(labels).map(|(row, &label)| -log_softmax(row, 1.0)[label as usize]).collect()
}

/// `KL(softmax z_n ‖ softmax y_n)` of each row of two sets of logits, in f64.
pub fn divergences<T: Real>(z: &[T], y: &[T], batch: usize) -> Vec<f64> {
    let classes = z.len() / batch;
    let row = |(z, y): (&[T], &[T])| -> f64 {
        let (p, q) = (log_softmax(z, 1.0), log_softmax(y, 1.0));
        p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum()
    };
    z.chunks_exact(classes).zip(y.chunks_exact(classes)).map(row).collect()
}

/// The class with the largest logit, the first of equals.
pub fn prediction<T: Real>(row: &[T]) -> usize {
    (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
}

/// How many rows of `[batch, classes]` logits have their largest entry at the label (the first of equals counts).
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
        assert!((divergences(&[3f64.ln(), 0.0], &[1.0, 1.0], 1)[0] - expected).abs() < 1e-15);
        assert!(divergences(&LOGITS, &LOGITS, 2).iter().all(|d| d.abs() < 1e-15));
    }

    #[test]
    fn the_mean_of_the_sample_losses_is_the_loss() {
        let each = sample_losses(&LOGITS, &LABELS);
        let mean = Loss::default().evaluate(&LOGITS, &LABELS, None).loss;
        assert!(((each[0] + each[1]) / 2.0 - mean).abs() < 1e-15 && each[0] != each[1]);
    }

    #[test]
    fn correct_counts_the_largest_entries() {
        assert_eq!(correct(&LOGITS, &LABELS), 1);
        assert_eq!(correct(&[1.0, 1.0], &[0]), 1);
        assert_eq!(correct(&[1.0, 1.0], &[1]), 0);
    }
}
