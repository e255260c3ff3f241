//! `forward`: a network, or its quantised form, on arrays.

use std::path::Path;

use crate::cli::args::ForwardArgs;
use crate::cli::progress::Bars;
use crate::cli::{Global, model, output};
use crate::data::npy::read_array_from_npz;
use crate::data::{NamedArray, write_npz};
use crate::error::{Error, Result};
use crate::exec::{Bindings, Executor, Network};
use crate::graph::{Op, Port};
use crate::model::{Model, Start};
use crate::progress::{Observer, Stage};
use crate::supernet::{PackedWeights, bind_float, given_float, load_float};

pub(super) fn forward(args: &ForwardArgs, global: &Global) -> Result<()> {
    output::check_target(&args.output, Some(&args.input))?;
    if args.output.extension().is_some_and(|kind| kind == "npy") {
        return Err(Error::Usage(
            "--output of the kind .npy\n  hint: outputs are an archive of arrays: name it .npz".into(),
        ));
    }
    let mut bars = Bars::new(global);
    let model = model::load(&args.model)?;
    model.notes.iter().for_each(|note| bars.warn(note));
    let (network, bindings) = bind(args, model)?;
    let (samples, batch) = read_inputs(&args.input, network.graph().inputs())?;
    let width = samples.len() / batch;
    let mut executor = Executor::evaluation(&network, global.backend()?)?;
    let mut values = Vec::new();
    bars.start(Stage::new("forward", batch as u64).of("samples"));
    for samples in samples.chunks(args.batch_size as usize * width) {
        values.extend(executor.outputs(&bindings, samples)?.logits);
        bars.at((values.len() / output_width(&network)) as u64, "");
        if bars.stop_requested() {
            return Err(Error::Interrupted);
        }
    }
    bars.finish("");
    let tables = network.graph().nodes().iter().filter_map(|node| match &node.op {
        Op::Embedding(table) => Some(table.tokens),
        _ => None,
    });
    if let Some(rows) = tables.min()
        && values.iter().any(|v| v.is_nan())
        && samples.iter().any(|v| *v >= rows as f32)
    {
        let place = args.input.display().to_string();
        let found = "a number that is no row of a table (its output is not a number)";
        return Err(Error::input(place, found, format!("0 to {}", rows - 1), "the tokenizer of this network"));
    }
    let arrays = split_outputs(&values, batch, network.graph().outputs());
    write_npz(&args.output, &arrays)?;
    let shapes: Vec<(&str, &[usize])> = arrays.iter().map(|a| (a.name.as_str(), a.shape.as_slice())).collect();
    let document = serde_json::json!({
        "format": "bitplan.forward/1", "samples": batch, "file": args.output.display().to_string(),
        "outputs": shapes.iter().map(|(name, shape)| serde_json::json!({"name": name, "shape": shape})).collect::<Vec<_>>(),
    });
    output::print(global, &document, || {
        let shapes: Vec<String> = shapes.iter().map(|(name, shape)| format!("{name} {shape:?}")).collect();
        format!("{} in {}", shapes.join(", "), args.output.display())
    })
}

fn output_width(network: &Network) -> usize {
    network.graph().outputs().iter().map(Port::elements).sum::<usize>().max(1)
}

/// The network with the values that were asked for.
fn bind(args: &ForwardArgs, model: Model) -> Result<(Network, Bindings)> {
    let network = Network::new(model.graph);
    let bindings = match (&args.plan, &args.weights, &model.start) {
        (Some(path), ..) => {
            let packed = PackedWeights::read(path)?;
            if packed.graph() != network.graph() {
                let found = format!("the network `{}`", packed.graph().name);
                let expected = format!("`{}` as it is read from {}", network.graph().name, args.model.model);
                return Err(Error::input(path.display().to_string(), found, expected, "name the network of the plan"));
            }
            packed.bindings(&network)?
        }
        (None, Some(path), start) => bind_float(&network, &load_float(&network, path, &start.tables())?, false)?,
        (None, None, Start::Given(weights)) => bind_float(&network, &given_float(&network, weights)?, false)?,
        (None, None, Start::Random(_)) => {
            let hint = "pass them with --weights FILE, or packed ones with --plan FILE";
            return Err(Error::Usage(format!("`{}` comes without weights\n  hint: {hint}", args.model.model)));
        }
    };
    Ok((network, bindings))
}

