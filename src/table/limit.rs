//! Budgets of a table as a user writes them: `NAME=VALUE`, split at the last `=`.
//!
//! | value | limit |
//! |-|-|
//! | `30`, `1.5G`, `300KiB` | this much, in the unit of the cost; 0 or more |
//! | `40%` | this share of the costliest uniform choice; above 0 |
//! | `w4a4` | what the uniform choice of this candidate costs |
//!
//! Uniform choices are those of [`crate::table::uniform`]. Without any, a percentage is of the sum of each layer's
//! costliest candidate, pinned layers at their pin. What reads as a number is one, even if a candidate has that id.

use crate::error::fault::{closest, did_you_mean, quoted};
use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::numeric::units::{Quantity, UNITS_HELP};
use crate::table::average::DERIVED;
use crate::table::uniform::{uniform_choice, uniform_choices};
use crate::table::{Budget, PlanningTable};

/// Ends of names that state a unit other than bytes: a limit in bytes would be misread.
const OTHER_UNITS: [&str; 10] = ["kb", "mb", "gb", "tb", "kib", "mib", "gib", "bits", "ms", "us"];

/// What a value may be, for messages.
const EXPECTED: &str =
    "a number of 0 or more (`1.5G`, `300KiB`), a percentage above 0 (`50%`) or a candidate of every layer";

/// Most uniform choices that a message lists.
const LISTED: usize = 8;

/// The budget that `text` states, in the unit of its cost. A cost that the table can only derive
/// ([`crate::table::average`]) is resolved too; [`PlanningTable::with_cost`] adds it before planning.
///
/// Cost: linear in the candidates for a number, times the uniform choices for a percentage.
///
/// # Errors
/// [`Error::Usage`] with what was found, what was expected and a hint.
pub fn resolve(table: &PlanningTable, text: &str) -> Result<Budget> {
    let Some((name, value)) = text.rsplit_once('=') else {
        return fault(text, "no `=`", "NAME=VALUE", "for example `weights_mb=40%`");
    };
    let cost = table.cost(name)?;
    let limit = match value.strip_suffix('%').map(str::parse::<f64>) {
        Some(Ok(percent)) => share(table, &cost, percent, text)?,
        _ => match Quantity::parse(value) {
            Some(quantity) => absolute(name, quantity, text)?,
            None => of_candidate(table, &cost, value, text)?,
        },
    };
    Ok(Budget::new(name, limit))
}

fn fault<T>(text: &str, found: impl AsRef<str>, expected: impl AsRef<str>, hint: impl AsRef<str>) -> Result<T> {
    let (found, expected, hint) = (found.as_ref(), expected.as_ref(), hint.as_ref());
    Err(Error::Usage(format!("budget {}: found {found}, expected {expected}\n  hint: {hint}", quoted(text))))
}

fn absolute(name: &str, quantity: Quantity, text: &str) -> Result<f64> {
    let unit = name.rsplit(['_', '.', ' ', '-']).next().unwrap_or(name).to_lowercase();
    if quantity.bytes && OTHER_UNITS.contains(&unit.as_str()) {
        let found = format!("bytes for a cost in {unit}");
        return fault(text, found, "a number in the unit of the cost", "leave out the unit, and convert the number");
    }
    match quantity.value < 0.0 {
        true => fault(text, "a negative limit", "a number of 0 or more", "costs are never negative"),
        false => Ok(quantity.value + 0.0), // −0 becomes 0
    }
}

fn share(table: &PlanningTable, cost: &[Vec<f64>], percent: f64, text: &str) -> Result<f64> {
    let most = uniform_choices(table).map(|(_, choice)| total(cost, &choice)).reduce(f64::max);
    let whole = most.unwrap_or_else(|| {
        let largest = |(l, costs): (usize, &Vec<f64>)| match table.pins().get(&l) {
            Some(&c) => costs[c],
            None => costs.iter().copied().fold(0.0, f64::max),
        };
        sum(cost.iter().enumerate().map(largest))
    });
    // In this order, a whole percentage of a whole number of hundreds is exact.
    let limit = percent * whole / 100.0;
    if percent > 0.0 && limit.is_finite() {
        return Ok(limit);
    }
    fault(text, format!("{percent} %"), "a finite percentage above 0", "an absolute limit may be 0")
}

fn of_candidate(table: &PlanningTable, cost: &[Vec<f64>], id: &str, text: &str) -> Result<f64> {
    let lacking = match uniform_choice(table, id) {
        Ok(choice) => return Ok(total(cost, &choice)),
        Err(l) => &table.layers()[l].name,
    };
    let ids: Vec<String> = uniform_choices(table).map(|(id, _)| id).take(LISTED).collect();
    let known = match ids.is_empty() {
        true => "no candidate is one that every layer can take".to_string(),
        false => format!("such candidates: {}", ids.join(", ")),
    };
    if table.layers().iter().any(|l| l.candidate(id).is_some()) {
        return fault(text, format!("{}, which layer {} lacks", quoted(id), quoted(lacking)), EXPECTED, known);
    }
    let hint = match closest(id, ids.iter().map(String::as_str)) {
        Some(_) => did_you_mean(id, ids.iter().map(String::as_str), ""),
        None if id.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => UNITS_HELP.to_string(),
        None => known,
    };
    fault(text, quoted(id), EXPECTED, hint)
}

fn total(cost: &[Vec<f64>], choice: &[usize]) -> f64 {
    sum(cost.iter().zip(choice).map(|(costs, &c)| costs[c]))
}

impl PlanningTable {
    /// The fault of a budget whose cost cannot be had.
    pub(super) fn unknown_cost(&self, name: &str, found: &str, expected: &str) -> Error {
        let known = self.cost_names().iter().map(String::as_str).chain(DERIVED);
        let hint = did_you_mean(name, known, &format!("or derive {}", DERIVED.join(" or ")));
        Error::Usage(format!("budget {}: found {found}, expected {expected}\n  hint: {hint}", quoted(name)))
    }
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;
