use crate::plan::Status;
use crate::report::Report;
use crate::report::collect::Findings;
use crate::report::collect::samples::{findings, plan};

/// The paragraph of the first plan with its notes.
fn decision(change: impl Fn(&mut Findings)) -> String {
    let mut found = findings();
    change(&mut found);
    told(&found)
}

fn told(found: &Findings) -> String {
    let mut report = Report::collect(found);
    let notes = report.plans.first_mut().map_or(Vec::new(), |plan| std::mem::take(&mut plan.notes));
    std::iter::once(report.decisions.swap_remove(0)).chain(notes).collect::<Vec<_>>().join(" ")
}

fn has(text: &str, part: &str) {
    assert!(text.contains(part), "{part:?} is not in:\n{text}");
}

/// 3600/732 = 4.918; 352/160 = 2.2; √(0.9·0.1/1000) = 0.949 %, √(0.89·0.11/1000) = 0.989 %, together 1.371 %;
/// 165 000 · 1 % · 1.5e-6 / 0.314 = 0.788 %; 0.35/0.314 = 1.115; 0.0157/0.314 = 5 %.
#[test]
fn a_plan_is_told_with_its_numbers() {
    let expected = [
        "Plan `half` stores the weights in 0.7 KiB instead of 3.5 KiB, 4.9 times less, and takes 160.0 k BitOPs instead of 352.0 k \
         at w8a8 everywhere, 2.2 times less. A weight has 6.22 bits on average.",
        "On 1\u{202f}000 held-out images it is right in 89.00 ± 0.99 %, FP32 in 90.00 ± 0.95 %: 1.00 ± 1.37 points lower, within \
         two standard errors.",
        "It is proved that no other choice of bits within the limits has a smaller predicted increase of the loss.",
        "What keeps it from being better is the limit of BitOPs (at most 165.0 k).",
        "BitOPs: 160.0 k of at most 165.0 k (97.0 %), which binds: a limit 1 % higher lets the predicted increase of the loss fall by about 0.79 %.",
        "Weight bytes: 0.7 KiB of at most 0.8 KiB (91.5 %), which does not bind.",
        "The best uniform precision within the same limits is w4a4; its predicted increase of the loss is 1.11 times the plan's, and it is \
         right in 88.00 ± 1.03 % (1.00 ± 1.43 points lower, within two standard errors).",
        "Its costliest constraint is the group of `a` and `b`: without it the predicted increase of the loss would be 5.0 % smaller.",
        "In 200 resamplings of the sensitivities within their standard errors it is the best plan in 75.0 % of them; against \
         the best plan of each it loses 0.40 % on average and 2.0 % at most.",
    ];
    assert_eq!(decision(|_| ()), expected.join(" "));
}

#[test]
fn a_plan_that_is_not_proved_says_how_far_it_may_be_from_the_best() {
    let text = decision(|f| {
        let half = &mut f.plans[0].1;
        (half.status, half.gap) = (Status::Feasible, 0.0052);
        half.budgets.truncate(1);
    });
    has(
        &text,
        "not proved to be the best: another choice of bits within the limit may have a smaller predicted increase of the loss, by at most 0.52 %.",
    );
}

#[test]
fn a_plan_without_limits_has_none_in_its_sentences() {
    let text = decision(|f| f.plans[0].1.budgets.clear());
    has(&text, "no other choice of bits has a smaller");
    has(&text, "The best uniform precision is w8a8;");
    has(&decision(|f| drop(f.plans[0].1.budgets.pop())), "The best uniform precision within the same limit is w4a4;");
}

#[test]
fn no_uniform_precision_may_be_within_the_limits() {
    has(&decision(|f| f.plans[0].1.budgets[1].limit = 100.0), "No uniform precision is within the limits.");
}

/// w4a4 takes 532 bytes, w2a2 332.
#[test]
fn uniform_precisions_beyond_a_limit_are_no_rivals() {
    let best = |limit| decision(move |f| f.plans[0].1.budgets[1].limit = limit);
    has(&best(532.0), "The best uniform precision within the same limits is w4a4;");
    has(&best(531.0), "The best uniform precision within the same limits is w2a2;");
}

#[test]
fn a_plan_that_is_a_uniform_precision_is_not_compared_with_it() {
    let mut found = findings();
    found.plans = vec![("p".into(), plan([0, 1, 1, 1], &[("bitops", 1e6, 0.0)]))];
    let text = told(&found);
    has(&text, "It is the uniform precision w4a4.");
    assert!(!text.contains("The best uniform"), "{text}");
}

#[test]
fn differences_beyond_the_errors_and_none_at_all_are_told_apart() {
    let right = |correct| decision(move |f| f.accuracies.as_mut().unwrap().rows[4].evaluation.correct = correct);
    has(&right(800), "10.00 ± 1.58 points lower, more than two standard errors.");
    has(&right(900), "FP32 in 90.00 ± 0.95 %: no difference.");
    has(&right(875), "2.50 ± 1.41 points lower, within two standard errors.");
    has(&right(910), "1.00 ± 1.31 points higher, within two standard errors.");
}

#[test]
fn constraints_are_told_from_one_per_cent_on_and_with_what_is_proved() {
    let constraint = |cost: f64, proved| {
        decision(move |f| {
            let binding = &mut f.plans[0].1.bindings[0];
            (binding.cost, binding.proved) = (cost, proved);
            f.plans[0].1.bindings.truncate(1);
        })
    };
    assert!(!constraint(0.003, true).contains("costliest"));
    has(
        &constraint(0.0628, false),
        "is the pin of `stem` to w8a8: without it the predicted increase of the loss would be at least 20.0 % smaller.",
    );
}

#[test]
fn language_models_are_told_by_perplexity() {
    let text = decision(|f| {
        f.facts.language = true;
        f.facts.samples = "windows of text".into();
        for (row, loss) in f.accuracies.as_mut().unwrap().rows.iter_mut().zip([2.0, 2.0, 2.5, 3.0, 2.1]) {
            (row.evaluation.predictions, row.evaluation.loss) = (Some(64_000), loss);
            row.evaluation.correct *= 20;
        }
    });
    // exp(2.1) = 8.166, exp(2) = 7.389, exp(0.1) = 1.10517; 890·20/64 000 = 27.81 %, 900·20/64 000 = 28.125 %.
    has(
        &text,
        "On 1\u{202f}000 held-out windows of text its perplexity is 8.166, that of FP32 7.389: 10.5 % higher; it predicts \
         27.81 % of the next tokens right, FP32 28.12 %.",
    );
    has(&text, "its predicted increase of the loss is 1.11 times the plan's, its perplexity 12.182.");
}

#[test]
fn names_from_outside_stay_on_the_line() {
    let text = decision(|f| f.plans[0].0 = format!("a\n\u{202e}{}", "x".repeat(300)));
    assert!(text.starts_with(&format!("Plan `a {}…` stores", "x".repeat(38))), "{text}");
}
