//! A thin chart toolkit on the crate `svg`: scales with readable ticks, a frame with axes and a legend, marks, label placement.
//!
//! Charts name no colours: marks carry classes (`s0` … `s7` and roles such as `grid`), which `html/charts.css` gives colours for light,
//! dark and paper. Series differ by marker shape and dash too. Coordinates have two digits, so that the same numbers give the same bytes.

mod band;
mod categories;
mod frame;
mod labels;
mod legend;
mod marks;
#[cfg(test)]
pub(crate) mod oracle;
mod scale;
mod shape;
mod text;
mod ticks;

pub use band::Band;
pub use frame::{Area, Chart};
pub use labels::{Label, along, place_labels};
pub use legend::Key;
pub use marks::{Anchor, Mark, bar, dot, error_bar, line, polyline, steps, text, together};
pub use scale::Scale;
pub use shape::Shape;
pub use text::{FONT, cut, named, one_line, width};

/// A coordinate with two digits; `-0` is `0`.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0 + 0.0
}
