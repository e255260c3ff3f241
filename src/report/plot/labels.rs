//! Direct labels beside points, such that none covers another label or a point.

use super::Anchor;
use super::text::{FONT, cut, width};

/// A wish for a label beside a point.
#[derive(Debug, Clone)]
pub struct Label {
    /// The point.
    pub x: f64,
    /// The point.
    pub y: f64,
    /// What to say; long texts are cut.
    pub text: String,
}

/// Where a label went.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Index of the wish.
    pub index: usize,
    /// Place of the text.
    pub x: f64,
    /// Its baseline.
    pub y: f64,
    /// Its end that `x` is.
    pub anchor: Anchor,
    /// The text as it fits.
    pub text: String,
    /// Whether it is so far from its point that a thin line should join them.
    pub far: bool,
}

/// A rectangle: left, top, right, bottom.
pub(super) type Box4 = (f64, f64, f64, f64);

const HEIGHT: f64 = FONT * 1.25;
/// Texts are cut to the first of these; where that finds no place, to the next.
const WIDTHS: [f64; 3] = [150.0, 100.0, 60.0];

fn overlap(a: Box4, b: Box4) -> bool {
    a.0 < b.2 && b.0 < a.2 && a.1 < b.3 && b.1 < a.3
}

/// Places labels in order of importance inside `(left, top, right, bottom)`, nearest free place first; a label that finds none is left
/// out (its point's tip still says it). `points` are what no label may cover.
pub fn place_labels(wishes: &[Label], points: &[(f64, f64)], area: (f64, f64, f64, f64)) -> Vec<Placed> {
    let mut taken: Vec<Box4> = points.iter().map(|(x, y)| (x - 5.0, y - 5.0, x + 5.0, y + 5.0)).collect();
    let mut placed = Vec::new();
    for (index, wish) in wishes.iter().enumerate() {
        let free = WIDTHS.into_iter().find_map(|limit| {
            let text = cut(&wish.text, FONT, limit);
            let free = |at: &Box4| {
                let inside = at.0 >= area.0 && at.2 <= area.2 && at.1 >= area.1 && at.3 <= area.3;
                inside && !taken.iter().any(|other| overlap(*at, *other))
            };
            let found = candidates(wish, width(&text, FONT)).find(|(_, _, _, at, _)| free(at));
            found.map(|(x, y, anchor, at, far)| (at, Placed { index, x, y, anchor, text, far }))
        });
        if let Some((at, label)) = free {
            taken.push(at);
            placed.push(label);
        }
    }
    placed
}

/// Points along a straight line, close enough that no label fits between them: for lines that labels must not cover.
pub fn along(from: (f64, f64), to: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let count = (dx.hypot(dy) / 8.0).clamp(1.0, 1e3).ceil() as u32;
    (0..=count).map(move |index| f64::from(index) / f64::from(count)).map(move |t| (from.0 + t * dx, from.1 + t * dy))
}

type Candidate = (f64, f64, Anchor, Box4, bool);

/// Places around a point on growing rings: right, left, above, below, then the corners.
fn candidates(wish: &Label, wide: f64) -> impl Iterator<Item = Candidate> {
    const WAYS: [(f64, f64); 8] =
        [(1.0, 0.0), (-1.0, 0.0), (0.0, -1.0), (0.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
    let (px, py) = (wish.x, wish.y);
    [8.0, 14.0, 22.0, 32.0, 46.0, 64.0, 90.0].into_iter().flat_map(move |distance| {
        WAYS.into_iter().map(move |(dx, dy)| {
            let (x, middle) = (px + dx * distance, py + dy * (distance + if dx == 0.0 { 4.0 } else { 0.0 }));
            let (anchor, left) = match dx {
                1.0 => (Anchor::Start, x),
                -1.0 => (Anchor::End, x - wide),
                _ => (Anchor::Middle, x - wide / 2.0),
            };
            let at = (left, middle - HEIGHT / 2.0, left + wide, middle + HEIGHT / 2.0);
            (x, middle + FONT * 0.35, anchor, at, distance > 14.0)
        })
    })
}

#[cfg(test)]
#[path = "labels_tests.rs"]
mod tests;
