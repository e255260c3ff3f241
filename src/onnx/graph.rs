//! The checked graph of an ONNX file: nodes in an order in which they can run, constants as tensors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use prost::Message;
use prost::bytes::Bytes;

use crate::error::fault::quoted;
use crate::error::{Error, Result};

use super::attribute::{self, domain};
use super::decode;
use super::element::Element;
use super::external::ExternalFiles;
use super::node::OnnxNode;
use super::passing::{self, Passing};
use super::proto::{GraphProto, ModelProto, NodeProto};
use super::recognise::other_format;
use super::tensor::Tensor;
use super::topology::{Maker, Makers};
use super::value::ValueInfo;

/// The oldest operator set that is read: before it, broadcasting was an attribute and batch norm had other outputs.
const OLDEST_OPSET: i64 = 7;

/// The newest operator set that the reader was written for.
const NEWEST_OPSET: i64 = 26;

/// A checked graph: every value has one maker and is made before it is read; no node is without use for the outputs;
/// no Identity, Constant or Dropout is left.
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxGraph {
    /// Name of the graph; may be empty.
    pub name: String,
    /// The file, for messages.
    pub place: String,
    /// Version of the default operator set.
    pub opset: i64,
    /// The nodes, each after the makers of its inputs; otherwise in the order of the file.
    pub nodes: Vec<OnnxNode>,
    /// Constants by name: initializers and the values of Constant nodes, as far as the nodes or outputs read them.
    pub initializers: BTreeMap<String, Tensor>,
    /// Smallest and largest number of the element type, of initializers of integers up to 16 bits.
    pub ranges: BTreeMap<String, [i64; 2]>,
    /// What the graph is given, without those that have an initializer.
    pub inputs: Vec<ValueInfo>,
    /// What the graph gives.
    pub outputs: Vec<ValueInfo>,
    /// Remarks for the user, a sentence each.
    pub notes: Vec<String>,
}

impl OnnxGraph {
    /// Reads the model in a file, external data from files in its folder.
    ///
    /// Memory: the file, its messages (in proportion to it) and its tensors at 4 bytes a float, 8 bytes an integer.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        Self::from_bytes(bytes, &path.display().to_string(), Some(path.parent().unwrap_or(Path::new(""))))
    }

    /// Reads the model in `bytes`; `place` stands in messages; external data are looked for in `folder`.
    pub fn from_bytes(bytes: Vec<u8>, place: &str, folder: Option<&Path>) -> Result<Self> {
        let model = decoded(Bytes::from(bytes), place)?;
        let mut notes = Vec::new();
        let opset = opset(&model, place, &mut notes)?;
        let graph = supported_graph(&model, place)?;
        let makers = Makers::of(graph, place)?;
        let order = makers.order()?;
        let mut files = ExternalFiles::new(&Arc::from(place), folder);
        let passing = passing::find(graph, &makers, &order, &mut files)?;

        let outputs = graph.output.iter().map(|o| {
            let name = o.name.as_deref().unwrap_or("");
            ValueInfo::read(o, "output", passing.source(name), place)
        });
        let outputs: Vec<ValueInfo> = outputs.collect::<Result<_>>()?;
        let needed = needed(graph, &makers, &passing, &outputs)?;
        let (mut nodes, mut initializers, mut ranges) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for &i in order.iter().filter(|i| needed.nodes.contains(i)) {
            let Some(proto) = graph.node.get(i) else { continue };
            let inputs = proto.input.iter().map(|name| passing.source(name).to_string()).collect();
            let node = attribute::node(proto, i, inputs, &mut files)?;
            match passing::constant(&node)? {
                Some(value) => {
                    initializers.extend(node.outputs.first().map(|name| (name.clone(), value)));
                }
                None => nodes.push(node),
            }
        }
        for tensor in needed.initializers.iter().filter_map(|&i| graph.initializer.get(i)) {
            let name = tensor.name.clone().unwrap_or_default();
            if let Some(range) = Element::from_code(tensor.data_type.unwrap_or(0)).ok().and_then(Element::small_range) {
                ranges.insert(name.clone(), range);
            }
            initializers.insert(name, decode::tensor(tensor, "initializer", &mut files)?);
        }
        let unused = order.len().saturating_sub(needed.nodes.len() + passing.len());
        if unused > 0 {
            notes.push(format!("{unused} of {} nodes do not reach an output and are left out.", order.len()));
        }
        let given = |i: &usize| makers.get(graph.input[*i].name.as_deref().unwrap_or("")) == Some(Maker::Input(*i));
        let inputs = (0..graph.input.len()).filter(given).map(|i| {
            let input = &graph.input[i];
            ValueInfo::read(input, "input", input.name.as_deref().unwrap_or(""), place)
        });
        let inputs = inputs.collect::<Result<_>>()?;
        let name = graph.name.clone().unwrap_or_default();
        Ok(Self { name, place: place.to_string(), opset, nodes, initializers, ranges, inputs, outputs, notes })
    }
}

