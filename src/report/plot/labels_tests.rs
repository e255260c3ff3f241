use proptest::prelude::*;

use super::super::oracle::overlap;
use super::*;

fn corners(label: &Placed) -> [(f64, f64); 4] {
    let wide = width(&label.text, FONT);
    let left = match label.anchor {
        Anchor::Start => label.x,
        Anchor::Middle => label.x - wide / 2.0,
        Anchor::End => label.x - wide,
    };
    let (top, bottom) = (label.y - 0.75 * FONT, label.y + 0.2 * FONT);
    [(left, top), (left + wide, top), (left + wide, bottom), (left, bottom)]
}

proptest! {
    #[test]
    fn labels_cover_neither_each_other_nor_a_point(at in prop::collection::vec((0.0f64..300.0, 0.0f64..200.0), 1..25)) {
        let wishes: Vec<Label> =
            at.iter().enumerate().map(|(i, &(x, y))| Label { x, y, text: format!("plan number {i}") }).collect();
        let placed = place_labels(&wishes, &at, (0.0, 0.0, 300.0, 200.0));
        for (index, label) in placed.iter().enumerate() {
            let this = corners(label);
            prop_assert!(placed[..index].iter().all(|other| !overlap(&this, &corners(other))));
            for &(x, y) in &at {
                let point = [(x - 4.0, y - 4.0), (x + 4.0, y - 4.0), (x + 4.0, y + 4.0), (x - 4.0, y + 4.0)];
                prop_assert!(!overlap(&this, &point), "{label:?} covers {x} {y}");
            }
            prop_assert!(this.iter().all(|&(x, y)| (0.0..=300.0).contains(&x) && (0.0..=200.0).contains(&y)));
        }
    }
}

#[test]
fn a_lone_point_has_its_label_at_its_right_and_at_the_edge_at_its_left() {
    let label = |x: f64| {
        let wish = Label { x, y: 50.0, text: "half".into() };
        place_labels(&[wish], &[(x, 50.0)], (0.0, 0.0, 300.0, 100.0)).remove(0)
    };
    assert_eq!((label(20.0).anchor, label(20.0).far), (Anchor::Start, false));
    assert_eq!(label(295.0).anchor, Anchor::End);
}
