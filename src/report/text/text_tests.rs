use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::report::golden::assert_golden;
use crate::report::{Setting, fixture};

/// Two runs that differ in seed, bits, accuracies, and a third that has only begun.
fn comparison() -> Comparison {
    let mut other = fixture::report();
    (other.name, other.provenance.seed) = ("other".into(), 8);
    other.settings.push(Setting { topic: "network".into(), text: "Ties are rounded to even.".into() });
    for choice in other.plans.iter_mut().filter_map(|plan| plan.choices.get_mut(3)) {
        (choice.candidate, choice.weight_bits, choice.activation_bits) = ("w4a4".into(), 4, 4);
    }
    other.networks.iter_mut().for_each(|row| row.accuracy = row.accuracy.map(|share| share - 0.05));
    let runs = [("runs/1", fixture::report()), ("runs/2", other), ("runs/3", fixture::partial())];
    Comparison::of_folders(runs.map(|(folder, report)| (folder.into(), report)).to_vec())
}

#[test]
fn reports_are_the_golden_ones() {
    for (name, report) in
        [("report", fixture::report()), ("partial", fixture::partial()), ("hostile", fixture::hostile())]
    {
        assert_golden(&format!("{name}.txt"), &text(&report));
        assert_golden(&format!("{name}.md"), &markdown(&report));
    }
}

#[test]
fn comparisons_are_the_golden_ones() {
    assert_golden("comparison.txt", &comparison_text(&comparison()));
    assert_golden("comparison.md", &comparison_markdown(&comparison()));
}

#[test]
fn a_golden_file_that_differs_in_one_byte_fails() {
    let other = text(&fixture::report()).replace("88.10", "88.11");
    assert!(
        std::env::var("BITPLAN_GOLDEN").is_ok()
            || std::panic::catch_unwind(|| assert_golden("report.txt", &other)).is_err()
    );
}

#[test]
fn the_accuracy_table_is_the_one_of_the_report() {
    assert!(text(&fixture::report()).contains(&accuracy_table(&fixture::report())));
}

#[test]
fn a_network_of_many_layers_has_a_report_of_few_pages() {
    let mut report = fixture::report();
    for index in 0..400 {
        let mut layer = report.layers[1].clone();
        layer.name = format!("block{index}.conv");
        report.layers.push(layer);
        for plan in &mut report.plans {
            let mut choice = plan.choices[1].clone();
            choice.sensitivity = index as f64;
            plan.choices.push(choice);
        }
    }
    report.remarks = vec!["A remark.".into(); 400];
    let text = text(&report);
    assert!(text.lines().count() < 340, "{} lines", text.lines().count());
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("The 60 of 405 layers with the most sensitivity are shown; the CSV of the layers has all."));
    assert!(text.contains("block399.conv") && !text.contains("block100.conv"));
    assert!(text.contains("And 380 more."));
}

/// Lines between the rules of one table are not wider than its rules, and its rules are equally wide.
fn assert_whole_tables(text: &str) {
    let mut rules = 0;
    let mut width = 0;
    for line in text.lines() {
        if line.starts_with("───") && line.chars().all(|c| c == '─') {
            if rules % 3 == 0 {
                width = line.width();
            }
            assert_eq!(line.width(), width, "rules of one table differ:\n{text}");
            rules += 1;
        } else if rules % 3 != 0 {
            assert!(line.width() <= width, "a line sticks out: {line:?}\n{text}");
        }
    }
    assert_eq!(rules % 3, 0);
}

/// Texts that are hard to show, besides any at all.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::sample::select(fixture::HOSTILE.to_vec()).prop_map(String::from),
        "[\u{1b}\u{9b}\u{202e}\u{2028}|`*<&\\\\a 层🧨\u{301}\n\r\t─]{0,80}",
    ]
}

/// The fixture, and a comparison of it with itself, with these texts as names.
fn named(names: &[String]) -> (Report, Comparison) {
    let mut report = fixture::report();
    let mut names = names.iter().cycle().cloned();
    let mut next = || names.next().unwrap_or_default();
    (report.name, report.network, report.samples.noun) = (next(), next(), next());
    report.layers.iter_mut().for_each(|layer| layer.name = next());
    report.plans.iter_mut().for_each(|plan| plan.name = next());
    report.plans.iter_mut().flat_map(|plan| &mut plan.choices).for_each(|choice| choice.candidate = next());
    report
        .plans
        .iter_mut()
        .flat_map(|plan| &mut plan.bindings)
        .for_each(|binding| binding.layers = vec![next(), next()]);
    report.networks.iter_mut().for_each(|row| row.name = next());
    report.fronts.iter_mut().flat_map(|front| &mut front.landmarks).for_each(|mark| mark.name = next());
    report.memory.iter_mut().flat_map(|memory| &mut memory.nodes).for_each(|node| *node = next());
    report.training.iter_mut().for_each(|phase| phase.title = next());
    report.draws.iter_mut().for_each(|draws| draws.strategy = next());
    report.decisions = vec![next(), next()];
    report.settings = vec![Setting { topic: next(), text: next() }];
    report.remarks = vec![next()];
    report.provenance.files = (0..3).map(|_| (next(), next())).collect();
    let comparison = Comparison::of_folders(vec![(next(), report.clone()), (next(), fixture::report())]);
    (report, comparison)
}

/// What a terminal must not be sent.
fn disturbing(text: &str) -> Option<char> {
    text.chars().find(|&c| {
        (c.is_control() && c != '\n')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_names_leave_terminals_alone_and_tables_whole(names in prop::collection::vec(names(), 1..12)) {
        let (report, comparison) = named(&names);
        for text in [text(&report), comparison_text(&comparison)] {
            prop_assert_eq!(disturbing(&text), None);
            assert_whole_tables(&text);
        }
    }

    #[test]
    fn any_names_leave_markdown_whole(names in prop::collection::vec(names(), 1..12)) {
        let (report, comparison) = named(&names);
        for text in [markdown(&report), comparison_markdown(&comparison)] {
            prop_assert_eq!(disturbing(&text), None);
            let mut columns = None;
            for line in text.lines() {
                let bars = |line: &str| {
                    let escaped = line.replace("\\\\", "").replace("\\|", "");
                    escaped.matches('|').count()
                };
                prop_assert!(!line.contains('<'), "HTML in {line:?}");
                match (line.starts_with("| "), columns) {
                    (true, Some(columns)) => prop_assert_eq!(bars(line), columns, "{}", line),
                    (true, None) => columns = Some(bars(line)),
                    (false, _) if line.starts_with("|-") => prop_assert_eq!(Some(bars(line)), columns),
                    (false, _) => columns = None,
                }
            }
        }
    }
}

#[test]
fn a_name_of_a_hundred_thousand_characters_is_shown() {
    let (report, _) = named(&["x".repeat(100_000)]);
    assert_whole_tables(&text(&report));
}
