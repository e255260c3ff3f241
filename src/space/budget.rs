//! Budgets as a user writes them, in a search space and on the command line: `bitops=50%`, `weight_bytes=300KiB`.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::candidate::Candidate;
use super::ranged::{LIMIT, WEIGHT_BITS};
use crate::error::ValueFault;
use crate::error::fault::{did_you_mean, either, quoted};
use crate::numeric::units::{Quantity, UNITS_HELP};

/// A cost that can be limited (method.md §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetName {
    /// `Σ MACs · weight bits · activation bits` for one input.
    Bitops,
    /// Stored weights and their scales, in bytes.
    WeightBytes,
    /// Everything that is stored of the model, in bytes: weights, scales, biases, norms.
    ModelBytes,
    /// Mean bits of a weight over all parameters.
    AvgWeightBits,
    /// Mean bits of a weight over all layers.
    LayerAvgWeightBits,
    /// Milliseconds of one input on a device, if the search space has a latency model or table.
    LatencyMs,
    /// Clock cycles of one input on a device, if the search space has a table of them.
    Cycles,
}

impl BudgetName {
    /// Every name.
    pub const ALL: [Self; 7] = [
        Self::Bitops,
        Self::WeightBytes,
        Self::ModelBytes,
        Self::AvgWeightBits,
        Self::LayerAvgWeightBits,
        Self::LatencyMs,
        Self::Cycles,
    ];

    /// Whether it needs a latency model or table.
    pub fn is_latency(self) -> bool {
        matches!(self, Self::LatencyMs | Self::Cycles)
    }

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bitops => "bitops",
            Self::WeightBytes => "weight_bytes",
            Self::ModelBytes => "model_bytes",
            Self::AvgWeightBits => "avg_weight_bits",
            Self::LayerAvgWeightBits => "layer_avg_weight_bits",
            Self::LatencyMs => "latency_ms",
            Self::Cycles => "cycles",
        }
    }
}

impl fmt::Display for BudgetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for BudgetName {
    type Err = ValueFault;

    fn from_str(text: &str) -> Result<Self, ValueFault> {
        let names = Self::ALL.map(Self::name);
        Self::ALL.into_iter().find(|budget| budget.name() == text).ok_or_else(|| {
            ValueFault::new(
                format!("the unknown budget {}", quoted(text)),
                either(names),
                did_you_mean(text, names, ""),
            )
        })
    }
}

/// What a limit may look like, for messages.
const EXPECTED: &str = "a number above 0 (`1.5G`, `300KiB`), a percentage (`50%`) or a candidate (`w4a4`)";

/// An upper limit of a cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// In the unit of the budget; above 0.
    Absolute(f64),
    /// Of the costliest uniform choice, in percent; above 0.
    Percent(f64),
    /// The cost of every layer at this candidate where it has it, pinned layers at their pin.
    Uniform(Candidate),
}

impl FromStr for Limit {
    type Err = ValueFault;

    fn from_str(text: &str) -> Result<Self, ValueFault> {
        if text == "fp32" || text.starts_with(['w', 'W']) {
            return text.parse().map(Self::Uniform);
        }
        let fault = || ValueFault::new(quoted(text), EXPECTED, UNITS_HELP);
        let limit = match text.strip_suffix('%') {
            Some(digits) => digits.parse().ok().map(Self::Percent),
            None => Quantity::parse(text).map(|quantity| Self::Absolute(quantity.value)),
        };
        match limit {
            Some(Self::Absolute(number) | Self::Percent(number)) if !LIMIT.contains(number) => Err(fault()),
            limit => limit.ok_or_else(fault),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(number) => write!(f, "{number}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Uniform(candidate) => write!(f, "{candidate}"),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One budget of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BudgetRequest {
    /// Which cost.
    pub name: BudgetName,
    /// How much of it.
    pub limit: Limit,
}

impl BudgetRequest {
    /// The budget of `name` with the limit that `text` states.
    ///
    /// # Errors
    /// When the text is no limit, or not one of this budget: bytes limit `…_bytes` only, and an average of bits
    /// is at most 32.
    pub fn new(name: BudgetName, text: &str) -> Result<Self, ValueFault> {
        let limit = text.parse()?;
        if Quantity::parse(text).is_some_and(|q| q.bytes)
            && !matches!(name, BudgetName::WeightBytes | BudgetName::ModelBytes)
        {
            return Err(ValueFault::new(quoted(text), format!("no bytes as limit of {name}"), "leave out the `B`"));
        }
        match limit {
            Limit::Absolute(bits)
                if matches!(name, BudgetName::AvgWeightBits | BudgetName::LayerAvgWeightBits)
                    && !WEIGHT_BITS.contains(bits) =>
            {
                Err(ValueFault::new(quoted(text), format!("{WEIGHT_BITS} bits"), ""))
            }
            _ => Ok(Self { name, limit }),
        }
    }
}

impl FromStr for BudgetRequest {
    type Err = ValueFault;

    fn from_str(text: &str) -> Result<Self, ValueFault> {
        let Some((name, limit)) = text.split_once('=') else {
            return Err(ValueFault::new(quoted(text), "NAME=LIMIT", "for example `bitops=50%`"));
        };
        Self::new(name.parse()?, limit)
    }
}

impl fmt::Display for BudgetRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.limit)
    }
}

#[cfg(test)]
#[path = "budget_tests.rs"]
mod tests;
