use super::*;
use crate::data::IGNORED;
use crate::numeric::rng::Stream;
use crate::numeric::stats::Moments;

fn outcomes(values: &[(f64, f64, f64)]) -> Outcomes {
    let samples = values.iter().map(|&(predictions, correct, loss)| Outcome { predictions, correct, loss });
    Outcomes { samples: samples.collect() }
}

fn close(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() <= 1e-12 * expected.abs(), "{found:?} {expected}");
}

/// One prediction a sample: share and binomial error with n − 1, mean loss and its error.
#[test]
fn of_single_predictions_the_errors_are_the_usual_ones() {
    let losses = [0.5, 0.25, 2.0, 1.25, 0.125];
    let found = outcomes(&losses.map(|loss| (1.0, f64::from(loss < 1.0), loss))).evaluation(false).unwrap();
    assert_eq!((found.correct, found.images, found.predictions, found.perplexity()), (3, 5, None, None));
    let moments: Moments = losses.into_iter().collect();
    assert!((found.loss - moments.mean().unwrap()).abs() < 1e-15);
    close(found.loss_stderr, moments.standard_error().unwrap());
    close(found.accuracy_stderr, (0.6 * 0.4 / 4.0f64).sqrt());
    let one = outcomes(&[(1.0, 1.0, 0.5)]).evaluation(false).unwrap();
    assert_eq!((one.accuracy_stderr, one.loss_stderr), (None, None));
}

/// Windows of 2 and 4 predictions: x̄ = 9/6, residuals 2 − 3 and 7 − 6, √(2·2)/6.
#[test]
fn predictions_of_one_sample_are_one_observation() {
    let found = outcomes(&[(2.0, 1.0, 2.0), (4.0, 2.0, 7.0), (0.0, 0.0, 0.0)]).evaluation(true).unwrap();
    assert_eq!((found.images, found.predictions, found.accuracy(), found.loss), (3, Some(6), 0.5, 1.5));
    close(found.loss_stderr, 2.0 / 6.0);
    assert_eq!(found.accuracy_stderr, Some(0.0));
    close(found.perplexity_stderr(), 1.5f64.exp() / 3.0);
}

/// The share of intervals of two standard errors that hold the true difference, over repeated draws of samples; as if the
/// samples were not the same, the error is several times too large.
#[test]
fn the_error_of_a_difference_is_that_of_the_same_samples() {
    let (mut covered, mut own) = (0, 0);
    for seed in 0..400 {
        let mut stream = Stream::new(seed, "outcomes", &[]);
        let hard: Vec<f64> = (0..200).map(|_| 2.0 + stream.normal()).collect();
        let losses = |shift: f64, stream: &mut Stream| {
            let values: Vec<_> = hard.iter().map(|h| (1.0, 0.0, h + shift + 0.2 * stream.normal())).collect();
            outcomes(&values)
        };
        let (first, second) = (losses(0.0, &mut stream), losses(0.1, &mut stream));
        let change = second.minus(&first);
        let error = change.loss_stderr.unwrap();
        assert!((0.01..0.03).contains(&error), "{error}");
        covered += usize::from((change.loss - 0.1).abs() <= 2.0 * error);
        let of = |o: &Outcomes| o.evaluation(false).unwrap().loss_stderr.unwrap();
        own += usize::from(of(&first).hypot(of(&second)) > 3.0 * error);
    }
    assert!((368..=392).contains(&covered), "{covered} of 400, expected 95.4 %");
    assert_eq!(own, 400);
    let same = outcomes(&[(1.0, 1.0, 0.5), (1.0, 0.0, 2.0)]);
    let none = Paired { accuracy: 0.0, accuracy_stderr: Some(0.0), loss: 0.0, loss_stderr: Some(0.0) };
    assert_eq!(same.minus(&same), none);
}

/// Two samples of two predictions over two classes; the last label does not count.
#[test]
fn logits_become_outcomes_sample_by_sample() {
    let mut all = Outcomes::default();
    all.push(&[0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 3.0, 1.0], &[1, 1, 0, IGNORED], 2);
    let softplus = |x: f64| (1.0 + x.exp()).ln();
    let expected = [(2.0, 1.0, softplus(-1.0) + softplus(2.0)), (1.0, 1.0, 2f64.ln())];
    for (found, (predictions, correct, loss)) in all.samples.iter().zip(expected) {
        assert_eq!((found.predictions, found.correct), (predictions, correct));
        assert!((found.loss - loss).abs() < 1e-6, "{} {loss}", found.loss);
    }
    let mut bad = Outcomes::default();
    bad.push(&[f32::NAN, 0.0], &[0], 1);
    assert_eq!(bad.evaluation(false).unwrap_err().exit_code(), 3);
}
