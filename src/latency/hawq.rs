//! The lists of HAWQ-V3's notebook (Yao et al., arXiv 2011.10680) as JSON: one list over the layers for each width, which
//! weights and activations share.
//!
//! ```json
//! { "source": "…", "layers": ["conv1", "fc"], "latency_int4": [0.21, 0.14], "latency_int8": [0.36, 0.25] }
//! ```
//!
//! `source` and `layers` may be left out; the notebook's numbers are milliseconds, which `unit` in the search space says.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::latency::measured::{Measured, Names, Times, unit_of};
use crate::space::TimeUnit;
use crate::table::raw;

/// The values that a document may have.
#[derive(Debug, Deserialize)]
struct Document(#[serde(deserialize_with = "raw::unique_keys")] BTreeMap<String, serde_json::Value>);

/// Reads the lists; `place` names the source in messages.
///
/// # Errors
/// [`Error::Input`] when it is not of this form, or the lists differ in length.
pub fn parse(text: &str, place: &str, said: Option<TimeUnit>) -> Result<Measured> {
    let Document(entries) = raw::parse_json(text, place, "a table of the form hawq")?;
    let fault = |key: &str, found: String, expected: &str, remedy: &str| {
        Err(Error::input(format!("{place}: {}", quoted(key)), found, expected, remedy))
    };
    let (mut names, mut rows): (Option<Vec<String>>, Vec<Times>) = (None, Vec::new());
    let mut length = None;
    for (key, value) in entries {
        let bits = key.strip_prefix("latency_int").and_then(|digits| digits.parse::<u32>().ok());
        let found = || format!("{:.60}", value.to_string());
        let count = match (key.as_str(), bits) {
            ("source", _) => continue,
            ("layers", _) => {
                let Ok(given) = serde_json::from_value::<Vec<String>>(value.clone()) else {
                    return fault(&key, found(), "a list of names", "write the names of the layers");
                };
                names.insert(given).len()
            }
            (_, Some(bits @ 1..=64)) => {
                let Ok(numbers) = serde_json::from_value::<Vec<f64>>(value.clone()) else {
                    return fault(&key, found(), "a list of numbers", "write one number for each layer");
                };
                rows.resize_with(rows.len().max(numbers.len()), BTreeMap::new);
                let count = numbers.len();
                for (row, number) in rows.iter_mut().zip(numbers) {
                    row.insert((bits, bits), number);
                }
                count
            }
            _ => return fault(&key, "an unknown key".into(), "layers, source or latency_int and bits", "remove it"),
        };
        let first = *length.get_or_insert(count);
        if count != first {
            return fault(
                &key,
                format!("{count} entries"),
                &format!("{first}, as in the other lists"),
                "mend the list",
            );
        }
    }
    if rows.is_empty() {
        let remedy = "write one list for each width, for example `latency_int8`";
        return Err(Error::input(place, "no measurements", "lists over the layers", remedy));
    }
    let unit = unit_of(place, None, said)?;
    Ok(Measured { place: place.into(), names: names.map_or(Names::Order, Names::Given), unit, rows })
}

#[cfg(test)]
#[path = "hawq_tests.rs"]
mod tests;
