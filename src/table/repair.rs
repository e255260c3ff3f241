//! What to do with sensitivities that cannot be losses.
//!
//! An estimate of a loss may come out below zero, or lower for fewer bits, by noise alone; the optimum then goes after
//! the noise. [`Policy::Monotone`] is the upper running maximum over the partial order of precision:
//!
//! ```text
//! Ω'_c = max { max(Ω_d, 0) : d = c, or d more precise than c }
//! ```
//!
//! `d` is more precise than `c` of the same layer if it has at least as many weight bits and activation bits, and not
//! both the same. Bits that no candidate of the layer states do not count. Where only some state them, or none any, `d`
//! is more precise if it costs at least as much in every cost, and not the same in all.

use std::fmt;
use std::str::FromStr;

use crate::error::fault::{did_you_mean, either, quoted};
use crate::error::{Error, Result, ValueFault};
use crate::table::{Candidate, Layer, PlanningTable};

/// What to do with sensitivities that cannot be losses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Policy {
    /// Refuse a negative one.
    #[default]
    Strict,
    /// Take all as they are: an objective may be a gain.
    Keep,
    /// Take a negative one as 0.
    Clamp,
    /// As `Clamp`, and a candidate loses at least what any more precise one loses.
    Monotone,
}

impl Policy {
    /// Every policy.
    pub const ALL: [Self; 4] = [Self::Strict, Self::Keep, Self::Clamp, Self::Monotone];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Keep => "keep",
            Self::Clamp => "clamp",
            Self::Monotone => "monotone",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Policy {
    type Err = ValueFault;

    fn from_str(text: &str) -> Result<Self, ValueFault> {
        let names = Self::ALL.map(Self::name);
        let fault = || ValueFault::new(quoted(text), either(names), did_you_mean(text, names, ""));
        Self::ALL.into_iter().find(|policy| policy.name() == text).ok_or_else(fault)
    }
}

/// One sensitivity that was changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Name of the layer.
    pub layer: String,
    /// Id of its candidate.
    pub candidate: String,
    /// The sensitivity that the table states.
    pub from: f64,
    /// What stands there now.
    pub to: f64,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (layer, candidate) = (quoted(&self.layer), quoted(&self.candidate));
        write!(f, "layer {layer}, candidate {candidate}: sensitivity {:e} instead of {:e}", self.to, self.from)
    }
}

/// The table under a policy, and every sensitivity that changed, in the order of the table. Cost: linear, for
/// [`Policy::Monotone`] quadratic in the candidates of a layer.
///
/// # Errors
/// [`Error::Input`], under [`Policy::Strict`] with the first negative sensitivity and how many there are, under
/// [`Policy::Monotone`] with the first layer that has no order.
pub fn repair(mut table: PlanningTable, policy: Policy) -> Result<(PlanningTable, Vec<Change>)> {
    match policy {
        Policy::Strict => refuse_negative(&table)?,
        Policy::Keep => {}
        Policy::Clamp | Policy::Monotone => {
            let mut changes = Vec::new();
            for layer in &mut table.layers {
                let mut repaired: Vec<f64> = layer.candidates.iter().map(|c| c.sensitivity).collect();
                repaired.iter_mut().filter(|s| **s < 0.0).for_each(|s| *s = 0.0);
                if policy == Policy::Monotone {
                    repaired = monotone(layer, &repaired)?;
                }
                for (candidate, to) in layer.candidates.iter_mut().zip(repaired) {
                    let from = std::mem::replace(&mut candidate.sensitivity, to);
                    if from != to {
                        changes.push(Change { layer: layer.name.clone(), candidate: candidate.id.clone(), from, to });
                    }
                }
            }
            return Ok((table, changes));
        }
    }
    Ok((table, Vec::new()))
}

fn refuse_negative(table: &PlanningTable) -> Result<()> {
    let all = table.layers.iter().flat_map(|layer| layer.candidates.iter().map(move |c| (layer, c)));
    let negative = all.filter(|(_, c)| c.sensitivity < 0.0);
    let Some((layer, candidate)) = negative.clone().next() else { return Ok(()) };
    let place = format!("layer {}, candidate {}, sensitivity", quoted(&layer.name), quoted(&candidate.id));
    let found = match negative.count() {
        1 => format!("{}, the only negative one", candidate.sensitivity),
        n => format!("{}, the first of {n} negative ones", candidate.sensitivity),
    };
    let remedy = "measure again, or pass `--sensitivities clamp` (take them as 0), `monotone` (also never less than \
                  with more bits) or `keep` (as they are)";
    Err(Error::input(place, found, "0 or more, as a loss", remedy))
}

/// The running maximum of `losses` over the more precise candidates.
fn monotone(layer: &Layer, losses: &[f64]) -> Result<Vec<f64>> {
    let candidates = &layer.candidates;
    let stated = |bits: fn(&Candidate) -> Option<u32>| candidates.iter().filter(|c| bits(c).is_some()).count();
    let fields = [stated(|c| c.weight_bits), stated(|c| c.activation_bits)];
    let by_bits = fields.iter().all(|&n| n == 0 || n == candidates.len()) && fields != [0, 0];
    if !by_bits && candidates.len() > 1 && candidates[0].cost.is_empty() {
        let place = format!("layer {}", quoted(&layer.name));
        let found = "neither the bits of every candidate nor costs";
        let remedy = "add weight_bits to the table, or pass `--sensitivities clamp`";
        return Err(Error::input(place, found, "an order of precision", remedy));
    }
    let more_precise = |d: &Candidate, c: &Candidate| match by_bits {
        true => {
            let bits = |c: &Candidate| (c.weight_bits, c.activation_bits);
            d.weight_bits >= c.weight_bits && d.activation_bits >= c.activation_bits && bits(d) != bits(c)
        }
        false => d.cost.iter().zip(&c.cost).all(|(d, c)| d >= c) && d.cost != c.cost,
    };
    let running_maximum = |(c, &loss): (&Candidate, &f64)| {
        let above = candidates.iter().zip(losses).filter(|(d, _)| more_precise(d, c));
        above.fold(loss, |most, (_, &other)| most.max(other))
    };
    Ok(candidates.iter().zip(losses).map(running_maximum).collect())
}

#[cfg(test)]
#[path = "repair_tests.rs"]
mod tests;
