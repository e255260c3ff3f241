use super::*;
use crate::report::fixture;

#[test]
fn candidates_are_ordered_from_wide_to_narrow_each_once() {
    let mut report = fixture::report();
    report.layers.reverse();
    report.layers[0].candidates.reverse();
    let ids = precisions(&report);
    assert_eq!(ids, ["w8a8", "w4a4", "w2a2"]);
    assert_eq!((series(&ids, "w2a2"), series(&ids, "fp32")), (2, 3));
}

#[test]
fn names_keep_the_end_that_tells_them_apart() {
    assert_eq!(tail("fc", 100.0), "fc");
    assert_eq!(tail("model.layers.11.self_attn.k_proj", 120.0), "…self_attn.k_proj");
    for name in ["a_very_long_name_without_any_dot_in_it", "ends.with.dots....................................."] {
        let short = tail(name, 100.0);
        assert!(width(&short, FONT) <= 100.0 && short.chars().count() > 4, "{short}");
    }
    assert_eq!(layer_name(&fixture::report(), 99), "layer 99");
}