/// The samples, each with its inputs one after the other, and how many there are.
fn read_inputs(path: &Path, ports: &[Port]) -> Result<(Vec<f32>, usize)> {
    let mut arrays = Vec::with_capacity(ports.len());
    let mut batch = None;
    for port in ports {
        let (shape, values) = read_array_from_npz(path, &port.name)?;
        let count = match port.batch_axis {
            Some(axis) if shape.len() == port.shape.len() + 1 => shape[axis],
            Some(_) => 0,
            None => 1,
        };
        let mut expected = port.shape.clone();
        if let Some(axis) = port.batch_axis {
            expected.insert(axis, count);
        }
        let wrong = shape != expected || count == 0;
        let other = !wrong && port.batch_axis.is_some() && *batch.get_or_insert(count) != count;
        if wrong || other {
            let place = format!("{}: array `{}`", path.display(), port.name);
            let expected: Vec<String> = match port.batch_axis {
                Some(axis) => {
                    let mut parts: Vec<String> = port.shape.iter().map(ToString::to_string).collect();
                    parts.insert(axis, batch.filter(|&b| b > 0).map_or_else(|| "N".into(), |b| b.to_string()));
                    parts
                }
                None => expected.iter().map(ToString::to_string).collect(),
            };
            let expected = format!("[{}]", expected.join(", "));
            return Err(Error::input(place, format!("the shape {shape:?}"), expected, "see `bitplan inspect`"));
        }
        if let Some(bad) = values.iter().find(|v| port.whole && (v.fract() != 0.0 || **v < 0.0)) {
            let place = format!("{}: array `{}`", path.display(), port.name);
            return Err(Error::input(
                place,
                bad.to_string(),
                "whole numbers from 0 on",
                "numbers of tokens, for example",
            ));
        }
        arrays.push((values, port.batch_axis, port));
    }
    let batch = batch.unwrap_or(1);
    let mut samples = Vec::new();
    for sample in 0..batch {
        for (values, axis, port) in &arrays {
            // What has no batch axis is the same for every sample.
            let Some(axis) = *axis else {
                samples.extend_from_slice(values);
                continue;
            };
            // Blocks in front of the batch axis, each with the batch inside.
            let outer: usize = port.shape[..axis].iter().product();
            let inner = port.elements() / outer;
            (0..outer).for_each(|o| samples.extend_from_slice(&values[(o * batch + sample) * inner..][..inner]));
        }
    }
    Ok((samples, batch))
}

/// The outputs of all samples, each with its batch axis where the network has it.
fn split_outputs(values: &[f32], batch: usize, ports: &[Port]) -> Vec<NamedArray> {
    let width: usize = ports.iter().map(Port::elements).sum();
    let mut start = 0;
    let mut arrays = Vec::with_capacity(ports.len());
    for port in ports {
        let axis = port.batch_axis.unwrap_or(0);
        let outer: usize = port.shape[..axis.min(port.shape.len())].iter().product();
        let inner = port.elements() / outer;
        let mut shape = port.shape.clone();
        if port.batch_axis.is_some() {
            shape.insert(axis, batch);
        }
        // What has no batch axis is the same for every sample.
        let samples = if port.batch_axis.is_some() { batch } else { 1 };
        let blocks = (0..outer).flat_map(|o| (0..samples).map(move |sample| sample * width + start + o * inner));
        let values = blocks.flat_map(|at| values[at..at + inner].iter().copied()).collect();
        arrays.push(NamedArray { name: port.name.clone(), shape, values });
        start += port.elements();
    }
    arrays
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_and_arrays_are_the_same_numbers_wherever_the_batch_axis_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        let ports = [Port::new("a", &[2, 3]), Port { batch_axis: Some(1), ..Port::new("b", &[2, 2]) }];
        let numbers = |n: usize, from: usize| (from..from + n).map(|i| i as f32).collect();
        let arrays = [
            NamedArray { name: "a".into(), shape: vec![4, 2, 3], values: numbers(24, 0) },
            NamedArray { name: "b".into(), shape: vec![2, 4, 2], values: numbers(16, 100) },
        ];
        write_npz(&path, &arrays).unwrap();
        let (samples, batch) = read_inputs(&path, &ports).unwrap();
        assert_eq!(batch, 4);
        assert_eq!(samples[10..20], [6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 102.0, 103.0, 110.0, 111.0]);
        assert_eq!(split_outputs(&samples, batch, &ports), arrays);
        let wrong = [Port::new("a", &[3, 2])];
        let message = read_inputs(&path, &wrong).unwrap_err().to_string();
        assert!(message.contains("found the shape [4, 2, 3], expected [N, 3, 2]"), "{message}");
    }
}
