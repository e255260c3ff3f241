//! A table of measurements, whatever its layout: layer × (weight bits, activation bits) → number, and what it is a number of.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::fault::{did_you_mean, quoted};
use crate::error::{Error, Result, ValueFault};
use crate::latency::{Latency, haq, hawq, rows};
use crate::scheme::{LayerScheme, Scheme};
use crate::space::{BudgetName, Located, TableForm, TimeUnit};
use crate::store::read_text;

/// Whether a table knows the names of its layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Names {
    /// One for each row.
    Given(Vec<String>),
    /// The rows are the measured layers in the order of the graph.
    Order,
}

/// What a layer takes at each pair of weight and activation bits.
pub type Times = BTreeMap<(u32, u32), f64>;

/// Measurements.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The file, for messages.
    pub place: String,
    /// Whose measurements the rows are.
    pub names: Names,
    /// Unit of all of them.
    pub unit: TimeUnit,
    /// For each layer, number at (weight bits, activation bits).
    pub rows: Vec<Times>,
}

impl Measured {
    /// Reads a file; `unit` is what the search space says of it.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Input`] when it is not of this form.
    pub fn read(path: &Path, form: TableForm, unit: Option<TimeUnit>) -> Result<Self> {
        let place = path.display().to_string();
        let is_npy = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npy"));
        match form {
            TableForm::Haq if is_npy => haq::read_npy(path, unit),
            TableForm::Haq => haq::parse_json(&read_text(path)?, &place, unit),
            TableForm::Hawq => hawq::parse(&read_text(path)?, &place, unit),
            TableForm::Csv => rows::parse(&read_text(path)?, &place, unit),
        }
    }

    /// The measurements of the layers and candidates of a scheme. Layers in `unmeasured` count as 0.
    ///
    /// # Errors
    /// [`Error::Input`] when `unmeasured` names no layer; when a table without names has more or fewer rows than the scheme
    /// has other layers; when it names a layer that the scheme does not have; when some layer or candidate is missing, or
    /// a number is negative or not finite.
    pub fn bind(&self, scheme: &Scheme, unmeasured: &[Located<String>]) -> Result<Latency> {
        let known = || scheme.layers.iter().map(|l| l.name.as_str());
        if let Some(unknown) = unmeasured.iter().find(|name| !known().any(|l| l == name.value)) {
            let remedy = did_you_mean(&unknown.value, known(), "");
            return Err(unknown.fault(ValueFault::new(quoted(&unknown.value), "the name of a layer", remedy)));
        }
        let is_measured = |l: &&LayerScheme| !unmeasured.iter().any(|name| name.value == l.name);
        let row_of = self
            .row_of(&scheme.layers.iter().filter(is_measured).map(|l| l.name.as_str()).collect::<Vec<_>>(), &known)?;
        let of_layer = |layer: &LayerScheme| match row_of.get(layer.name.as_str()) {
            Some(&row) if is_measured(&layer) => self.values(row, layer),
            None if is_measured(&layer) => {
                let names = match &self.names {
                    Names::Given(names) => names.as_slice(),
                    Names::Order => &[],
                };
                let remedy = did_you_mean(&layer.name, names.iter().map(String::as_str), "");
                let remedy = match remedy.as_str() {
                    "" => "measure it, or name it in `unmeasured`".to_string(),
                    close => format!("{close} Else measure it, or name it in `unmeasured`"),
                };
                self.fault(format!("no layer {}", quoted(&layer.name)), "every layer that is planned", remedy)
            }
            _ => Ok(vec![0.0; layer.candidates.len()]),
        };
        let cost = if self.unit == TimeUnit::Cycles { BudgetName::Cycles } else { BudgetName::LatencyMs };
        Ok(Latency { cost, values: scheme.layers.iter().map(of_layer).collect::<Result<_>>()? })
    }

    /// Row of each layer: by name, or by order among the measured ones.
    fn row_of<'a, K: Iterator<Item = &'a str>>(
        &'a self,
        measured: &[&'a str],
        known: &impl Fn() -> K,
    ) -> Result<BTreeMap<&'a str, usize>> {
        let Names::Given(names) = &self.names else {
            if self.rows.len() != measured.len() {
                let expected = format!("one for each of the {} layers that are measured", measured.len());
                let remedy = "is it the table of this network? Layers that it leaves out belong into `unmeasured`";
                return self.fault(format!("{} layers without names", self.rows.len()), expected, remedy);
            }
            return Ok(measured.iter().enumerate().map(|(row, &name)| (name, row)).collect());
        };
        let mut row_of = BTreeMap::new();
        for (row, name) in names.iter().enumerate() {
            if !known().any(|l| l == name) {
                let remedy = did_you_mean(name, known(), "remove it, or name the layer as `bitplan inspect` does");
                return self.fault(format!("layer {}", quoted(name)), "a layer of the network", remedy);
            }
            if row_of.insert(name.as_str(), row).is_some() {
                return self.fault(format!("layer {} a second time", quoted(name)), "every layer once", "remove one");
            }
        }
        Ok(row_of)
    }

    fn values(&self, row: usize, layer: &LayerScheme) -> Result<Vec<f64>> {
        let entries = self.rows.get(row);
        let one = |c: &crate::space::Candidate| {
            let bits = (u32::from(c.weight_bits()), u32::from(c.activation_bits()));
            let owner = format!("layer {}, candidate {c}", quoted(&layer.name));
            match entries.and_then(|entries| entries.get(&bits)) {
                Some(&number) if number.is_finite() && number >= 0.0 => Ok(self.unit.milliseconds(number)),
                Some(number) => {
                    self.fault(format!("{number} for {owner}"), "a finite number of 0 or more", "measure it again")
                }
                None => {
                    let has: Vec<String> =
                        entries.into_iter().flatten().take(8).map(|((w, a), _)| format!("w{w}a{a}")).collect();
                    let remedy = format!("measure it; the table has {} and no more", has.join(", "));
                    let remedy = if entries.is_some_and(|e| e.len() > 8) { "measure it".into() } else { remedy };
                    self.fault(format!("nothing for {owner}"), "a number for every candidate of every layer", remedy)
                }
            }
        };
        layer.candidates.iter().map(one).collect()
    }

    fn fault<T>(&self, found: String, expected: impl Into<String>, remedy: impl Into<String>) -> Result<T> {
        Err(Error::input(&self.place, found, expected, remedy))
    }
}

/// The unit of a file that may say it itself.
///
/// # Errors
/// When nothing says it, or the file and the search space say different ones.
pub(super) fn unit_of(place: &str, file: Option<TimeUnit>, said: Option<TimeUnit>) -> Result<TimeUnit> {
    match (file, said) {
        (Some(file), Some(said)) if file != said => {
            let remedy = "leave `unit` out of the search space, or correct it";
            Err(Error::input(place, format!("`{}`", file.key()), format!("`{}`, as `unit` says", said.key()), remedy))
        }
        (None, None) => {
            let remedy = "add `unit: ms` (or cycles, us, s) to `latency` in the search space";
            Err(Error::input(place, "numbers without a unit", "a unit", remedy))
        }
        (Some(unit), _) | (None, Some(unit)) => Ok(unit),
    }
}

#[cfg(test)]
#[path = "measured_tests.rs"]
mod tests;
