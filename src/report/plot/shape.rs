//! Marker shapes: series differ by them as well as by colour.

use super::round;

/// A marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A disc.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle, tip up.
    Triangle,
    /// A square on its tip.
    Diamond,
    /// `×`, always a stroke.
    Cross,
    /// `+`, always a stroke.
    Plus,
    /// A triangle, tip down.
    Down,
    /// A six-pointed asterisk, always a stroke.
    Star,
}

impl Shape {
    /// The shape of a series; the ninth looks like the first.
    pub fn of(series: usize) -> Shape {
        const ALL: [Shape; 8] = [
            Shape::Circle,
            Shape::Square,
            Shape::Triangle,
            Shape::Diamond,
            Shape::Cross,
            Shape::Plus,
            Shape::Down,
            Shape::Star,
        ];
        ALL.get(series % ALL.len()).copied().unwrap_or(Shape::Circle)
    }

    /// Whether it has no inside to fill.
    pub fn stroke_only(self) -> bool {
        matches!(self, Shape::Cross | Shape::Plus | Shape::Star)
    }

    /// The path around `(x, y)`; a circle has none, since `circle` is shorter. Areas are about those of the circle of radius `r`.
    pub(super) fn path(self, x: f64, y: f64, r: f64) -> Option<String> {
        let polygon = |corners: &[(f64, f64)]| {
            let corners: Vec<String> =
                corners.iter().map(|(dx, dy)| format!("{} {}", round(x + dx * r), round(y + dy * r))).collect();
            format!("M{}Z", corners.join("L"))
        };
        let strokes = |ends: &[(f64, f64)]| {
            let lines: Vec<String> = ends
                .iter()
                .map(|(dx, dy)| {
                    let (dx, dy) = (dx * r, dy * r);
                    format!("M{} {}L{} {}", round(x - dx), round(y - dy), round(x + dx), round(y + dy))
                })
                .collect();
            lines.concat()
        };
        match self {
            Shape::Circle => None,
            Shape::Square => Some(polygon(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)])),
            Shape::Triangle => Some(polygon(&[(0.0, -1.2), (1.15, 0.9), (-1.15, 0.9)])),
            Shape::Diamond => Some(polygon(&[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)])),
            Shape::Cross => Some(strokes(&[(0.9, 0.9), (0.9, -0.9)])),
            Shape::Plus => Some(strokes(&[(1.2, 0.0), (0.0, 1.2)])),
            Shape::Down => Some(polygon(&[(0.0, 1.2), (1.15, -0.9), (-1.15, -0.9)])),
            Shape::Star => Some(strokes(&[(1.15, 0.0), (0.58, 1.0), (-0.58, 1.0)])),
        }
    }
}

#[cfg(test)]
#[path = "shape_tests.rs"]
mod tests;
