//! The planning table as it stands in a file: names and numbers that nothing has checked yet.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};

use crate::error::{Error, Result};
use crate::table::{Costs, PlanningTable};

/// Mirror of a `bitplan.table/1` document.
#[derive(Debug, Clone, PartialEq, Serialize, DeriveDeserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTable {
    /// `bitplan.table/1`.
    pub format: String,
    /// What the table calls itself.
    #[serde(default)]
    pub name: String,
    /// The layers.
    pub layers: Vec<RawLayer>,
    /// Names of layers that must take the candidate with the same id.
    #[serde(default)]
    pub groups: Vec<Vec<String>>,
    /// Layer name → id of the candidate that it must take.
    #[serde(default, deserialize_with = "unique_keys")]
    pub pins: BTreeMap<String, String>,
}

/// Mirror of one layer.
#[derive(Debug, Clone, PartialEq, Serialize, DeriveDeserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLayer {
    /// Its name.
    pub name: String,
    /// Number of its weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<u64>,
    /// What it may become.
    pub candidates: Vec<RawCandidate>,
}

/// Mirror of one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, DeriveDeserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCandidate {
    /// Its id.
    pub id: String,
    /// Bits of a weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_bits: Option<u32>,
    /// Bits of an activation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation_bits: Option<u32>,
    /// What choosing it loses.
    pub sensitivity: f64,
    /// Standard error of the sensitivity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stderr: Option<f64>,
    /// Cost name → cost.
    #[serde(default)]
    pub cost: Costs,
}

impl RawTable {
    /// Reads JSON text; `place` names the source in messages.
    ///
    /// # Errors
    /// [`Error::Input`] with line and column.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let expected = "a `bitplan.table/1` document";
        parse_json(text, place, expected).map_err(|error| match is_csv_header(text.lines().next().unwrap_or("")) {
            true => Error::input(format!("{place}: line 1"), "the header of a CSV file", expected, "name it `.csv`"),
            false => error,
        })
    }

    /// The table as JSON text, the same bytes for the same table.
    ///
    /// # Errors
    /// [`Error::Internal`] if a number has no JSON form.
    pub fn to_json(&self) -> Result<String> {
        to_json(self)
    }
}

/// Whether this line names columns of the CSV form.
fn is_csv_header(line: &str) -> bool {
    let names = || line.split([',', ';', '\t']).map(|name| name.trim_matches(['"', ' ', '\u{feff}']));
    ["layer", "candidate"].iter().all(|required| names().any(|name| name == *required))
}

impl From<&PlanningTable> for RawTable {
    fn from(table: &PlanningTable) -> Self {
        let name_of = |l: usize| table.layers()[l].name.clone();
        let layers = table.layers().iter().map(|layer| {
            let candidates = layer.candidates.iter().map(|c| RawCandidate {
                id: c.id.clone(),
                weight_bits: c.weight_bits,
                activation_bits: c.activation_bits,
                sensitivity: c.sensitivity,
                stderr: c.stderr,
                cost: Costs::shared(&table.cost_names, c.cost.clone()),
            });
            RawLayer { name: layer.name.clone(), parameters: layer.parameters, candidates: candidates.collect() }
        });
        RawTable {
            format: crate::table::TABLE_FORMAT.into(),
            name: table.name().into(),
            layers: layers.collect(),
            groups: table.groups().iter().map(|g| g.iter().map(|&l| name_of(l)).collect()).collect(),
            pins: table
                .pins()
                .iter()
                .map(|(&l, &c)| (name_of(l), table.layers()[l].candidates[c].id.clone()))
                .collect(),
        }
    }
}

/// Reads a JSON document of one type, reporting line and column.
pub(crate) fn parse_json<T: DeserializeOwned>(text: &str, place: &str, expected: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| {
        // A document of another kind is better named than its first unknown field.
        let other: Option<serde_json::Value> = serde_json::from_str(text).ok();
        let format = other.as_ref().and_then(|v| v.get("format")).and_then(serde_json::Value::as_str);
        if let Some(format) = format.filter(|f| !expected.contains(*f)) {
            return Error::input(place, format!("a `{format}` document"), expected, "name another file");
        }
        let message = e.to_string();
        let found = message.split(" at line ").next().unwrap_or(&message).to_string();
        let place = format!("{place}: line {}, column {}", e.line(), e.column());
        Error::input(place, found, expected, "mend the document there")
    })
}

/// Pretty JSON with a final newline.
pub(crate) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Error::Internal(format!("writing JSON: {e}")))?;
    Ok(text + "\n")
}

/// A map whose keys may each stand once; plain maps would keep the last one in silence.
pub(crate) fn unique_keys<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, V>, D::Error> {
    struct Unique<V>(std::marker::PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
        type Value = BTreeMap<String, V>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<String, V>()? {
                if map.contains_key(&key) {
                    return Err(A::Error::custom(format!("key `{key}` a second time")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }
    deserializer.deserialize_map(Unique(std::marker::PhantomData))
}
