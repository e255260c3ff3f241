//! The table of HAQ (Wang et al., arXiv 1811.08886): `[layer][weight bits − 1][activation bits − 1]`, layers in the order of
//! the network.
//!
//! The authors' file is a NumPy array of int64, cycles of one batch; any number type is read. The JSON form is
//!
//! ```json
//! { "source": "…", "layers": ["conv1", "fc"], "cycles": [[[200720, 401472], [200752, 401600]], [[20, 40], [21, 42]]] }
//! ```
//!
//! with `latency_ms`, `latency_us` or `latency_s` instead of `cycles`; `source` and `layers` may be left out.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::data::input::Input;
use crate::data::npy;
use crate::error::{Error, Result};
use crate::latency::measured::{Measured, Names, unit_of};
use crate::space::TimeUnit;
use crate::table::raw;

/// Most bits of either kind that a table has a row for.
const MAX_BITS: usize = 64;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default, rename = "source")]
    _source: String,
    layers: Option<Vec<String>>,
    cycles: Option<Cube>,
    latency_s: Option<Cube>,
    latency_ms: Option<Cube>,
    latency_us: Option<Cube>,
}

type Cube = Vec<Vec<Vec<f64>>>;

/// Reads the JSON form; `place` names the source in messages.
///
/// # Errors
/// [`Error::Input`] when it is not of this form, or has the numbers of no unit or of two.
pub fn parse_json(text: &str, place: &str, said: Option<TimeUnit>) -> Result<Measured> {
    let document: Document = raw::parse_json(text, place, "a table of the form haq")?;
    let Document { layers, cycles, latency_s, latency_ms, latency_us, .. } = document;
    let units = TimeUnit::ALL.into_iter().zip([cycles, latency_s, latency_ms, latency_us]);
    let mut cubes = units.filter_map(|(unit, cube)| Some((unit, cube?)));
    let (Some((unit, cube)), None) = (cubes.next(), cubes.next()) else {
        let expected = "exactly one of cycles, latency_ms, latency_us and latency_s";
        return Err(Error::input(place, "numbers of none or of several units", expected, "keep one"));
    };
    let unit = unit_of(place, Some(unit), said)?;
    if let Some(names) = layers.as_ref().filter(|names| names.len() != cube.len()) {
        let found = format!("{} names for {} layers", names.len(), cube.len());
        return Err(Error::input(place, found, "one name for each", "mend `layers`"));
    }
    let wide = |extent: usize| extent > MAX_BITS;
    if cube.iter().any(|layer| wide(layer.len()) || layer.iter().any(|row| wide(row.len()))) {
        return Err(wrong_bits(place, "more"));
    }
    let row = |layer: Vec<Vec<f64>>| {
        let of_weight =
            |(w, row): (usize, Vec<f64>)| row.into_iter().enumerate().map(move |(a, number)| ((w, a), number));
        layer.into_iter().enumerate().flat_map(of_weight).map(|(at, number)| (bits(at), number)).collect()
    };
    let names = layers.map_or(Names::Order, Names::Given);
    Ok(Measured { place: place.into(), names, unit, rows: cube.into_iter().map(row).collect() })
}

/// Reads the authors' own form.
///
/// # Errors
/// When the file cannot be read, or is not an array of numbers with three axes.
pub fn read_npy(path: &Path, said: Option<TimeUnit>) -> Result<Measured> {
    parse_npy(Input::open(path)?, said)
}

/// Reads a NumPy array.
///
/// # Errors
/// As [`read_npy`].
pub fn parse_npy(input: Input, said: Option<TimeUnit>) -> Result<Measured> {
    let place = input.place().to_string();
    let (shape, numbers) = npy::read_array(input)?;
    let &[layers, weights, activations] = shape.as_slice() else {
        let expected = "[layers, weight bits, activation bits]";
        return Err(Error::input(place, format!("the shape {shape:?}"), expected, "reshape the array"));
    };
    if weights > MAX_BITS || activations > MAX_BITS || weights * activations == 0 {
        return Err(wrong_bits(&place, &format!("{weights} and {activations}")));
    }
    let row = |layer: &[f64]| -> BTreeMap<_, _> {
        layer.iter().enumerate().map(|(i, &number)| (bits((i / activations, i % activations)), number)).collect()
    };
    let rows: Vec<_> = numbers.chunks(weights * activations).map(row).collect();
    debug_assert_eq!(rows.len(), layers);
    Ok(Measured { unit: unit_of(&place, None, said)?, place, names: Names::Order, rows })
}

fn wrong_bits(place: &str, found: &str) -> Error {
    let expected = format!("1 to {MAX_BITS} bits of weights and of activations");
    Error::input(place, format!("{found} bits"), expected, "the axes are layers, weight bits, activation bits")
}

/// Bits at a place of the table.
fn bits((w, a): (usize, usize)) -> (u32, u32) {
    (w as u32 + 1, a as u32 + 1)
}

#[cfg(test)]
#[path = "haq_tests.rs"]
mod tests;
