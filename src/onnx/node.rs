//! One operator of an ONNX graph, its attributes checked when they are asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::fault::quoted;
use crate::error::{Error, Result};

use super::tensor::Tensor;

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// An integer.
    Int(i64),
    /// Integers.
    Ints(Vec<i64>),
    /// A float.
    Float(f32),
    /// Floats.
    Floats(Vec<f32>),
    /// A text; bytes that are not UTF-8 are replaced.
    Text(String),
    /// Texts.
    Texts(Vec<String>),
    /// A tensor.
    Tensor(Tensor),
    /// One or more graphs, the bodies of If, Loop and Scan: not kept.
    Graph,
    /// Sparse tensors, lists of tensors, and types: not kept.
    Other,
}

impl Attribute {
    /// The attribute in a message.
    fn word(&self) -> &'static str {
        match self {
            Attribute::Int(_) => "an integer",
            Attribute::Ints(_) => "integers",
            Attribute::Float(_) => "a float",
            Attribute::Floats(_) => "floats",
            Attribute::Text(_) => "a text",
            Attribute::Texts(_) => "texts",
            Attribute::Tensor(_) => "a tensor",
            Attribute::Graph => "a graph",
            Attribute::Other => "a type or a list of tensors",
        }
    }
}

/// One operator: what it is, what it reads and makes.
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxNode {
    /// Domain of the operator; empty for the default one (`ai.onnx`).
    pub domain: String,
    /// Operator, as `Conv`.
    pub op: String,
    /// Name, often empty, not always unique.
    pub name: String,
    /// Names of the values it reads, by position; empty for an optional one that is absent.
    pub inputs: Vec<String>,
    /// Names of the values it makes, by position; empty for one that nobody reads.
    pub outputs: Vec<String>,
    attributes: BTreeMap<String, Attribute>,
    file: Arc<str>,
    index: usize,
}

impl OnnxNode {
    /// A node of the default domain without attributes: number `index` in `file`, both for messages.
    pub fn new(
        file: &Arc<str>,
        index: usize,
        op: &str,
        inputs: impl IntoIterator<Item = impl Into<String>>,
        outputs: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            domain: String::new(),
            op: op.to_string(),
            name: String::new(),
            inputs: inputs.into_iter().map(Into::into).collect(),
            outputs: outputs.into_iter().map(Into::into).collect(),
            attributes: BTreeMap::new(),
            file: Arc::clone(file),
            index,
        }
    }

    /// The node with one more attribute, in place of one of that name.
    pub fn with(mut self, name: &str, value: Attribute) -> Self {
        self.attributes.insert(name.to_string(), value);
        self
    }

    /// Which node it is, for messages: "node `/conv1/Conv` (Conv)", or "node 17 (Conv)" without a name, from 0.
    pub fn place(&self) -> String {
        let op = if self.domain.is_empty() { self.op.clone() } else { format!("{}.{}", self.domain, self.op) };
        let op = quoted(&op);
        let op = op.trim_matches('`');
        match self.name.is_empty() {
            true => format!("node {} ({op})", self.index),
            false => format!("node {} ({op})", quoted(&self.name)),
        }
    }

    /// A fault of this node; the place is the file and the node.
    pub fn wrong(&self, found: impl Into<String>, expected: impl Into<String>, remedy: impl Into<String>) -> Error {
        Error::input(format!("{}, {}", self.file, self.place()), found, expected, remedy)
    }

    /// An attribute as it is.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.get(name)
    }

    /// Names of the attributes, sorted.
    pub fn attribute_names(&self) -> impl Iterator<Item = &str> {
        self.attributes.keys().map(String::as_str)
    }

    fn read<'a, T>(
        &'a self,
        name: &str,
        expected: &str,
        as_wanted: impl FnOnce(&'a Attribute) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.attributes.get(name) else { return Ok(None) };
        let wrong =
            || self.wrong(format!("{} in attribute `{name}`", value.word()), expected, "export the model again");
        as_wanted(value).ok_or_else(wrong).map(Some)
    }

    /// An integer attribute; `None` if it is absent. Another type is an error, here and below.
    pub fn optional_int(&self, name: &str) -> Result<Option<i64>> {
        self.read(name, "an integer", |a| if let Attribute::Int(v) = a { Some(*v) } else { None })
    }

    /// An integer attribute, or its default.
    pub fn int(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.optional_int(name)?.unwrap_or(default))
    }

    /// A list of integers; `None` if it is absent.
    pub fn ints(&self, name: &str) -> Result<Option<&[i64]>> {
        self.read(name, "integers", |a| if let Attribute::Ints(v) = a { Some(&v[..]) } else { None })
    }

    /// A float attribute, which has 32 bits in the file; `None` if it is absent.
    pub fn optional_float(&self, name: &str) -> Result<Option<f64>> {
        self.read(name, "a float", |a| if let Attribute::Float(v) = a { Some(f64::from(*v)) } else { None })
    }

    /// A float attribute, or its default.
    pub fn float(&self, name: &str, default: f64) -> Result<f64> {
        Ok(self.optional_float(name)?.unwrap_or(default))
    }

    /// A list of floats; `None` if it is absent.
    pub fn floats(&self, name: &str) -> Result<Option<&[f32]>> {
        self.read(name, "floats", |a| if let Attribute::Floats(v) = a { Some(&v[..]) } else { None })
    }

    /// A text attribute, or its default.
    pub fn text<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str> {
        let found = self.read(name, "a text", |a| if let Attribute::Text(v) = a { Some(&v[..]) } else { None })?;
        Ok(found.unwrap_or(default))
    }

    /// A tensor attribute; `None` if it is absent.
    pub fn tensor(&self, name: &str) -> Result<Option<&Tensor>> {
        self.read(name, "a tensor", |a| if let Attribute::Tensor(v) = a { Some(v) } else { None })
    }
}

#[cfg(test)]
#[path = "node_tests.rs"]
mod tests;
