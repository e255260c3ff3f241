//! Nodes and initialisers of a file that is being made, each with a name of its own, and the account of its tensors.

use std::collections::BTreeSet;

use prost::Message;
use prost::bytes::Bytes;

use crate::error::{Error, Result};
use crate::export::{Package, Part};
use crate::onnx::proto::tensor_proto::DataType;
use crate::onnx::proto::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    ValueInfoProto,
};

/// The format's limit of one message, which `protobuf` counts in a signed 32-bit number.
const MOST_BYTES: usize = (1 << 31) - 1;

/// What a file says of its own form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Version of the format: 10 for operator set 21, 13 for 25. Runtimes refuse newer ones than they know.
    pub ir: i64,
    /// Version of the default operator set.
    pub opset: i64,
    /// Other domains of operators, with their versions.
    pub domains: Vec<(&'static str, i64)>,
}

impl Versions {
    /// Operator set 21, in which QuantizeLinear has 4-bit integers and blocks.
    pub fn opset_21() -> Self {
        Self { ir: 10, opset: 21, domains: Vec::new() }
    }

    /// Operator set 25, in which it has 2-bit integers.
    pub fn opset_25() -> Self {
        Self { ir: 13, opset: 25, domains: Vec::new() }
    }
}

/// An initialiser in the account of a package: whose it is and what.
pub(super) type Owned = (TensorProto, Option<(String, Part)>);

/// A file that is being made.
#[derive(Debug)]
pub struct ModelWriter {
    versions: Versions,
    pub(super) nodes: Vec<NodeProto>,
    pub(super) initializers: Vec<Owned>,
    names: BTreeSet<String>,
    metadata: Vec<(String, String)>,
    /// What a user of the file should know, a sentence each.
    pub notes: BTreeSet<String>,
    pub(super) inputs: Vec<ValueInfoProto>,
    pub(super) outputs: Vec<ValueInfoProto>,
}

impl ModelWriter {
    /// An empty file.
    pub fn new(versions: Versions) -> Self {
        Self {
            versions,
            nodes: Vec::new(),
            initializers: Vec::new(),
            names: BTreeSet::new(),
            metadata: Vec::new(),
            notes: BTreeSet::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// Version of the default operator set.
    pub fn opset(&self) -> i64 {
        self.versions.opset
    }

    /// `wanted`, or with a number behind it if it is taken.
    pub fn name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_string();
        let mut count = 0usize;
        while name.is_empty() || !self.names.insert(name.clone()) {
            count += 1;
            name = format!("{wanted}.{count}");
        }
        name
    }

    /// A node of the default domain with one output, which is called `wanted` if that is free; its name.
    pub fn node(&mut self, op: &str, inputs: &[&str], wanted: &str, attributes: Vec<AttributeProto>) -> String {
        self.node_in("", op, inputs, wanted, attributes)
    }

    /// The same in another domain.
    pub fn node_in(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        wanted: &str,
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.name(wanted);
        self.named_node(domain, op, inputs, [&output, &output], attributes);
        output
    }

    /// A node whose own name and whose output's are reserved already.
    pub(super) fn named_node(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        [name, output]: [&str; 2],
        attribute: Vec<AttributeProto>,
    ) {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.into()).collect(),
            output: vec![output.into()],
            name: Some(name.into()),
            op_type: Some(op.into()),
            domain: (!domain.is_empty()).then(|| domain.into()),
            attribute,
            ..NodeProto::default()
        });
    }

    /// An initialiser from its bytes (little-endian; types below 8 bits packed, the first in the lowest bits); its name.
    /// `owner` is the layer whose weight it is part of, and what of it.
    pub fn tensor(
        &mut self,
        wanted: &str,
        kind: DataType,
        shape: &[usize],
        bytes: Vec<u8>,
        owner: Option<(&str, Part)>,
    ) -> String {
        let name = self.name(wanted);
        let tensor = TensorProto {
            dims: shape.iter().map(|&extent| extent as i64).collect(),
            data_type: Some(kind as i32),
            name: Some(name.clone()),
            raw_data: Some(Bytes::from(bytes)),
            ..TensorProto::default()
        };
        self.initializers.push((tensor, owner.map(|(layer, part)| (layer.to_string(), part))));
        name
    }

    /// An initialiser of floats.
    pub fn floats(&mut self, wanted: &str, shape: &[usize], values: &[f32], owner: Option<(&str, Part)>) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(wanted, DataType::Float, shape, bytes, owner)
    }

    /// One float.
    pub fn scalar(&mut self, wanted: &str, value: f64) -> String {
        self.floats(wanted, &[], &[value as f32], None)
    }

    /// An initialiser of one axis of 64-bit integers: shapes, axes, places.
    pub fn integers(&mut self, wanted: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.tensor(wanted, DataType::Int64, &[values.len()], bytes, None)
    }

    /// A line of the file's metadata.
    pub fn describe(&mut self, key: &str, value: impl Into<String>) {
        self.metadata.push((key.into(), value.into()));
    }

    /// The file `file` of a package.
    ///
    /// # Errors
    /// When it would be larger than 2 GiB, which the format does not allow.
    pub fn finish(self, file: &str, graph: &str) -> Result<Package> {
        let mut package = Package { notes: self.notes.into_iter().collect(), ..Package::default() };
        for (tensor, owner) in &self.initializers {
            let (name, bytes) = (tensor.name.as_deref().unwrap_or(""), tensor.raw_data.as_ref().map_or(0, Bytes::len));
            let layer = owner.as_ref().map(|(layer, _)| layer.as_str());
            package.account(file, name, layer, owner.as_ref().map_or(Part::Other, |(_, part)| *part), bytes);
        }
        let set =
            |(domain, version): (&str, i64)| OperatorSetIdProto { domain: Some(domain.into()), version: Some(version) };
        let entry = |(key, value): (String, String)| StringStringEntryProto { key: Some(key), value: Some(value) };
        let model = ModelProto {
            ir_version: Some(self.versions.ir),
            opset_import: std::iter::once(("", self.versions.opset)).chain(self.versions.domains).map(set).collect(),
            producer_name: Some("bitplan".into()),
            producer_version: Some(crate::VERSION.into()),
            metadata_props: self.metadata.into_iter().map(entry).collect(),
            graph: Some(GraphProto {
                name: Some(graph.into()),
                node: self.nodes,
                initializer: self.initializers.into_iter().map(|(tensor, _)| tensor).collect(),
                input: self.inputs,
                output: self.outputs,
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        };
        if model.encoded_len() > MOST_BYTES {
            let found = format!("{} bytes", model.encoded_len());
            let remedy = "choose fewer bits, or a format that writes several files";
            return Err(Error::input(format!("file `{file}`"), found, "at most 2 GiB, as the format has it", remedy));
        }
        package.files.insert(file.into(), model.encode_to_vec());
        Ok(package)
    }
}
