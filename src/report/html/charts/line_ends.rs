//! Names beside the ends of lines, moved apart where the ends are close.

use crate::report::plot::{Anchor, Chart, line, text};

/// Height of a line of text.
const GAP: f64 = 14.0;

/// The end of a line and what to write beside it.
pub(super) struct End {
    /// The end.
    pub x: f64,
    /// The end.
    pub y: f64,
    /// Layer of the line, if it is of one.
    pub layer: Option<usize>,
    /// Its name, as long as there is room for it.
    pub name: String,
}

/// Writes the names right of the ends, between `top` and `bottom`, each joined to its end.
pub(super) fn name_ends(chart: &mut Chart, mut ends: Vec<End>, (top, bottom): (f64, f64)) {
    ends.sort_by(|a, b| a.y.total_cmp(&b.y));
    let wishes: Vec<f64> = ends.iter().map(|end| end.y).collect();
    let x = ends.iter().map(|end| end.x).fold(f64::NEG_INFINITY, f64::max) + 16.0;
    for (end, y) in ends.iter().zip(apart(&wishes, GAP, (top, bottom))) {
        chart.draw(line(end.x + 5.0, end.y, x - 3.0, y).class("leader"));
        let name = text(x, y + 4.2, &end.name, Anchor::Start).class("direct");
        chart.draw(match end.layer {
            Some(layer) => name.layer(layer),
            None => name,
        });
    }
}

/// Places as near as possible, in the sum of squares, to ascending wishes, at least `gap` apart and inside the limits;
/// closer where there is not room for all. Pool adjacent violators: `place − index · gap` must not fall.
fn apart(wishes: &[f64], gap: f64, (low, high): (f64, f64)) -> Vec<f64> {
    let last = wishes.len().saturating_sub(1) as f64;
    let gap = if last * gap > high - low { ((high - low) / last).max(0.0) } else { gap };
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (index, wish) in wishes.iter().enumerate() {
        let mut pool = (wish - index as f64 * gap, 1);
        while let Some(&before) = pools.last().filter(|before| before.0 > pool.0) {
            pools.pop();
            let count = before.1 + pool.1;
            pool = ((before.0 * before.1 as f64 + pool.0 * pool.1 as f64) / count as f64, count);
        }
        pools.push(pool);
    }
    let limits = (low, (high - last * gap).max(low));
    let flat = pools.into_iter().flat_map(|(place, count)| std::iter::repeat_n(place.clamp(limits.0, limits.1), count));
    flat.enumerate().map(|(index, place)| place + index as f64 * gap).collect()
}

#[cfg(test)]
#[path = "line_ends_tests.rs"]
mod tests;
