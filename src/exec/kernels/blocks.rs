//! Rows of floats in blocks of [`LANES`], for sums whose order depends on the length of the row only.

/// Running sums side by side: the widest vector unit's, and the same on every machine.
pub const LANES: usize = 16;

/// The whole blocks of a row, and the last one filled up with `filler`; the number of elements that are in it.
#[inline(always)]
pub fn blocks(row: &[f32], filler: f32) -> (&[[f32; LANES]], [f32; LANES], usize) {
    let (whole, rest) = row.as_chunks();
    let mut last = [filler; LANES];
    last.iter_mut().zip(rest).for_each(|(last, &value)| *last = value);
    (whole, last, rest.len())
}

/// A sum of lanes in double precision, by halves.
#[inline(always)]
pub fn total(lanes: &[f32; LANES]) -> f64 {
    let mut wide: [f64; LANES] = std::array::from_fn(|lane| f64::from(lanes[lane]));
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            wide[lane] += wide[lane + half];
        }
    }
    wide[0]
}
