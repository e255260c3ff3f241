//! The style sheet against what the charts ask of it.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::report::fixture;
use crate::report::plot::oracle::read;

const CSS: &str = include_str!("../charts.css");

/// Variable → colour, of the n-th block of variables: light, dark, paper.
fn colours(block: usize) -> BTreeMap<String, [f64; 3]> {
    let block = CSS.split(":root {").nth(block + 1).unwrap().split('}').next().unwrap();
    let channel = |hex: &str, at: usize| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
    let variable = |entry: &str| {
        let (name, hex) = entry.trim().split_once(": #")?;
        Some((name.to_string(), [0, 2, 4].map(|at| channel(hex, at))))
    };
    block.split(';').filter_map(variable).collect()
}

/// Contrast of two colours (WCAG 2.2, relative luminance).
fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let luminance = |colour: [f64; 3]| {
        let linear = colour.map(|c| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05
    };
    let (a, b) = (luminance(a), luminance(b));
    a.max(b) / a.min(b)
}

#[test]
fn texts_and_marks_stand_out_from_the_ground_in_light_dark_and_print() {
    assert!((contrast([0.0; 3], [1.0; 3]) - 21.0).abs() < 1e-9, "black on white is 21 : 1");
    for block in 0..3 {
        let colours = colours(block);
        for name in ["--ink", "--ink-2"] {
            assert!(contrast(colours[name], colours["--paper"]) >= 4.5, "{name} in block {block}");
        }
        for name in ["--accent", "--s0", "--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--s7"] {
            assert!(contrast(colours[name], colours["--paper"]) >= 3.0, "{name} in block {block}");
        }
    }
}

#[test]
fn every_class_that_a_chart_uses_is_in_the_style_sheet() {
    let report = fixture::report();
    let comparison = crate::report::Comparison::new(vec![report.clone(), fixture::hostile()]);
    let drawings = [
        layers(&report),
        networks(&report),
        front(0, &report.fronts[0]),
        training(&report, 1),
        scales(&report),
        draws(&report),
        agreement(&report),
        memory(&report),
        waterfall(&report, 0),
        compared_bits(&comparison),
        compared_front(&comparison, 0),
        compared_accuracy(&comparison),
    ];
    let mut classes = BTreeSet::new();
    for element in drawings.into_iter().flatten().flat_map(|drawing| read(&drawing.to_string())) {
        classes.extend(element.get("class").split(' ').filter(|class| !class.is_empty()).map(String::from));
    }
    // The groups of the drawing have no style of their own.
    for class in classes.iter().filter(|class| !["back", "front", "set"].contains(&class.as_str())) {
        assert!(CSS.contains(&format!(".{class} ")) || CSS.contains(&format!(".{class},")), "{class}");
    }
}