/// The messages of a file that has a graph.
fn decoded(bytes: Bytes, place: &str) -> Result<ModelProto> {
    let not_a_model = |reason: String| {
        let (found, remedy) = other_format(&bytes).map_or_else(
            || (reason, "download or export the file again: it may be incomplete"),
            |(format, remedy)| (format.to_string(), remedy),
        );
        Error::input(place, found, "an ONNX model", remedy)
    };
    let model = ModelProto::decode(bytes.clone()).map_err(|e| not_a_model(format!("bytes that are no model ({e})")))?;
    match model.graph {
        Some(_) => Ok(model),
        None => Err(not_a_model("a file without a graph".into())),
    }
}

/// Version of the default operator set.
fn opset(model: &ModelProto, place: &str, notes: &mut Vec<String>) -> Result<i64> {
    let versions = model.opset_import.iter().filter(|o| domain(&o.domain).is_empty());
    let Some(version) = versions.map(|o| o.version.unwrap_or(1)).max() else {
        let remedy = "export the model again, or convert it with onnx.version_converter";
        return Err(Error::input(place, "no version of the default operator set", "opset 7 or newer", remedy));
    };
    if version < OLDEST_OPSET {
        let remedy = "convert the model with onnx.version_converter.convert_version, or export it again";
        return Err(Error::input(place, format!("opset {version}"), format!("opset {OLDEST_OPSET} or newer"), remedy));
    }
    if version > NEWEST_OPSET {
        notes.push(format!(
            "The model uses operator set {version}, the reader was written for {OLDEST_OPSET} to {NEWEST_OPSET}: \
             newer forms of operators may be misread."
        ));
    }
    Ok(version)
}

/// The graph, if the model has no part that changes its meaning and that we do not read.
fn supported_graph<'a>(model: &'a ModelProto, place: &str) -> Result<&'a GraphProto> {
    let no_graph = || Error::input(place, "a file without a graph", "an ONNX model", "export the model again");
    let graph = model.graph.as_ref().ok_or_else(no_graph)?;
    if graph.output.is_empty() {
        return Err(Error::input(place, "a graph without outputs", "at least one output", "export the model again"));
    }
    if let Some(sparse) = graph.sparse_initializer.first() {
        let name = sparse.values.as_ref().and_then(|v| v.name.as_deref()).unwrap_or("");
        let found = format!("sparse initializer {}", quoted(name));
        return Err(Error::input(place, found, "dense initializers", "store the model's weights dense"));
    }
    let key = |name: &Option<String>| name.clone().unwrap_or_default();
    let functions: BTreeSet<_> = model.functions.iter().map(|f| (domain(&f.domain), key(&f.name))).collect();
    let called = |n: &&NodeProto| functions.contains(&(domain(&n.domain), key(&n.op_type)));
    let called: BTreeSet<&str> = graph.node.iter().filter(called).filter_map(|n| n.op_type.as_deref()).collect();
    if !called.is_empty() {
        let names: Vec<String> = called.into_iter().take(8).map(quoted).collect();
        let found = format!("nodes that call functions of the model: {}", names.join(", "));
        let remedy = "inline them: onnx.inliner.inline_local_functions";
        return Err(Error::input(place, found, "operators", remedy));
    }
    Ok(graph)
}

/// Positions of the nodes and initializers that an output depends on.
struct Needed {
    nodes: BTreeSet<usize>,
    initializers: BTreeSet<usize>,
}

/// What the outputs depend on, found backwards from them.
fn needed(graph: &GraphProto, makers: &Makers, passing: &Passing, outputs: &[ValueInfo]) -> Result<Needed> {
    let mut needed = Needed { nodes: BTreeSet::new(), initializers: BTreeSet::new() };
    let mut open: Vec<&str> = outputs.iter().map(|o| o.value.as_str()).collect();
    while let Some(name) = open.pop() {
        match makers.get(name) {
            Some(Maker::Initializer(i)) => {
                needed.initializers.insert(i);
            }
            Some(Maker::Node(i)) if passing.contains(i) => return Err(makers.mask_is_read(name, i)),
            Some(Maker::Node(i)) => {
                if needed.nodes.insert(i) {
                    let inputs = graph.node.get(i).into_iter().flat_map(|n| &n.input);
                    open.extend(inputs.filter(|name| !name.is_empty()).map(|name| passing.source(name)));
                }
            }
            Some(Maker::Input(_)) | None => {}
        }
    }
    Ok(needed)
}

#[cfg(test)]
#[path = "graph_tests.rs"]
mod tests;
