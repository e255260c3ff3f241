//! Nodes that compute nothing: Identity, Dropout in inference, Constant.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;

use super::attribute::{self, domain};
use super::decode;
use super::external::ExternalFiles;
use super::node::OnnxNode;
use super::proto::GraphProto;
use super::tensor::Tensor;
use super::topology::{Maker, Makers};

/// Nodes whose output is their input.
pub(super) struct Passing<'a> {
    source: BTreeMap<&'a str, &'a str>,
    nodes: BTreeSet<usize>,
}

impl<'a> Passing<'a> {
    /// The value that `name` is a copy of, or `name`.
    pub(super) fn source<'b>(&self, name: &'b str) -> &'b str
    where
        'a: 'b,
    {
        self.source.get(name).copied().unwrap_or(name)
    }

    /// Whether a node, by position, only passes its input on.
    pub(super) fn contains(&self, node: usize) -> bool {
        self.nodes.contains(&node)
    }

    /// Number of such nodes.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}

/// The passing nodes of a graph; `order` has every node after the makers of its inputs.
pub(super) fn find<'a>(
    graph: &'a GraphProto,
    makers: &Makers,
    order: &[usize],
    files: &mut ExternalFiles,
) -> Result<Passing<'a>> {
    let mut passing = Passing { source: BTreeMap::new(), nodes: BTreeSet::new() };
    for &i in order {
        let Some(proto) = graph.node.get(i).filter(|n| domain(&n.domain).is_empty()) else { continue };
        match proto.op_type.as_deref() {
            Some("Identity") => {}
            Some("Dropout") => {
                let mode = proto.input.get(2).map_or("", |name| passing.source(name));
                if !mode.is_empty() && trains(graph, makers, mode, files)? != Some(false) {
                    let node = attribute::node(proto, i, proto.input.clone(), files)?;
                    let remedy = "export the model in evaluation mode";
                    return Err(node.wrong("a Dropout in training mode", "a model for inference", remedy));
                }
            }
            _ => continue,
        }
        if let (Some(input), Some(output)) = (proto.input.first(), proto.output.first())
            && !input.is_empty()
            && !output.is_empty()
        {
            let source = passing.source(input);
            passing.source.insert(output, source);
            passing.nodes.insert(i);
        }
    }
    Ok(passing)
}

/// The training mode of a Dropout, if it is a constant.
fn trains(graph: &GraphProto, makers: &Makers, name: &str, files: &mut ExternalFiles) -> Result<Option<bool>> {
    let mode = match makers.get(name) {
        Some(Maker::Initializer(i)) => {
            graph.initializer.get(i).map(|t| decode::tensor(t, "initializer", files)).transpose()?
        }
        Some(Maker::Node(i)) => match graph.node.get(i) {
            Some(proto) => constant(&attribute::node(proto, i, proto.input.clone(), files)?)?,
            None => None,
        },
        _ => None,
    };
    Ok(mode.and_then(|t| t.scalar()).map(|v| v != 0.0))
}

/// The value of a Constant node; `None` for another operator.
pub(super) fn constant(node: &OnnxNode) -> Result<Option<Tensor>> {
    if node.op != "Constant" || !node.domain.is_empty() {
        return Ok(None);
    }
    if let Some(tensor) = node.tensor("value")? {
        return Ok(Some(tensor.clone()));
    }
    if let Some(value) = node.optional_int("value_int")? {
        return Ok(Some(Tensor::int(value)));
    }
    if let Some(values) = node.ints("value_ints")? {
        return Ok(Some(Tensor::of_ints(values.iter().copied())));
    }
    if let Some(value) = node.optional_float("value_float")? {
        return Ok(Some(Tensor::float(value as f32)));
    }
    if let Some(values) = node.floats("value_floats")? {
        return Ok(Some(Tensor::of_floats(values.iter().copied())));
    }
    let names: Vec<&str> = node.attribute_names().collect();
    let found = if names.is_empty() { "no value".to_string() } else { format!("a constant as {}", names.join(", ")) };
    Err(node.wrong(found, "a dense tensor, numbers or a number", "export the model again"))
}
