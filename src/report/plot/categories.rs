//! Names of categories below an axis: level where they fit, turned where they do not, thinned where even that is too dense.

use super::Band;
use super::marks::{Anchor, Mark, text};
use super::text::{FONT, cut, width};

/// Height of a line of labels.
const LINE: f64 = FONT * 1.2;

/// Sine and cosine of 45°.
const SLANT: f64 = std::f64::consts::FRAC_1_SQRT_2;

/// The labels from `top` on and their height, which is at most `limit`. Names are cut to fit; of categories narrower than a line of text
/// every second, fifth, tenth … is named.
pub(super) fn labels(names: &[String], band: &Band, top: f64, limit: f64) -> (Vec<Mark>, f64) {
    let names = || names.iter().enumerate().take(band.count());
    let each = band.width().abs();
    let widest = names().map(|(_, name)| width(&super::one_line(name), FONT)).fold(0.0, f64::max);
    if widest <= each - 6.0 || names().len() <= 1 {
        let label = |(index, name): (usize, &String)| {
            let name = cut(name, FONT, each - 6.0);
            text(band.center(index), top + FONT, &name, Anchor::Middle).class("tick").layer(index)
        };
        return (names().map(label).collect(), LINE);
    }
    let every = thinning(each);
    // A name reaches up to its band from the lower left; it must not leave the drawing there.
    let mut height = 0.0f64;
    let mut marks = Vec::new();
    for (index, name) in names().step_by(every) {
        let x = band.center(index) + FONT * 0.3;
        let room = ((limit - LINE) / SLANT).min((x - FONT) / SLANT);
        let name = cut(name, FONT, room);
        height = height.max(width(&name, FONT) * SLANT + LINE * SLANT);
        let y = top + FONT * 0.5;
        marks.push(text(x, y, &name, Anchor::End).class("tick").turned(-45.0, x, y).layer(index));
    }
    (marks, height + 4.0)
}

/// Every how many-th band gets a label turned by 45°: 1, 2, 5, 10, 20, 50, …
fn thinning(each: f64) -> usize {
    let needed = LINE / SLANT / each.max(1e-6);
    (0..6)
        .flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)))
        .find(|&k| k as f64 >= needed)
        .unwrap_or(usize::MAX)
}
