use crate::plan::{Relief, Status};
use crate::report::Report;
use crate::report::collect::Findings;
use crate::report::collect::samples::{RIGHT, accuracies, findings, plan};

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

/// 3600/732 = 4.918; 352/160 = 2.2; √(0.9·0.1/999) = 0.949 %, √(0.89·0.11/999) = 0.990 %; ten of 1000 samples other:
/// √((0.01 − 0.01²)/999) = 0.315 %;
/// 0.261/0.314 = 83.1 %; 0.35/0.314 = 1.115; 0.0157/0.314 = 5 %.
#[test]
fn a_plan_is_told_with_its_numbers() {
    let expected = [
        "Plan `half` stores the weights in 0.7 KiB instead of 3.5 KiB, 4.9 times less, and takes 160.0 k BitOPs instead of 352.0 k \
         at w8a8 everywhere, 2.2 times less. A weight has 6.22 bits on average.",
        "On 1\u{202f}000 held-out images it is right in 89.00 ± 0.99 %, FP32 in 90.00 ± 0.95 %: 1.00 ± 0.31 points lower, more than \
         two standard errors. The quantised networks were trained 3 epochs longer than FP32.",
        "It is proved that no other choice of bits within the limits has a smaller predicted increase of the loss. The predicted \
         increase of the loss has errors, though: resampled within them, this choice is the best in 75.0 % of the draws.",
        "What keeps it from being better is the limit of BitOPs (at most 165.0 k).",
        "BitOPs: 160.0 k of at most 165.0 k (97.0 %). It binds: without it the predicted increase of the loss would be 83.1 % \
         smaller; a limit 1 % higher would change nothing.",
        "Weight bytes: 0.7 KiB of at most 0.8 KiB (91.5 %). It does not bind: without it no choice of bits is better.",
        "The best uniform precision within the same limits is w4a4; its predicted increase of the loss is 1.11 times the plan's, and it is \
         right in 88.00 ± 1.03 % (1.00 ± 0.31 points lower, more than two standard errors).",
        "Its costliest constraint is the group of `a` and `b`: without it the predicted increase of the loss would be 5.0 % smaller.",
        "In 200 resamplings of the sensitivities within their standard errors it is the best plan in 75.0 % of them; against \
         the best plan of each it loses 0.40 % on average, and at most 2.0 % in these draws.",
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

/// What is said of the two limits, of BitOPs and of bytes, after both are changed.
#[test]
fn limits_are_told_by_what_planning_without_them_found() {
    let told = |reliefs: [(f64, f64, bool); 2], together: f64| {
        let relief = |gain: f64, proved| Some(Relief { objective: 0.314 - gain, gain, proved });
        decision(move |f| {
            let half = &mut f.plans[0].1;
            for (budget, (without, higher, proved)) in half.budgets.iter_mut().zip(reliefs) {
                (budget.without, budget.higher) = (relief(without, proved), relief(higher, proved));
            }
            half.unlimited = relief(together, true);
        })
    };
    let none = (0.0, 0.0, true);
    has(&told([none, none], 0.0), "No limit keeps it from being better. ");
    has(&told([none, none], 0.1), "No limit alone keeps it from being better, but they do so together.");
    let both = told([(0.157, 0.00314, true), (0.0314, 0.0, true)], 0.2);
    has(&both, "are the limits of BitOPs (at most 165.0 k) and weight bytes (at most 0.8 KiB).");
    has(
        &both,
        "It binds: without it the predicted increase of the loss would be 50.0 % smaller; with a limit 1 % higher, 1.0 % smaller.",
    );
    has(&both, "would be 10.0 % smaller; a limit 1 % higher would change nothing.");
    let stopped = told([(0.157, 0.0, false), (0.0, 0.0, false)], 0.2);
    has(&stopped, "without it the predicted increase of the loss would be at least 50.0 % smaller.");
    has(&stopped, "Whether it binds is not settled: the search without it was stopped.");
    let unsettled = told([(0.0, 0.0, false), (0.0, 0.0, false)], 0.2);
    assert!(!unsettled.contains("keeps it from"), "{unsettled}");
    let older = decision(|f| f.plans[0].1.budgets.iter_mut().for_each(|b| (b.without, b.higher) = (None, None)));
    has(&older, "BitOPs: 160.0 k of at most 165.0 k (97.0 %). Weight bytes:");
}

#[test]
fn a_plan_without_limits_has_none_in_its_sentences() {
    let text = decision(|f| f.plans[0].1.budgets.clear());
    has(&text, "no other choice of bits has a smaller");
    assert!(!text.contains("keeps it from"), "{text}");
    has(&text, "The best uniform precision is w8a8;");
    has(&decision(|f| drop(f.plans[0].1.budgets.pop())), "The best uniform precision within the same limit is w4a4;");
}

/// 250 of the 900 weights are copies: 3600 − 1000 bytes, 2600/732 = 3.55.
#[test]
fn weights_that_the_files_share_are_told() {
    let text = decision(|f| f.facts.copied_parameters = 250);
    has(
        &text,
        "3.5 KiB, 4.9 times less (3.6 times less than the 2.5 KiB of the files, which have shared weights once), and",
    );
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

/// Errors of differences on the same 1000 samples: d other ones of n give √((d − n²)/999) with the shares d and n.
#[test]
fn differences_beyond_the_errors_and_none_at_all_are_told_apart() {
    let right = |right: std::ops::Range<usize>| {
        decision(move |f| {
            let mut all = RIGHT;
            all[4] = right.clone();
            f.accuracies = Some(accuracies(all, 1, [0.5; 6]));
        })
    };
    has(&right(0..800), "10.00 ± 0.95 points lower, more than two standard errors.");
    has(&right(0..897), "0.30 ± 0.17 points lower, within two standard errors.");
    has(&right(0..910), "1.00 ± 0.31 points higher, more than two standard errors.");
    has(&right(0..900), "FP32 in 90.00 ± 0.95 %: the same on every sample.");
    has(&right(50..950), "FP32 in 90.00 ± 0.95 %: no difference, ± 1.00 points.");
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
        f.accuracies = Some(accuracies(RIGHT, 64, [2.0, 2.0, 2.5, 3.0, 2.1, 2.0]));
    });
    // exp(2.1) = 8.166, exp(2) = 7.389, exp(0.1) = 1.10517; losses 0.5 and 1.5 times the mean: their error is half the mean
    // by √999, that of the difference 0.05/√999 = 0.00158.
    has(
        &text,
        "On 1\u{202f}000 held-out windows of text its perplexity is 8.166 ± 0.27, that of FP32 7.389 ± 0.23: 10.5 ± 0.17 % \
         higher, more than two standard errors; it predicts 89.00 ± 0.99 % of the next tokens right, FP32 90.00 ± 0.95 % \
         (1.00 ± 0.31 points lower, more than two standard errors). The quantised networks were trained 3 epochs longer than \
         FP32.",
    );
    has(
        &text,
        "its predicted increase of the loss is 1.11 times the plan's, its perplexity 12.18 ± 0.48 (49.2 ± 0.94 % higher, more \
         than two standard errors).",
    );
}

#[test]
fn names_from_outside_stay_on_the_line() {
    let text = decision(|f| f.plans[0].0 = format!("a\n\u{202e}{}", "x".repeat(300)));
    assert!(text.starts_with(&format!("Plan `a {}…` stores", "x".repeat(38))), "{text}");
}
