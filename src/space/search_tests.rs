use std::path::Path;

use super::*;
use crate::space::Space;

const REST: &str = "format: bitplan.space/1\nname: n\nmodel: {zoo: resnet8, input: [1, 8, 8], classes: 2}\n\
                    data: {train: {npy: {images: a, labels: b}}, test: {npy: {images: a, labels: b}}}\n";

/// The search section of a file in which it starts at line 5.
fn search(section: &str) -> Result<Search> {
    Ok(Space::parse(&format!("{REST}{section}"), Path::new("s.yaml"))?.search)
}

fn names() -> Vec<String> {
    ["stem.conv", "stage1.conv1", "stage1.conv2", "stage2.conv1", "fc"].map(String::from).to_vec()
}

/// Candidates of every layer, as text.
fn resolved(section: &str) -> Vec<String> {
    let layers = search(section).unwrap().resolve(&names()).unwrap();
    let text = |layer: &LayerChoice| {
        let list: Vec<String> = layer.candidates.iter().map(Candidate::to_string).collect();
        format!("{}{}", list.join(" "), if layer.pinned { " pinned" } else { "" })
    };
    layers.iter().map(text).collect()
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn candidates_come_out_with_most_bits_first() {
    assert_eq!(resolved("search: {candidates: [w2a2, w8a4, w4a8, w8a8]}"), vec!["w8a8 w8a4 w4a8 w2a2"; 5]);
}

#[test]
fn the_last_override_decides_and_a_pin_decides_over_it() {
    let section = "search:
  candidates: [w4a4]
  overrides:
    - {match: 'stage*', candidates: [w8a8, w6a6]}
    - {match: '*.conv1', candidates: [w2a2]}
  pins: {stage2.conv1: fp32, stem.conv: w3a5}";
    assert_eq!(resolved(section), ["w3a5 pinned", "w2a2", "w8a8 w6a6", "fp32 pinned", "w4a4"]);
}

#[test]
fn names_that_are_no_layer_are_errors_at_their_place() {
    let pin = search("search:\n  candidates: [w4a4]\n  pins: {stem.cnv: w8a8}").unwrap();
    let expected = "s.yaml:7:10: found `stem.cnv`, expected the name of a layer\n  hint: did you mean `stem.conv`?";
    assert_eq!(message(pin.resolve(&names())), expected);
    let rule = search("search:\n  candidates: [w4a4]\n  overrides: [{match: 'q*', candidates: [w8a8]}]").unwrap();
    let expected = "s.yaml:7:23: found `q*`, expected a pattern that matches a layer\n  hint: the layers are stem.conv, \
                    stage1.conv1, stage1.conv2, stage2.conv1, fc";
    assert_eq!(message(rule.resolve(&names())), expected);
    let group = search("search:\n  candidates: [w4a4]\n  groups: [[fc, stage1.conv3]]").unwrap();
    assert!(group.resolve(&names()).is_ok());
    assert!(message(group.resolve_groups(&names(), &[])).starts_with("s.yaml:7:17: found `stage1.conv3`"));
    assert!(message(group.resolve_groups(&[], &[])).contains("the layers are"));
}

#[test]
fn groups_become_indices() {
    let groups =
        search("search: {candidates: [w4a4], groups: [[fc, stem.conv], [stage1.conv2, stage1.conv1]]}").unwrap();
    assert_eq!(groups.resolve_groups(&names(), &[]).unwrap(), [[4, 0], [2, 1]]);
    let pinned = "search: {candidates: [w4a4], groups: [[fc, stem.conv]], pins: {fc: w8a8, stem.conv: w8a8}}";
    assert_eq!(search(pinned).unwrap().resolve_groups(&names(), &[]).unwrap(), [[4, 0]]);
}

#[test]
fn groups_that_cannot_be_are_refused() {
    for (groups, found) in [
        ("[[fc]]", "a group of 1"),
        ("[[]]", "a group of 0"),
        ("[[fc, fc]]", "`fc` a second time"),
        ("[[fc, a], [b, fc]]", "`fc` a second time"),
    ] {
        let text = message(search(&format!("search: {{candidates: [w4a4], groups: {groups}}}")));
        assert!(text.starts_with("s.yaml:5:") && text.contains(found), "{text}");
    }
    for others in
        ["pins: {fc: w8a8, stem.conv: w4a4}", "pins: {fc: w8a8}", "overrides: [{match: fc, candidates: [w6a6]}]"]
    {
        let space = search(&format!("search: {{candidates: [w4a4], groups: [[stem.conv, fc]], {others}}}")).unwrap();
        let text = message(space.resolve_groups(&names(), &[]));
        assert!(text.starts_with("s.yaml:5:51: found `fc` in a group"), "{text}");
    }
}

#[test]
fn lists_of_candidates_that_make_no_choice_are_refused() {
    for (list, place, found) in [
        ("[]", "s.yaml:5:22", "an empty list"),
        ("[fp32]", "s.yaml:5:23", "`fp32`"),
        ("[w4a4, w4a4]", "s.yaml:5:29", "`w4a4` a second time"),
        ("[w4a9]", "s.yaml:5:23", "`w4a9`"),
        ("[int4]", "s.yaml:5:23", "`int4`"),
        ("w4a4", "s.yaml:5:22", "`w4a4`"),
    ] {
        let text = message(search(&format!("search: {{candidates: {list}}}")));
        assert!(text.starts_with(&format!("{place}: found {found}")), "{text}");
    }
}

#[test]
fn serialised_form_and_equality_know_no_lines() {
    let here = search("search: {candidates: [w8a8], pins: {b: w8a8, a: fp32}}").unwrap();
    let there = search("search:\n\n  candidates: [w8a8]\n  pins: {a: fp32, b: w8a8}").unwrap();
    assert_eq!(here, there);
    let json = serde_json::to_string(&here).unwrap();
    assert_eq!(json, serde_json::to_string(&there).unwrap());
    let pins = r#""pins":[{"layer":"a","candidate":"fp32"},{"layer":"b","candidate":"w8a8"}]"#;
    assert!(json.contains(pins), "{json}");
}
