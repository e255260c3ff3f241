//! Attributes of the format as ours.

use crate::error::Result;
use crate::error::fault::quoted;

use super::decode;
use super::external::ExternalFiles;
use super::node::{Attribute, OnnxNode};
use super::proto::attribute_proto::AttributeType;
use super::proto::{AttributeProto, NodeProto};

/// The domain of an operator or operator set as it is written by us: the default one has two names.
pub(super) fn domain(name: &Option<String>) -> &str {
    match name.as_deref() {
        None | Some("ai.onnx") => "",
        Some(other) => other,
    }
}

/// Reads a node with its attributes; `inputs` are the names of what it reads.
pub(super) fn node(
    proto: &NodeProto,
    index: usize,
    inputs: Vec<String>,
    files: &mut ExternalFiles,
) -> Result<OnnxNode> {
    let op = proto.op_type.as_deref().unwrap_or("");
    let mut node = OnnxNode::new(files.place(), index, op, inputs, proto.output.iter().cloned());
    node.domain = domain(&proto.domain).to_string();
    node.name = proto.name.clone().unwrap_or_default();
    if op.is_empty() {
        return Err(node.wrong("a node without an operator", "its `op_type`", "export the model again"));
    }
    for attribute in &proto.attribute {
        let name = attribute.name.as_deref().unwrap_or("");
        if attribute.ref_attr_name.as_ref().is_some_and(|r| !r.is_empty()) {
            let found = format!("attribute {} that refers to a function's attribute", quoted(name));
            return Err(node.wrong(found, "a value", "inline the model's functions"));
        }
        if node.attribute(name).is_some() {
            return Err(node.wrong(format!("attribute {} twice", quoted(name)), "one value", "export the model again"));
        }
        let value = value(attribute, &node, files)?;
        node = node.with(name, value);
    }
    Ok(node)
}

/// The value of an attribute. Writers of before 2017 leave the type out: then it follows from what is there.
fn value(proto: &AttributeProto, node: &OnnxNode, files: &mut ExternalFiles) -> Result<Attribute> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let declared = proto.r#type.unwrap_or(0);
    let kind = AttributeType::try_from(declared).map_err(|_| {
        let found = format!("type {declared} of attribute {}", quoted(proto.name.as_deref().unwrap_or("")));
        node.wrong(found, "an attribute type of ONNX", "export the model again")
    })?;
    let kind = if kind == AttributeType::Undefined { kind_of_content(proto) } else { kind };
    Ok(match kind {
        AttributeType::Int => Attribute::Int(proto.i.unwrap_or_default()),
        AttributeType::Ints => Attribute::Ints(proto.ints.clone()),
        AttributeType::Float => Attribute::Float(proto.f.unwrap_or_default()),
        AttributeType::Floats => Attribute::Floats(proto.floats.clone()),
        AttributeType::String => Attribute::Text(text(proto.s.as_deref().unwrap_or_default())),
        AttributeType::Strings => Attribute::Texts(proto.strings.iter().map(|s| text(s)).collect()),
        AttributeType::Graph | AttributeType::Graphs => Attribute::Graph,
        AttributeType::Tensor => match &proto.t {
            Some(tensor) => Attribute::Tensor(decode::tensor(tensor, &format!("tensor of {}", node.place()), files)?),
            None => Attribute::Other,
        },
        _ => Attribute::Other,
    })
}

/// The type that the filled fields tell.
fn kind_of_content(proto: &AttributeProto) -> AttributeType {
    let filled = [
        (proto.i.is_some(), AttributeType::Int),
        (proto.f.is_some(), AttributeType::Float),
        (proto.s.is_some(), AttributeType::String),
        (proto.t.is_some(), AttributeType::Tensor),
        (proto.g.is_some() || !proto.graphs.is_empty(), AttributeType::Graph),
        (!proto.floats.is_empty(), AttributeType::Floats),
        (!proto.strings.is_empty(), AttributeType::Strings),
    ];
    // An empty list of integers leaves no trace.
    filled.into_iter().find(|(is, _)| *is).map_or(AttributeType::Ints, |(_, kind)| kind)
}
