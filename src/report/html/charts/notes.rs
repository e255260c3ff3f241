//! Sentences below a chart, broken into lines.

use crate::report::plot::{Chart, FONT, width};

/// Room for a line.
const LIMIT: f64 = 740.0;

/// Adds a sentence in as many lines as it needs.
pub(super) fn notes(chart: &mut Chart, sentence: &str) {
    let mut line = String::new();
    for word in sentence.split(' ') {
        let longer = if line.is_empty() { word.to_string() } else { format!("{line} {word}") };
        if !line.is_empty() && width(&longer, FONT) > LIMIT {
            chart.note(&line);
            line = word.to_string();
        } else {
            line = longer;
        }
    }
    if !line.is_empty() {
        chart.note(&line);
    }
}
