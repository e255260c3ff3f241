//! The legend: shape, dash and text of every series.

use super::marks::{Anchor, Mark, bar, dot, error_bar, line, text};
use super::text::{FONT, width};
use super::{Shape, cut};

/// One entry: how a series is drawn and what it is.
#[derive(Debug, Clone)]
pub struct Key {
    swatch: Vec<Swatch>,
    classes: Vec<String>,
    label: String,
}

#[derive(Debug, Clone, Copy)]
enum Swatch {
    Dot(Shape),
    Line,
    Bar,
    Error,
}

const SWATCH: f64 = 26.0;
const GAP: f64 = 18.0;

impl Key {
    fn new(swatch: Vec<Swatch>, class: String, label: &str) -> Key {
        Key { swatch, classes: vec![class], label: label.to_string() }
    }

    /// A series of points.
    pub fn dots(series: usize, label: &str) -> Key {
        Key::new(vec![Swatch::Dot(Shape::of(series))], format!("s{}", series % 8), label)
    }

    /// Points in another shape than that of their series.
    pub fn shaped(shape: Shape, series: usize, label: &str) -> Key {
        Key::new(vec![Swatch::Dot(shape)], format!("s{}", series % 8), label)
    }

    /// A series of points joined by a line.
    pub fn joined(series: usize, label: &str) -> Key {
        Key::new(vec![Swatch::Line, Swatch::Dot(Shape::of(series))], format!("s{}", series % 8), label)
    }

    /// A line without points.
    pub fn line(series: usize, label: &str) -> Key {
        Key::new(vec![Swatch::Line], format!("s{}", series % 8), label)
    }

    /// A line of a role: `budget`, `reference`.
    pub fn role(class: &str, label: &str) -> Key {
        Key::new(vec![Swatch::Line], class.to_string(), label)
    }

    /// Bars or cells of a series.
    pub fn bars(series: usize, label: &str) -> Key {
        Key::new(vec![Swatch::Bar], format!("s{}", series % 8), label)
    }

    /// Error bars of a series.
    pub fn error(series: usize, label: &str) -> Key {
        Key::new(vec![Swatch::Error], format!("s{}", series % 8), label)
    }

    /// Adds a class: `open`, `faint`, a pattern.
    pub fn class(mut self, class: &str) -> Key {
        self.classes.push(class.to_string());
        self
    }

    fn text(&self) -> String {
        cut(&self.label, FONT, 260.0)
    }

    /// Its marks with the left end of its swatch at `(x, y)`, `y` the middle of the row.
    fn marks(&self, x: f64, y: f64) -> Vec<Mark> {
        let classed = |mark: Mark| self.classes.iter().fold(mark, |mark, class| mark.class(class));
        let mut marks: Vec<Mark> = self
            .swatch
            .iter()
            .map(|swatch| match swatch {
                Swatch::Dot(shape) => classed(dot(*shape, x + SWATCH / 2.0 - 2.0, y, 4.0)),
                Swatch::Line => classed(line(x, y, x + SWATCH - 4.0, y)),
                Swatch::Error => classed(error_bar(x + SWATCH / 2.0 - 2.0, y - 6.0, y + 6.0, 3.5)),
                Swatch::Bar => classed(bar(x + 4.0, y - 5.5, x + SWATCH - 6.0, y + 5.5)),
            })
            .collect();
        marks.push(text(x + SWATCH, y + 4.2, &self.text(), Anchor::Start));
        marks
    }
}

/// The marks of a legend, wrapped into rows from `top` on, and its height.
pub(super) fn rows(keys: &[Key], left: f64, right: f64, top: f64) -> (Vec<Mark>, f64) {
    const ROW: f64 = 20.0;
    let (mut x, mut y) = (left, top + ROW / 2.0);
    let mut marks = Vec::new();
    for key in keys {
        let wide = SWATCH + width(&key.text(), FONT);
        if x > left && x + wide > right {
            (x, y) = (left, y + ROW);
        }
        marks.extend(key.marks(x, y));
        x += wide + GAP;
    }
    (marks, if keys.is_empty() { 0.0 } else { y + ROW / 2.0 - top })
}
