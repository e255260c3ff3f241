//! Hardware as a latency model sees it: a YAML file, `bitplan.hardware/1`, read as strictly as a search space.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use super::candidate::Candidate;
use super::check::Checker;
use super::ranged::{EFFICIENCY, OVERHEAD, RATE, Real};
use super::raw::{Pairs, Text};
use super::yaml;
use crate::error::fault::quoted;
use crate::error::{Result, ValueFault};
use crate::numeric::Quantity;

const FORMAT: &str = "bitplan.hardware/1";

/// What a device can do. Numbers may have suffixes: `2T`, `8G`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hardware {
    /// For people. Required.
    pub name: String,
    /// Multiply-accumulates per second (not operations: one MAC is two) at each pair of widths that the device has,
    /// narrowest first. Required; each a number above 0 to 1000000000000000000000.
    pub macs_per_second: Vec<(Candidate, f64)>,
    /// Bytes per second between the device and the memory that holds weights and activations. Required; a number above 0 to
    /// 1000000000000000000000.
    pub memory_bytes_per_second: f64,
    /// Seconds of every layer beside its work. Default 0; a number from 0 to 1.
    pub overhead_seconds: f64,
    /// Share of the peak that each kind of layer reaches.
    pub efficiency: Efficiency,
}

/// Shares of the peak rate of MACs. Each default 1; a number above 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Efficiency {
    /// Of convolutions that are not depthwise.
    pub convolution: f64,
    /// Of depthwise convolutions.
    pub depthwise: f64,
    /// Of dense layers.
    pub linear: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHardware {
    format: Text,
    name: Text,
    macs_per_second: Spanned<Pairs>,
    memory_bytes_per_second: Text,
    overhead_seconds: Option<Text>,
    efficiency: Option<RawEfficiency>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEfficiency {
    convolution: Option<Text>,
    depthwise: Option<Text>,
    linear: Option<Text>,
}

impl Hardware {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// When it cannot be read; else as [`Hardware::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&yaml::read(path, "is it a description of hardware?")?, path)
    }

    /// Checks `text`, the content of the file `path`.
    ///
    /// # Errors
    /// [`crate::error::Error::Input`] with line and column: an unknown key, one missing, or a value out of its range.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let c = Checker { file: path };
        let raw: RawHardware = yaml::parse(text, path)?;
        if raw.format.value != FORMAT {
            let remedy = "the format and its version are not those of this program";
            return Err(c.fault(&raw.format, ValueFault::new(quoted(&raw.format.value), quoted(FORMAT), remedy)));
        }
        let pair = |(candidate, rate): &(Text, Text)| Ok((c.parsed(candidate)?, quantity(rate, RATE, c)?));
        let rates = &raw.macs_per_second;
        let mut macs_per_second: Vec<(Candidate, f64)> = rates.value.0.iter().map(pair).collect::<Result<_>>()?;
        if macs_per_second.is_empty() {
            return Err(c.fault(rates, ValueFault::new("no rate", "at least one", "for example `w8a8: 2T`")));
        }
        macs_per_second.sort_by_key(|&(candidate, _)| candidate);
        let RawEfficiency { convolution, depthwise, linear } = raw.efficiency.unwrap_or_default();
        let share = |raw: &Option<Text>| c.real_or(raw, 1.0, EFFICIENCY);
        Ok(Self {
            name: raw.name.value.clone(),
            macs_per_second,
            memory_bytes_per_second: quantity(&raw.memory_bytes_per_second, RATE, c)?,
            overhead_seconds: c.real_or(&raw.overhead_seconds, 0.0, OVERHEAD)?,
            efficiency: Efficiency {
                convolution: share(&convolution)?,
                depthwise: share(&depthwise)?,
                linear: share(&linear)?,
            },
        })
    }
}

/// A number that may have a suffix.
fn quantity(raw: &Text, range: Real, c: Checker<'_>) -> Result<f64> {
    let number = Quantity::parse(&raw.value).map(|quantity| quantity.value).filter(|&number| range.contains(number));
    number.ok_or_else(|| {
        let remedy = "K, M, G and T are powers of 1000: `2T`";
        c.fault(raw, ValueFault::new(quoted(&raw.value), range.to_string(), remedy))
    })
}

#[cfg(test)]
#[path = "hardware_tests.rs"]
mod tests;
