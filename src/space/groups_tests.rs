use std::path::Path;

use super::*;
use crate::space::{Search, Space};

const REST: &str = "format: bitplan.space/1\nname: n\nmodel: {zoo: resnet8, input: [1, 8, 8], classes: 2}\n\
                    data: {train: {npy: {images: a, labels: b}}, test: {npy: {images: a, labels: b}}}\n";

fn search(groups: &str) -> Result<Search> {
    let text =
        format!("{REST}search:\n  candidates: [w8a8, w4a4]\n  pins: {{p: w8a8, f: fp32, odd: w2a2}}\n  {groups}");
    Ok(Space::parse(&text, Path::new("s.yaml"))?.search)
}

fn names() -> Vec<String> {
    ["a", "b", "c", "p", "f", "odd"].map(String::from).to_vec()
}

fn found(layers: &[usize]) -> LayerGroup {
    LayerGroup { kind: GroupKind::Fused, layers: layers.to_vec(), reason: "they read `x`".into() }
}

#[test]
fn groups_are_written_found_or_both() {
    assert_eq!(search("").unwrap().rules(), []);
    assert_eq!(search("groups: auto").unwrap().rules(), [GroupKind::Fused, GroupKind::SharedInput]);
    let both = search("groups: [[a, b], {auto: [residual, depthwise]}]").unwrap();
    assert_eq!((both.groups.len(), both.rules()), (1, [GroupKind::Residual, GroupKind::Depthwise].as_slice()));
    // What a stage depends on is as before where there are no rules.
    let json = serde_json::to_string(&search("groups: [[a, b]]").unwrap()).unwrap();
    assert!(json.contains(r#""groups":[["a","b"]]"#) && !json.contains("automatic"), "{json}");
}

#[test]
fn groups_that_share_a_layer_become_one() {
    let both = search("groups: [[b, a], {auto: [fused]}]").unwrap();
    assert_eq!(both.resolve_groups(&names(), &[found(&[1, 2])]).unwrap(), [vec![1, 0, 2]]);
    let automatic = search("groups: auto").unwrap();
    assert_eq!(automatic.resolve_groups(&names(), &[found(&[0, 1]), found(&[2, 3])]).unwrap(), [[0, 1], [2, 3]]);
    assert_eq!(merged(vec![vec![0, 1], vec![2, 3], vec![4, 5], vec![3, 0]]), [vec![0, 1, 2, 3], vec![4, 5]]);
}

#[test]
fn found_groups_leave_out_what_stays_fp32_and_refuse_what_has_nothing_in_common() {
    let automatic = search("groups: auto").unwrap();
    assert_eq!(automatic.resolve_groups(&names(), &[found(&[0, 4])]).unwrap(), Vec::<Vec<usize>>::new());
    assert_eq!(automatic.resolve_groups(&names(), &[found(&[0, 1, 4])]).unwrap(), [[0, 1]]);
    let error = automatic.resolve_groups(&names(), &[found(&[0, 5])]).unwrap_err().to_string();
    let expected = "s.yaml:8:11: found a group with `a` and `odd` (they read `x`), expected a candidate that all layers \
                    of the group have\n  hint: compare their candidates and pins";
    assert_eq!(error, expected);
}

#[test]
fn what_is_no_group_is_refused_at_its_place() {
    for (groups, start) in [
        (
            "groups: automatic",
            "s.yaml:8:11: found `automatic`, expected `auto`, or a list of groups\n  hint: did you mean",
        ),
        ("groups: [{auto: [fuse]}]", "s.yaml:8:20: found `fuse`, expected fused, shared_input, residual or depthwise"),
        ("groups: [{auto: []}]", "s.yaml:8:12: found no rule, expected at least one of fused"),
        ("groups: [{auto: [fused]}, {auto: [residual]}]", "s.yaml:8:29: found a second `auto`"),
        ("groups: [{atuo: [fused]}]", "s.yaml:8:13: found the unknown key `atuo`"),
        ("groups: [a, b]", "s.yaml:8:12: found `a`, expected a list of layers, or"),
        ("groups: {a: b}", "s.yaml:8:"),
        ("groups: 3", "s.yaml:8:"),
    ] {
        let text = search(groups).unwrap_err().to_string();
        assert!(text.starts_with(start), "{groups}\n{text}\n{start}");
    }
}
