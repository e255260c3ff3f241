//! `inspect`: the layers of a network.

use serde::Serialize;

use crate::cli::args::InspectArgs;
use crate::cli::{Global, output};
use crate::error::{Error, Result};
use crate::graph::LayerCost;
use crate::space::Zoo;
use crate::zoo::Architecture;

#[derive(Serialize)]
struct Row {
    name: String,
    weight_shape: Vec<usize>,
    #[serde(flatten)]
    cost: LayerCost,
}

pub(super) fn inspect(args: &InspectArgs, global: &Global) -> Result<()> {
    let zoo: Zoo = serde_json::from_value(serde_json::Value::String(args.model.clone())).map_err(|_| {
        Error::Usage(format!(
            "no built-in network `{}`\n  hint: the built-in networks are resnet8, resnet8_keras and resnet20",
            args.model
        ))
    })?;
    let extents: Vec<usize> = args.input.split('x').map_while(|n| n.parse().ok()).collect();
    let fits = |input: &[usize; 3]| args.input.split('x').count() == 3 && input.iter().all(|n| (1..=4096).contains(n));
    let input: [usize; 3] = extents.try_into().ok().filter(fits).ok_or_else(|| {
        let hint = "write CxHxW, for example 3x32x32, each from 1 to 4096";
        Error::Usage(format!(
            "--input `{}`
  hint: {hint}",
            args.input
        ))
    })?;
    let graph = Architecture { zoo, input, classes: args.classes as usize }.build()?;
    let rows: Vec<Row> = graph
        .layers()
        .into_iter()
        .zip(LayerCost::of(&graph))
        .map(|(layer, cost)| Row { name: layer.name, weight_shape: layer.weight_shape, cost })
        .collect();
    output::print(global, &serde_json::json!({"format": "bitplan.inspect/1", "layers": &rows}), || text(&rows))
}

fn text(rows: &[Row]) -> String {
    let mut lines = vec![format!("{:28} {:>16} {:>10} {:>12} {:>12}", "layer", "weight", "weights", "MACs", "input")];
    for r in rows {
        let shape = r.weight_shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
        let LayerCost { parameters, macs, input_elements, .. } = r.cost;
        lines.push(format!("{:28} {shape:>16} {parameters:>10} {macs:>12} {input_elements:>12}", r.name));
    }
    let sum = |of: fn(&LayerCost) -> u64| rows.iter().map(|r| of(&r.cost)).sum::<u64>();
    lines.push(format!("{:28} {:>16} {:>10} {:>12}", "total", "", sum(|c| c.parameters), sum(|c| c.macs)));
    lines.join("\n")
}
