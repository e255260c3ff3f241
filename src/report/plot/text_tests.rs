use proptest::prelude::*;

use super::*;

#[test]
fn a_cut_name_keeps_both_ends() {
    let name = "model.layers.11.self_attn.q_proj";
    let short = cut(name, FONT, 120.0);
    assert!(short.contains('…') && short.starts_with("model") && short.ends_with("q_proj"), "{short}");
    assert_eq!(cut("conv1", FONT, 120.0), "conv1");
    assert_ne!(cut("blocks.3.attention.q_proj", FONT, 84.0), cut("blocks.3.attention.k_proj", FONT, 84.0));
}

#[test]
fn wide_characters_count_as_wide_and_marks_as_nothing() {
    assert!(width("層層", 10.0) > width("ab", 10.0));
    assert!(width("😀", 10.0) >= 13.0);
    assert_eq!(width("\u{200f}\u{202e}", 10.0), 0.0);
    assert_eq!(one_line("a\nb\u{0}c\t"), "a b c ");
}

proptest! {
    #[test]
    fn a_cut_text_fits(text in "\\PC{0,80}", limit in 20.0f64..300.0) {
        let short = cut(&text, FONT, limit);
        prop_assert!(width(&short, FONT) <= limit + 1e-9);
        prop_assert!(short == one_line(&text) || short.contains('…'));
    }
}
