//! Who reads which tensor of a file, and in which codes each tensor is.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::export::onnx::ModelWriter;
use crate::export::onnx::encoding::Encoding;
use crate::export::{DeployedLayer, Deployment, Part};
use crate::onnx::proto::NodeProto;
use crate::onnx::proto::tensor_proto::DataType;

/// Operators that move numbers and change none.
const MOVES: [&str; 6] = ["Flatten", "Identity", "Reshape", "Slice", "Transpose", "MaxPool"];

/// Those of them that keep all numbers.
const KEEPS: [&str; 4] = ["Flatten", "Identity", "Reshape", "Transpose"];

/// Operators that compute.
const COMPUTES: [&str; 15] = [
    "Add",
    "AveragePool",
    "Clip",
    "Concat",
    "Conv",
    "Gemm",
    "GlobalAveragePool",
    "HardSwish",
    "MatMul",
    "Mul",
    "Pad",
    "ReduceMean",
    "Relu",
    "Sigmoid",
    "Softmax",
];

/// Operators whose constants are factors, terms or parts.
const TAKES_CONSTANTS: [&str; 4] = ["Add", "Concat", "MatMul", "Mul"];

/// Larger than any number that is meant as one: scores of places that must not be seen have it.
const NO_NUMBER: f32 = 1e30;

/// What an operator does with an input.
pub enum Use<'a> {
    /// The input of this layer, in the layer's encoding.
    LayerInput(&'a str, Encoding),
    /// The bias of a layer.
    Bias(&'a DeployedLayer),
    /// A tensor that depends on the input of the network.
    Value,
    /// A constant that is computed with.
    Constant,
    /// Anything else: weights, shapes, limits.
    Parameter,
}

/// A file in which only the weights of layers are quantised.
pub struct Survey<'a> {
    nodes: &'a [NodeProto],
    deployment: &'a Deployment,
    layers: Vec<Option<&'a DeployedLayer>>,
    weights: BTreeSet<&'a str>,
    floats: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    inputs: BTreeSet<String>,
    outputs: BTreeSet<String>,
    makers: BTreeMap<&'a str, usize>,
    readers: BTreeMap<&'a str, Vec<(usize, usize)>>,
    encodings: BTreeMap<&'a str, Encoding>,
}

impl<'a> Survey<'a> {
    /// That of the nodes of a file.
    ///
    /// # Errors
    /// When an operator has no integer form, or the range of what a node gives is not known.
    pub fn new(writer: &ModelWriter, nodes: &'a [NodeProto], deployment: &'a Deployment) -> Result<Self> {
        let named =
            |ports: &[crate::onnx::proto::ValueInfoProto]| ports.iter().filter_map(|p| p.name.clone()).collect();
        let mut survey = Self {
            nodes,
            deployment,
            layers: vec![None; nodes.len()],
            weights: BTreeSet::new(),
            floats: BTreeMap::new(),
            inputs: named(&writer.inputs),
            outputs: named(&writer.outputs),
            makers: BTreeMap::new(),
            readers: BTreeMap::new(),
            encodings: BTreeMap::new(),
        };
        let mut codes = BTreeMap::new();
        for (tensor, owner) in &writer.initializers {
            let (name, bytes) = (tensor.name.clone().unwrap_or_default(), tensor.raw_data.as_deref().unwrap_or(&[]));
            match owner {
                Some((layer, Part::Codes)) => drop(codes.insert(name, layer.as_str())),
                Some(_) => {}
                None if tensor.data_type == Some(DataType::Float as i32) => {
                    let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
                    let shape = tensor.dims.iter().map(|&extent| extent as usize).collect();
                    survey.floats.insert(name, (shape, values));
                }
                None => {}
            }
        }
        survey.read_nodes(&codes)?;
        survey.encode()?;
        Ok(survey)
    }

