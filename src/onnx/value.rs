//! Inputs and outputs: names, kinds and shapes.

use crate::error::fault::quoted;
use crate::error::{Error, Result};

use super::element::Element;
use super::proto::tensor_shape_proto::dimension::Value;
use super::proto::{ValueInfoProto, type_proto};
use super::tensor::ElementKind;

/// A size of an input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dim {
    /// A fixed positive size.
    Fixed(usize),
    /// A size with a name, equal wherever the name stands: `batch`.
    Symbol(String),
    /// Not said; also sizes that are zero or negative, which exporters write for "any".
    Unknown,
}

/// An input or output of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueInfo {
    /// Its name.
    pub name: String,
    /// The value of this graph that it is: that of its name, or what an Identity copies to it.
    pub value: String,
    /// What its elements are.
    pub kind: ElementKind,
    /// Its shape; `None` if the file does not even say how many dimensions there are.
    pub dims: Option<Vec<Dim>>,
}

impl ValueInfo {
    /// Reads the description of an input or output, which is the `role`; it is the graph's `value`.
    pub(super) fn read(proto: &ValueInfoProto, role: &str, value: &str, file: &str) -> Result<Self> {
        let place = || format!("{file}, {role} {}", quoted(proto.name.as_deref().unwrap_or("")));
        let wrong =
            |found: &str| Error::input(place(), found, "a tensor with an element type", "export the model again");
        let tensor = match proto.r#type.as_ref().and_then(|t| t.value.as_ref()) {
            Some(type_proto::Value::TensorType(tensor)) => tensor,
            None => return Err(wrong("no type")),
            Some(type_proto::Value::SequenceType(_)) => return Err(wrong("a sequence")),
            Some(type_proto::Value::MapType(_)) => return Err(wrong("a map")),
            Some(type_proto::Value::OptionalType(_)) => return Err(wrong("an optional value")),
            Some(type_proto::Value::SparseTensorType(_)) => return Err(wrong("a sparse tensor")),
            Some(type_proto::Value::OpaqueType(_)) => return Err(wrong("an opaque type")),
        };
        let element = Element::from_code(tensor.elem_type.unwrap_or(0)).map_err(|found| {
            Error::input(
                place(),
                found,
                "floats of 16 to 64 bits, integers or truth values",
                "export the part of the model that computes with numbers",
            )
        })?;
        let dim = |value: &Option<Value>| match value {
            Some(Value::DimValue(size)) if *size > 0 => usize::try_from(*size).map_or(Dim::Unknown, Dim::Fixed),
            Some(Value::DimParam(symbol)) if !symbol.is_empty() => Dim::Symbol(symbol.clone()),
            _ => Dim::Unknown,
        };
        let dims = tensor.shape.as_ref().map(|shape| shape.dim.iter().map(|d| dim(&d.value)).collect());
        let name = proto.name.clone().unwrap_or_default();
        Ok(Self { name, value: value.to_string(), kind: element.kind(), dims })
    }
}
