//! A network under construction: tensors, constants and steps, and the account of what they take in the file.

use std::collections::BTreeSet;

use crate::export::litert::schema::{Builtin, Element, Field, Model, Operator, Options, Quantization, Tensor};
use crate::export::litert::weights::bytes;
use crate::export::{Package, Part};

/// Collects tensors and steps.
#[derive(Debug)]
pub(super) struct Network {
    pub model: Model,
    /// Name of the file in the package.
    pub file: &'static str,
    pub package: Package,
    names: BTreeSet<String>,
}

/// Sizes are below 2³¹, as the graph's builder makes sure.
pub(super) fn int(size: usize) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}

/// Shape of a node's output in the file: a batch of one, and maps `[channels, height, width]` with their channels last.
pub(super) fn file_shape(sample: &[usize]) -> Vec<i32> {
    let sizes = match *sample {
        [channels, height, width] => vec![1, height, width, channels],
        _ => [&[1], sample].concat(),
    };
    sizes.into_iter().map(int).collect()
}

/// The axis in the file of an axis of a sample of this rank.
pub(super) fn file_axis(rank: usize, axis: usize) -> usize {
    match (rank, axis) {
        (3, 0) => 3,
        (3, axis) => axis,
        _ => axis + 1,
    }
}

impl Network {
    /// An empty one.
    pub fn new(file: &'static str, description: String) -> Self {
        let model = Model { description, ..Model::default() };
        Self { model, file, package: Package::default(), names: BTreeSet::new() }
    }

    /// A tensor under this name, or, where it is taken, one with dashes behind: tools find tensors by name.
    pub fn tensor(&mut self, name: &str, shape: &[i32], element: Element, quantization: Option<Quantization>) -> i32 {
        let mut name = name.to_string();
        while !self.names.insert(name.clone()) {
            name.push('-');
        }
        self.model.tensors.push(Tensor { name, shape: shape.to_vec(), element, data: Vec::new(), quantization });
        int(self.model.tensors.len() - 1)
    }

    /// Gives a tensor its elements, which belong to a layer's weight or to none.
    pub fn fill(&mut self, tensor: i32, data: Vec<u8>, layer: Option<&str>, part: Part) {
        let Some(tensor) = self.model.tensors.get_mut(tensor as usize) else { return };
        self.package.account(self.file, &tensor.name, layer, part, data.len());
        if let Some(q) = &tensor.quantization {
            let named = |what: &str| format!("{} {what}", tensor.name);
            self.package.account(self.file, &named("scale"), layer, Part::Scales, size_of_val(&q.scale[..]));
            let zero_points = q.scale.len() * size_of::<i64>();
            self.package.account(self.file, &named("zero_point"), layer, Part::ZeroPoints, zero_points);
        }
        tensor.data = data;
    }

    /// A constant of floats.
    pub fn floats(&mut self, name: &str, values: &[f32], shape: &[i32]) -> i32 {
        let tensor = self.tensor(name, shape, Element::Float32, None);
        self.fill(tensor, bytes(values), None, Part::Other);
        tensor
    }

    /// A constant of whole numbers.
    pub fn ints(&mut self, name: &str, values: &[i32], shape: &[i32]) -> i32 {
        let tensor = self.tensor(name, shape, Element::Int32, None);
        self.fill(tensor, values.iter().flat_map(|value| value.to_le_bytes()).collect(), None, Part::Other);
        tensor
    }

    /// A step whose output is a map of floats; the output.
    pub fn step(
        &mut self,
        builtin: Builtin,
        inputs: &[i32],
        options: (u8, &[(u16, Field)]),
        name: &str,
        shape: &[i32],
    ) -> i32 {
        let output = self.tensor(name, shape, Element::Float32, None);
        self.step_into(builtin, 1, inputs, options, output)
    }

    /// A step of this version into a tensor.
    pub fn step_into(
        &mut self,
        builtin: Builtin,
        version: i32,
        inputs: &[i32],
        (table, fields): (u8, &[(u16, Field)]),
        output: i32,
    ) -> i32 {
        let options = Options { table, fields: fields.to_vec() };
        self.model.operators.push(Operator { builtin, version, options, inputs: inputs.to_vec(), output });
        output
    }

    /// Shape of a tensor.
    pub fn shape(&self, tensor: i32) -> Vec<i32> {
        self.model.tensors.get(tensor as usize).map(|t| t.shape.clone()).unwrap_or_default()
    }
}
