//! One node of the file with the values it reads, and what can be wrong with it.

use crate::error::Error;
use crate::error::Result;
use crate::error::fault::quoted;
use crate::onnx::node::OnnxNode;

use super::value::{Constant, Value};

/// What helps when an operator is not known or used in a way that is not.
const CUT: &str = "export the model with another operator set or without this operator, or cut the model before it";

/// A node about to be lowered.
pub struct Call<'a> {
    /// The node of the file.
    pub node: &'a OnnxNode,
    /// Its inputs by position; none where an optional one is absent.
    pub inputs: Vec<Option<Value>>,
    /// The node that alone reads the first output, if that is no output of the graph.
    pub sole_reader: Option<&'a OnnxNode>,
    /// Version of the operator set.
    pub opset: i64,
}

impl Call<'_> {
    /// An input, if it is there.
    pub fn optional(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index).and_then(Option::as_ref)
    }

    /// An input that must be there.
    pub fn input(&self, index: usize) -> Result<&Value> {
        self.optional(index).ok_or_else(|| self.wrong(format!("no input {index}"), "as many as the operator takes"))
    }

    /// The inputs that are there.
    pub fn present(&self) -> impl Iterator<Item = &Value> {
        self.inputs.iter().flatten()
    }

    /// An input that must not depend on the samples or their number, if it is there.
    pub fn optional_constant(&self, index: usize, what: &str) -> Result<Option<&Constant>> {
        match self.optional(index) {
            None => Ok(None),
            Some(Value::Constant(constant)) if constant.is_fixed() => Ok(Some(constant)),
            Some(_) => Err(self.unsupported(format!("{what} that the model computes"))),
        }
    }

    /// The same of an input that must be there.
    pub fn constant(&self, index: usize, what: &str) -> Result<&Constant> {
        self.optional_constant(index, what)?
            .ok_or_else(|| self.wrong(format!("no {what}"), "as many inputs as the operator takes"))
    }

    /// Integers from an input that must be constant, if it is there.
    pub fn optional_ints(&self, index: usize, what: &str) -> Result<Option<Vec<i64>>> {
        let Some(constant) = self.optional_constant(index, what)? else { return Ok(None) };
        match constant.one.ints() {
            Some(ints) => Ok(Some(ints)),
            None => Err(self.wrong(format!("{what} of {}", constant.one.kind().word()), "integers")),
        }
    }

    /// Integers from the attribute of this name, or, in newer operator sets, from an input.
    pub fn ints_of(&self, attribute: &str, index: usize) -> Result<Option<Vec<i64>>> {
        match self.node.ints(attribute)? {
            Some(ints) => Ok(Some(ints.to_vec())),
            None => self.optional_ints(index, attribute),
        }
    }

    /// A float attribute as the shortest decimal that has its 32 bits, or its default.
    pub fn float(&self, name: &str, default: f64) -> Result<f64> {
        let value = self.node.float(name, default)?;
        Ok((value as f32).to_string().parse().unwrap_or(value))
    }

    /// A fault of the file at this node.
    pub fn wrong(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        self.node.wrong(found, expected, "export the model again")
    }

    /// Something correct that is not supported.
    pub fn unsupported(&self, found: impl Into<String>) -> Error {
        self.node.wrong(found, "what bitplan can compute (docs: models)", self.cut())
    }

    /// The node works across samples.
    pub fn mixes_samples(&self, axis: usize) -> Error {
        let found = format!("work along axis {axis}, the batch: the node mixes samples");
        let expected = "a model whose outputs for one sample depend on this sample only";
        self.node.wrong(found, expected, "export the model for one sample, or cut the model before this node")
    }

    /// How to cut the model in front of the node.
    pub fn cut(&self) -> String {
        let inputs = self.node.inputs.iter().filter(|name| !name.is_empty());
        let names: Vec<String> = inputs.map(|name| quoted(name).replace('`', "\"")).collect();
        format!("{CUT}: onnx.utils.extract_model(\"model.onnx\", \"cut.onnx\", [its inputs], [{}])", names.join(", "))
    }
}
