//! Where the latency of every layer and candidate comes from.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_saphyr::Spanned;

use super::check::{Checker, Located};
use super::raw::Text;
use crate::error::{Result, ValueFault};

/// A latency model, or a table of measurements. Paths are as written; relative ones start at the search space.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LatencySpec {
    /// A roofline model of this hardware.
    Hardware(PathBuf),
    /// Measurements.
    Table {
        /// The file.
        file: PathBuf,
        /// How it is laid out. Required.
        form: TableForm,
        /// What its numbers are. Required unless the file says it.
        unit: Option<TimeUnit>,
        /// Layers that the table leaves out; they count as 0. Default: none.
        unmeasured: Vec<Located<String>>,
    },
}

/// Layouts of measured tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableForm {
    /// An array `[layer][weight bits − 1][activation bits − 1]`, as `.npy` or in JSON.
    Haq,
    /// Lists over the layers, `latency_int4` and so on, in JSON.
    Hawq,
    /// One row for each layer and candidate.
    Csv,
}

/// Units of a table; times become milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeUnit {
    /// Clock cycles, kept as they are.
    Cycles,
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLatency {
    hardware: Option<Text>,
    table: Option<Text>,
    form: Option<TableForm>,
    unit: Option<Spanned<TimeUnit>>,
    unmeasured: Option<Vec<Text>>,
}

impl LatencySpec {
    pub(super) fn check(raw: &Spanned<RawLatency>, c: Checker<'_>) -> Result<Self> {
        let RawLatency { hardware, table, form, unit, unmeasured } = &raw.value;
        let fault =
            |found: &str, expected: &str, remedy: &str| Err(c.fault(raw, ValueFault::new(found, expected, remedy)));
        match (hardware, table, form) {
            (Some(file), None, None) if unit.is_none() && unmeasured.is_none() => Ok(Self::Hardware(c.path(file)?)),
            (None, Some(file), Some(form)) => {
                let located = |layer: &Text| c.located(layer, layer.value.clone());
                Ok(Self::Table {
                    file: c.path(file)?,
                    form: *form,
                    unit: unit.as_ref().map(|unit| unit.value),
                    unmeasured: unmeasured.iter().flatten().map(located).collect(),
                })
            }
            (None, Some(_), None) => fault("a table without `form`", "`form`: haq, hawq or csv", "add it"),
            (Some(_), None, _) => fault("keys of a table beside `hardware`", "`hardware` alone", "remove them"),
            _ => fault("neither a model nor a table, or both", "`hardware`, or `table` and `form`", "name one file"),
        }
    }
}

impl TimeUnit {
    /// Every unit.
    pub const ALL: [Self; 4] = [Self::Cycles, Self::S, Self::Ms, Self::Us];

    /// The key or column of a file whose numbers have this unit.
    pub fn key(self) -> &'static str {
        match self {
            Self::Cycles => "cycles",
            Self::S => "latency_s",
            Self::Ms => "latency_ms",
            Self::Us => "latency_us",
        }
    }

    /// `number` of this unit in milliseconds; cycles stay cycles.
    pub fn milliseconds(self, number: f64) -> f64 {
        match self {
            Self::S => number * 1e3,
            Self::Us => number / 1e3,
            Self::Ms | Self::Cycles => number,
        }
    }
}
