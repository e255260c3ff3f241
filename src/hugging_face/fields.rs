//! Values of a JSON object with their keys: what is missing, of the wrong type or out of range is told with its key.

use std::ops::RangeInclusive;
use std::path::Path;

use serde_json::{Map, Value};

use crate::error::fault::{did_you_mean, either, quoted};
use crate::error::{Error, Result};
use crate::store::read_text;

/// The longest value that a message repeats.
const SHOWN_BYTES: usize = 60;

/// What to do where nothing better can be said.
const REMEDY: &str = "use the config.json that came with the checkpoint";

/// An object of a configuration file. Keys nobody asks for do not matter: such files say much that is not about the
/// network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fields {
    place: String,
    values: Map<String, Value>,
}

impl Fields {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is missing, or no JSON object.
    pub fn read(path: &Path) -> Result<Self> {
        let value = serde_json::from_str(&read_text(path)?).map_err(|e| {
            let place = format!("{}:{}:{}", path.display(), e.line(), e.column());
            Error::input(place, e.to_string(), "a JSON object", REMEDY)
        })?;
        Self::new(path.display().to_string(), value)
    }

    /// Takes a value over; `place` names it in errors.
    ///
    /// # Errors
    /// When it is no object.
    pub fn new(place: String, value: Value) -> Result<Self> {
        match value {
            Value::Object(values) => Ok(Self { place, values }),
            other => Err(Error::input(place, shown(&other), "a JSON object", REMEDY)),
        }
    }

    /// The value of a key; `null` is as good as nothing.
    fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key).filter(|value| !value.is_null())
    }

    /// Whether there is a value.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A fault of the value of `key`.
    pub fn wrong(&self, key: &str, expected: impl Into<String>, remedy: impl Into<String>) -> Error {
        let found = self.get(key).map_or_else(|| "nothing".into(), shown);
        Error::input(format!("{}: `{key}`", self.place), found, expected, remedy)
    }

    /// A whole number.
    ///
    /// # Errors
    /// When there is none, or it is out of range.
    pub fn count(&self, key: &str, range: RangeInclusive<usize>) -> Result<usize> {
        let number = self.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| self.wrong(key, format!("a whole number, {} to {}", range.start(), range.end()), REMEDY))
    }

    /// A whole number, if there is one.
    ///
    /// # Errors
    /// As [`Self::count`].
    pub fn optional_count(&self, key: &str, range: RangeInclusive<usize>) -> Result<Option<usize>> {
        self.has(key).then(|| self.count(key, range)).transpose()
    }

    /// A number.
    ///
    /// # Errors
    /// When there is none, or it is out of range.
    pub fn number(&self, key: &str, range: RangeInclusive<f64>) -> Result<f64> {
        let number = self.get(key).and_then(Value::as_f64).filter(|number| range.contains(number));
        number.ok_or_else(|| self.wrong(key, format!("a number, {:e} to {:e}", range.start(), range.end()), REMEDY))
    }

    /// A number, or what holds without one.
    ///
    /// # Errors
    /// As [`Self::number`].
    pub fn number_or(&self, key: &str, default: f64, range: RangeInclusive<f64>) -> Result<f64> {
        if self.has(key) { self.number(key, range) } else { Ok(default) }
    }

    /// Yes or no.
    ///
    /// # Errors
    /// When there is another value.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(key, "true or false", REMEDY)),
        }
    }

    /// A text, if there is one.
    ///
    /// # Errors
    /// When there is another value.
    pub fn text(&self, key: &str) -> Result<Option<&str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(key, "a text", REMEDY)),
        }
    }

    /// One of the named values; `default` where there is none.
    ///
    /// # Errors
    /// When there is another value; it says what is supported.
    pub fn choice<T: Copy>(&self, key: &str, default: Option<&str>, choices: &[(&str, T)]) -> Result<T> {
        let names = || choices.iter().map(|(name, _)| *name);
        let Some(text) = self.text(key)?.or(default) else {
            return Err(self.wrong(key, either(names()), REMEDY));
        };
        let known = choices.iter().find(|(name, _)| *name == text);
        let remedy = || did_you_mean(text, names(), "others are not supported yet");
        known.map(|(_, choice)| *choice).ok_or_else(|| self.wrong(key, either(names()), remedy()))
    }

    /// The texts of a list; empty where there is none.
    ///
    /// # Errors
    /// When there is another value.
    pub fn texts(&self, key: &str) -> Result<Vec<&str>> {
        let texts = match self.get(key) {
            None => Some(Vec::new()),
            Some(Value::Array(values)) => values.iter().map(Value::as_str).collect(),
            Some(_) => None,
        };
        texts.ok_or_else(|| self.wrong(key, "a list of texts", REMEDY))
    }

    /// An object inside, if there is one.
    ///
    /// # Errors
    /// When there is another value.
    pub fn object(&self, key: &str) -> Result<Option<Fields>> {
        let inner = |value: &Value| Self::new(format!("{}: `{key}`", self.place), value.clone());
        self.get(key).map(inner).transpose()
    }
}

/// A value as a message repeats it.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let text = value.to_string();
            if text.len() > SHOWN_BYTES { quoted(&text) } else { text }
        }
    }
}
