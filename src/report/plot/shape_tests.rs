use std::collections::BTreeSet;

use super::*;

#[test]
fn eight_series_have_eight_shapes_around_the_same_centre() {
    let paths: BTreeSet<Option<String>> = (0..8).map(|series| Shape::of(series).path(50.0, 40.0, 5.0)).collect();
    assert_eq!(paths.len(), 8);
    assert_eq!(Shape::of(8), Shape::of(0));
    for path in paths.into_iter().flatten() {
        let numbers: Vec<f64> = path
            .split(|c: char| c.is_ascii_alphabetic() || c == ' ')
            .filter(|part| !part.is_empty())
            .map(|part| part.parse().unwrap())
            .collect();
        for (index, number) in numbers.iter().enumerate() {
            let centre = if index % 2 == 0 { 50.0 } else { 40.0 };
            assert!((number - centre).abs() <= 6.5, "{path}");
        }
    }
}