    /// Notes makers and readers; `codes` are the layers of codes of weights, by the name of the initialiser.
    fn read_nodes(&mut self, codes: &BTreeMap<String, &str>) -> Result<()> {
        let mut layers = BTreeMap::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let (op, name) = (node.op_type.as_deref().unwrap_or(""), node.name.as_deref().unwrap_or(""));
            let layer = node.input.first().and_then(|first| codes.get(first));
            for output in &node.output {
                match layer {
                    Some(&layer) => {
                        self.weights.insert(output);
                        let layer = self.deployment.layers.iter().find(|deployed| deployed.name == layer);
                        layers.insert(output.as_str(), layer);
                    }
                    None => drop(self.makers.insert(output, index)),
                }
            }
            if layer.is_some() {
                continue;
            }
            if !MOVES.contains(&op) && !COMPUTES.contains(&op) {
                let place = format!("network `{}`, node `{name}`", self.deployment.graph.name);
                let expected = format!("one of {}, {}", COMPUTES.join(", "), MOVES.join(", "));
                let remedy = "export it as `onnx`, where only layers are quantised";
                return Err(Error::input(place, format!("the operator {op}"), expected, remedy));
            }
            self.layers[index] = node.input.get(1).and_then(|weight| layers.get(weight.as_str()).copied().flatten());
            for (place, input) in node.input.iter().enumerate() {
                self.readers.entry(input).or_default().push((index, place));
            }
        }
        Ok(())
    }

    /// Gives every tensor that is quantised its encoding. Nodes are in the order in which they run.
    fn encode(&mut self) -> Result<()> {
        let deployment = self.deployment;
        for port in deployment.graph.inputs() {
            let encoding = self.chosen(&port.name)?;
            self.encodings.insert(&port.name, encoding);
        }
        let nodes = self.nodes;
        for tensor in nodes.iter().flat_map(|node| &node.output) {
            if self.is_weight(tensor) || self.is_open(tensor) {
                continue;
            }
            let encoding = match self.moved_from(tensor).and_then(|from| self.encoding(from)) {
                Some(encoding) => encoding,
                None => self.chosen(tensor)?,
            };
            self.encodings.insert(tensor, encoding);
        }
        Ok(())
    }

    /// The encoding of a tensor that is not moved from another.
    fn chosen(&self, tensor: &str) -> Result<Encoding> {
        if self.makers.get(tensor).is_some_and(|&maker| self.op(maker) == "Softmax") {
            return Ok(Encoding::OF_SHARES);
        }
        let members = self.members(tensor);
        let mut wanted: Vec<Option<Encoding>> = Vec::new();
        for member in &members {
            let moves = |&&(index, place): &&(usize, usize)| !(place == 0 && self.is_move(index));
            let readers = self.readers_of(member).iter().filter(moves);
            wanted.extend(readers.map(|&(index, place)| self.layer_encoding(index, place)));
            wanted.extend(self.is_output(member).then_some(None));
        }
        if let Some(&Some(first)) = wanted.first()
            && wanted.iter().all(|&other| other == Some(first))
            && self.upper_limit(tensor).is_none_or(|limit| first.largest() <= limit)
        {
            return Ok(first);
        }
        let name = self.name_of(tensor);
        let place = || format!("network `{}`, node `{name}`", self.deployment.graph.name);
        let Some(range) = self.range(tensor, &members) else {
            let remedy = "export it as `onnx`, where only layers are quantised";
            return Err(Error::input(place(), "no range of what it gives", "one, to make it 8 bits", remedy));
        };
        Encoding::of_range(range).ok_or_else(|| {
            let found = format!("numbers from {} to {}", range[0], range[1]);
            Error::input(place(), found, "finite ones", "look for what makes them so large")
        })
    }

    /// The smallest and the largest number of a tensor.
    fn range(&self, tensor: &str, members: &[&str]) -> Option<[f32; 2]> {
        let known = |name: &str| self.deployment.ranges.get(name).copied();
        let same = members.iter().take_while(|&&member| {
            let keeps = |&index: &usize| KEEPS.contains(&self.op(index));
            member == tensor || self.makers.get(member).is_some_and(keeps)
        });
        let mut names = same.map(|member| self.name_of(member));
        names.find_map(known).or_else(|| self.range_in_front_of_bias(tensor))
    }

    /// That of a product, from the range of its sum with a constant.
    fn range_in_front_of_bias(&self, tensor: &str) -> Option<[f32; 2]> {
        let &[(index, _)] = self.readers_of(tensor) else { return None };
        let node = self.nodes.get(index).filter(|_| self.op(index) == "Add")?;
        let [low, high] = *self.deployment.ranges.get(node.name.as_deref()?)?;
        let (_, values) = node.input.iter().find_map(|input| self.floats.get(input))?;
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Some([low - most, high - least])
    }

    /// A tensor and all that it is moved to.
    fn members<'b>(&'b self, tensor: &'b str) -> Vec<&'b str> {
        let mut members = vec![tensor];
        let mut next = 0;
        while let Some(&member) = members.get(next) {
            let moves = self.readers_of(member).iter().filter(|&&(index, place)| place == 0 && self.is_move(index));
            members.extend(moves.filter_map(|&(index, _)| self.nodes[index].output.first()).map(String::as_str));
            next += 1;
        }
        members
    }

    /// The tensor that a move reads.
    fn moved_from(&self, tensor: &str) -> Option<&'a str> {
        let &maker = self.makers.get(tensor).filter(|&&maker| self.is_move(maker))?;
        self.nodes[maker].input.first().map(String::as_str)
    }

    /// The largest number that a Clip gives.
    fn upper_limit(&self, tensor: &str) -> Option<f64> {
        let &maker = self.makers.get(tensor).filter(|&&maker| self.op(maker) == "Clip")?;
        let (_, values) = self.floats.get(self.nodes[maker].input.get(2)?)?;
        values.first().map(|&limit| f64::from(limit))
    }

    /// Whether only a ReLU or Clip, which is part of the operator then, reads what an operator gives.
    fn is_open(&self, tensor: &str) -> bool {
        let limits = |index: usize| matches!(self.op(index), "Relu" | "Clip");
        let computes = self.makers.get(tensor).is_some_and(|&maker| !self.is_move(maker));
        let reader = matches!(self.readers_of(tensor), &[(index, 0)] if limits(index));
        computes && reader && !self.is_output(tensor)
    }

    fn is_move(&self, index: usize) -> bool {
        MOVES.contains(&self.op(index))
    }

    fn op(&self, index: usize) -> &'a str {
        self.nodes.get(index).and_then(|node| node.op_type.as_deref()).unwrap_or("")
    }

    fn readers_of(&self, tensor: &str) -> &[(usize, usize)] {
        self.readers.get(tensor).map_or(&[], Vec::as_slice)
    }

    /// The name of the node of the graph that gives a tensor.
    fn name_of<'b>(&'b self, tensor: &'b str) -> &'b str {
        match self.makers.get(tensor) {
            Some(&maker) => self.nodes[maker].name.as_deref().unwrap_or(tensor),
            None => &self.deployment.graph.nodes()[0].name,
        }
    }

    /// The encoding in which a node reads an input, if it is a layer and this its input.
    fn layer_encoding(&self, index: usize, place: usize) -> Option<Encoding> {
        let layer = self.layers.get(index).copied().flatten().filter(|_| place == 0)?;
        layer.activation.map(Encoding::of_input)
    }

    /// Whether a tensor is the weight of a layer.
    pub fn is_weight(&self, tensor: &str) -> bool {
        self.weights.contains(tensor)
    }

    /// Whether a tensor is an output of the file.
    pub fn is_output(&self, tensor: &str) -> bool {
        self.outputs.contains(tensor)
    }

    /// The encoding of what a node gives; none where it is not quantised, or no node gives it.
    pub fn encoding(&self, tensor: &str) -> Option<Encoding> {
        self.encodings.get(tensor).copied()
    }

    /// What the node at a place of the file does with an input.
    pub fn use_of(&self, index: usize, place: usize, tensor: &str) -> Use<'_> {
        let layer = self.layers.get(index).copied().flatten();
        match (layer, self.layer_encoding(index, place)) {
            (Some(layer), Some(encoding)) => Use::LayerInput(&layer.name, encoding),
            (Some(layer), None) if place == 2 => Use::Bias(layer),
            _ if self.inputs.contains(tensor) || self.makers.contains_key(tensor) => Use::Value,
            _ if self.floats.contains_key(tensor) && TAKES_CONSTANTS.contains(&self.op(index)) => Use::Constant,
            _ => Use::Parameter,
        }
    }

    /// Shape and elements of an initialiser of floats.
    ///
    /// # Errors
    /// When there is none.
    pub fn floats(&self, tensor: &str) -> Result<(&[usize], &[f32])> {
        let found = self.floats.get(tensor).map(|(shape, values)| (shape.as_slice(), values.as_slice()));
        found.ok_or_else(|| Error::Internal(format!("`{tensor}` is no constant")))
    }

    /// The encoding of a constant.
    ///
    /// # Errors
    /// When its numbers are so large that nothing else is left in 8 bits.
    pub fn encoding_of_constant(&self, tensor: &str, values: &[f32]) -> Result<Encoding> {
        let least = values.iter().copied().fold(0.0, f32::min);
        let most = values.iter().copied().fold(0.0, f32::max);
        let usable = -least < NO_NUMBER && most < NO_NUMBER;
        Encoding::of_range([least, most]).filter(|_| usable).ok_or_else(|| {
            let place = format!("network `{}`, constant `{tensor}`", self.deployment.graph.name);
            let remedy = "export it as `onnx`, where only layers are quantised";
            Error::input(
                place,
                format!("numbers from {least:e} to {most:e}"),
                "numbers that 8 bits can tell apart",
                remedy,
            )
        })
    }
}
