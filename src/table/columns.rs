//! The header of the CSV form of a planning table.

use std::sync::Arc;

use crate::error::fault::{did_you_mean, quoted};
use crate::error::{Error, Result};

/// The columns of a layer or a candidate; a cost is `cost.` and its name.
const KNOWN: [&str; 8] =
    ["layer", "candidate", "sensitivity", "stderr", "weight_bits", "activation_bits", "parameters", "group"];

/// Which column holds what.
#[derive(Debug)]
pub(super) struct Columns {
    /// The header.
    pub names: Vec<String>,
    pub layer: usize,
    pub candidate: usize,
    pub sensitivity: usize,
    pub stderr: Option<usize>,
    pub weight_bits: Option<usize>,
    pub activation_bits: Option<usize>,
    pub parameters: Option<usize>,
    pub group: Option<usize>,
    /// Names of the costs, sorted.
    pub cost_names: Arc<[String]>,
    /// Column of each of these.
    pub costs: Vec<usize>,
}

impl Columns {
    /// Reads a header; `place` names its line in messages.
    ///
    /// # Errors
    /// [`Error::Input`] for a column that is unknown, stands twice or is missing.
    pub(super) fn new<'a>(header: impl Iterator<Item = &'a str>, place: &str) -> Result<Self> {
        let names: Vec<String> = header.map(|name| name.trim().to_string()).collect();
        let mut at = [None; KNOWN.len()];
        let mut costs: Vec<(String, usize)> = Vec::new();
        if let [only] = &names[..]
            && let Some(separator) = [';', '\t'].into_iter().find(|&s| only.contains(s))
        {
            let (found, expected) = (format!("columns separated by {separator:?}"), "commas between the columns");
            return Err(Error::input(place, found, expected, "save the table again with commas and decimal points"));
        }
        let fault = |column: usize, expected: String, remedy: &str| {
            let place = format!("{place}, column {}", column + 1);
            Err(Error::input(place, quoted(&names[column]), expected, remedy))
        };
        for (column, name) in names.iter().enumerate() {
            if let Some(known) = KNOWN.iter().position(|k| k == name) {
                if at[known].replace(column).is_some() {
                    return fault(column, "every column once".into(), "remove one");
                }
            } else if let Some(cost) = name.strip_prefix("cost.").filter(|cost| !cost.is_empty()) {
                costs.push((cost.to_string(), column));
            } else {
                let remedy = did_you_mean(name, KNOWN, "a cost is named `cost.<name>`; remove other columns");
                return fault(column, format!("{} or `cost.<name>`", KNOWN.join(", ")), &remedy);
            }
        }
        costs.sort();
        if let Some(pair) = costs.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return fault(pair[1].1, "every column once".into(), "remove one");
        }
        let required = |known: usize| {
            at[known].ok_or_else(|| {
                let found = format!("no column `{}`", KNOWN[known]);
                Error::input(place, found, "the columns layer, candidate and sensitivity", "add it to the header")
            })
        };
        let (layer, candidate, sensitivity) = (required(0)?, required(1)?, required(2)?);
        let [_, _, _, stderr, weight_bits, activation_bits, parameters, group] = at;
        let (cost_names, costs): (Vec<String>, Vec<usize>) = costs.into_iter().unzip();
        let cost_names = cost_names.into();
        Ok(Self {
            names,
            layer,
            candidate,
            sensitivity,
            stderr,
            weight_bits,
            activation_bits,
            parameters,
            group,
            cost_names,
            costs,
        })
    }
}
