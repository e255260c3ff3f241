//! Where the batch is: which axis of which input counts samples, and how long the other axes are.

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::graph::Port;
use crate::onnx::graph::OnnxGraph;
use crate::onnx::tensor::ElementKind;
use crate::onnx::value::{Dim, ValueInfo};

use super::LoadOptions;

/// An input with every extent known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Shape in the file for one sample.
    pub shape: Vec<usize>,
    /// The axis of the samples.
    pub batch: Option<usize>,
    /// What its elements are.
    pub kind: ElementKind,
}

impl Input {
    /// How the graph names it.
    pub fn port(&self) -> Port {
        let mut shape = self.shape.clone();
        if let Some(axis) = self.batch.filter(|&axis| axis < shape.len()) {
            shape.remove(axis);
        }
        Port { name: self.name.clone(), shape, batch_axis: self.batch, whole: self.kind != ElementKind::Float }
    }
}

/// Words that exporters call the batch.
const BATCH: [&str; 6] = ["n", "b", "bs", "batch", "batch_size", "batchsize"];

/// The ways to read the inputs, the most natural one first.
pub fn readings(graph: &OnnxGraph, options: &LoadOptions) -> Result<Vec<Vec<Input>>> {
    let inputs: Vec<(&ValueInfo, Vec<Dim>)> =
        graph.inputs.iter().map(|input| Ok((input, dims(graph, input, options)?))).collect::<Result<_>>()?;
    if inputs.is_empty() {
        return Err(Error::input(&graph.place, "no input", "at least one", "export the model with an input"));
    }
    known_extents(graph, options)?;
    let symbol = batch_symbol(&inputs);
    let open = inputs.iter().any(|(_, dims)| dims.first() == Some(&Dim::Unknown));
    let axis = |dims: &[Dim]| match &symbol {
        Some(symbol) => dims.iter().position(|dim| dim == &Dim::Symbol(symbol.clone())),
        None if open => dims.first().filter(|dim| **dim == Dim::Unknown).map(|_| 0),
        None => dims.first().filter(|dim| **dim == Dim::Fixed(1)).map(|_| 0),
    };
    let mut readings = vec![read(graph, &inputs, options, axis)?];
    if symbol.is_none() && !open {
        // The file fixes the batch: one sample of it if that works, else all of it as one.
        let counts: Vec<usize> = inputs
            .iter()
            .filter_map(|(_, dims)| if let Some(Dim::Fixed(n)) = dims.first() { Some(*n) } else { None })
            .collect();
        if let Some((&first, rest)) = counts.split_first()
            && first > 1
            && rest.iter().all(|&n| n == first)
        {
            let one = |dims: &[Dim]| [&[Dim::Fixed(1)], dims.get(1..).unwrap_or_default()].concat();
            let single: Vec<(&ValueInfo, Vec<Dim>)> = inputs.iter().map(|(input, dims)| (*input, one(dims))).collect();
            readings.insert(0, read(graph, &single, options, |_| Some(0))?);
        } else if readings[0].iter().any(|input| input.batch.is_some()) {
            readings.push(read(graph, &inputs, options, |_| None)?);
        }
    }
    Ok(readings)
}

/// Refuses numbers for what the file does not leave open.
fn known_extents(graph: &OnnxGraph, options: &LoadOptions) -> Result<()> {
    let mut open: Vec<&str> = Vec::new();
    for input in &graph.inputs {
        let symbols = input.dims.iter().flatten();
        open.extend(symbols.filter_map(|dim| if let Dim::Symbol(name) = dim { Some(name.as_str()) } else { None }));
        open.push(&input.name);
    }
    match options.extents.keys().find(|name| !open.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let expected = format!("one of {}", open.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "));
            Err(Error::input(&graph.place, format!("the extent {}", quoted(name)), expected, "leave it out"))
        }
    }
}

/// The dimensions with the user's numbers put in.
fn dims(graph: &OnnxGraph, input: &ValueInfo, options: &LoadOptions) -> Result<Vec<Dim>> {
    let Some(dims) = &input.dims else {
        let place = format!("{}, input {}", graph.place, quoted(&input.name));
        let remedy = "export the model with the shapes of its inputs, or set it with onnx.tools.update_model_dims";
        return Err(Error::input(place, "no shape", "at least how many axes it has", remedy));
    };
    let known = |dim: &Dim| match dim {
        Dim::Symbol(symbol) => options.extents.get(symbol).map_or_else(|| dim.clone(), |&n| Dim::Fixed(n)),
        other => other.clone(),
    };
    Ok(dims.iter().map(known).collect())
}

/// The symbol of the batch: one that is called so, else the first that leads an input.
fn batch_symbol(inputs: &[(&ValueInfo, Vec<Dim>)]) -> Option<String> {
    let symbol = |dim: &Dim| if let Dim::Symbol(name) = dim { Some(name.clone()) } else { None };
    let is_batch =
        |name: &String| BATCH.contains(&name.to_lowercase().as_str()) || name.to_lowercase().contains("batch");
    let all = || inputs.iter().flat_map(|(_, dims)| dims.iter().filter_map(symbol));
    let leading = || inputs.iter().filter_map(|(_, dims)| dims.first().and_then(symbol));
    leading().find(is_batch).or_else(|| all().find(is_batch)).or_else(|| leading().next())
}

fn read(
    graph: &OnnxGraph,
    inputs: &[(&ValueInfo, Vec<Dim>)],
    options: &LoadOptions,
    axis: impl Fn(&[Dim]) -> Option<usize>,
) -> Result<Vec<Input>> {
    let one = |(info, dims): &(&ValueInfo, Vec<Dim>)| {
        let batch = axis(dims);
        let open = dims.iter().enumerate().filter(|(i, d)| Some(*i) != batch && !matches!(d, Dim::Fixed(_))).count();
        let extent = |(i, dim): (usize, &Dim)| match dim {
            _ if Some(i) == batch => Ok(1),
            Dim::Fixed(n) => Ok(*n),
            // The input's name stands for its only open axis.
            _ => match options.extents.get(&info.name).filter(|_| open == 1) {
                Some(&n) => Ok(n),
                None => Err(unknown(graph, info, i, dim, open)),
            },
        };
        let shape = dims.iter().enumerate().map(extent).collect::<Result<_>>()?;
        Ok(Input { name: info.name.clone(), shape, batch, kind: info.kind })
    };
    inputs.iter().map(one).collect()
}

fn unknown(graph: &OnnxGraph, info: &ValueInfo, axis: usize, dim: &Dim, open: usize) -> Error {
    let place = format!("{}, input {}", graph.place, quoted(&info.name));
    let (found, option) = match dim {
        Dim::Symbol(name) => (format!("an axis {axis} of the open extent {}", quoted(name)), name.as_str()),
        _ => (format!("an axis {axis} without extent"), info.name.as_str()),
    };
    let remedy = match dim {
        Dim::Unknown if open > 1 => "export the model with fixed extents of all axes but the batch".to_string(),
        _ => format!("say it with --extent {option}=N"),
    };
    Error::input(place, found, "an extent for every axis but the batch", remedy)
}
