//! `inspect`: what a network is made of.

use serde::Serialize;

use crate::cli::args::InspectArgs;
use crate::cli::graph_text::{groups_text, memory_text};
use crate::cli::{Global, model, output};
use crate::error::Result;
use crate::graph::liveness::float_bits;
use crate::graph::{GroupKind, LayerCost, Liveness, NodeWork, Parameter, Port, Role, groups};
use crate::model::Model;

#[derive(Serialize)]
struct Row {
    name: String,
    weight_shape: Vec<usize>,
    #[serde(flatten)]
    cost: LayerCost,
}

pub(super) fn inspect(args: &InspectArgs, global: &Global) -> Result<()> {
    let Model { graph, notes, .. } = model::load(&args.model)?;
    let mut found = groups(&graph, &[GroupKind::Fused, GroupKind::SharedInput, GroupKind::Residual]);
    // Siblings that are fused share their input anyway.
    let fused: Vec<Vec<usize>> =
        found.iter().filter(|g| g.kind == GroupKind::Fused).map(|group| group.layers.clone()).collect();
    found.retain(|group| group.kind != GroupKind::SharedInput || !fused.contains(&group.layers));
    let memory = Liveness::new(&graph, &float_bits(&graph));
    let learnt = |p: &&Parameter| !p.is_statistic() && p.role != Role::Table;
    let parameters: usize = graph.parameters().iter().filter(learnt).map(Parameter::elements).sum();
    let macs: u64 = NodeWork::of(&graph).iter().map(|work| work.macs).sum();
    let rows: Vec<Row> = graph
        .layers()
        .into_iter()
        .zip(LayerCost::of(&graph))
        .map(|(layer, cost)| Row { name: layer.name, weight_shape: layer.weight_shape, cost })
        .collect();
    let document = serde_json::json!({
        "format": "bitplan.inspect/1", "network": graph.name, "inputs": graph.inputs(), "outputs": graph.outputs(),
        "layers": &rows, "parameters": parameters, "macs": macs, "groups": found, "peak_activation_bytes": memory.peak_bytes(), "notes": notes,
    });
    output::print(global, &document, || {
        let mut lines = vec![format!("network {}", graph.name)];
        lines.extend(graph.inputs().iter().map(|p| format!("  in   {}", port(p))));
        lines.extend(graph.outputs().iter().map(|p| format!("  out  {}", port(p))));
        lines.push(String::new());
        lines.push(text(&rows));
        lines.push(format!("parameters {parameters}, with biases, norms and learnt constants"));
        let layers: u64 = rows.iter().map(|row| row.cost.macs).sum();
        if macs > layers {
            lines.push(format!("and {} MACs of products between activations", macs - layers));
        }
        lines.push(String::new());
        if !found.is_empty() {
            lines.push(
                "groups (in a search space: `groups: auto`, or `{auto: [fused, shared_input, residual]}`)".into(),
            );
            lines.push(groups_text(&graph, &found));
            lines.push(String::new());
        }
        lines.push(format!(
            "peak memory of activations, one sample\n{}",
            memory_text(&graph, &[("f32".into(), memory)])
        ));
        lines.extend(notes.iter().map(|note| format!("note: {note}")));
        lines.join("\n")
    })
}

fn port(port: &Port) -> String {
    let mut shape: Vec<String> = port.shape.iter().map(ToString::to_string).collect();
    if let Some(axis) = port.batch_axis {
        shape.insert(axis.min(shape.len()), "N".into());
    }
    let whole = if port.whole { ", whole numbers" } else { "" };
    format!("{} [{}]{whole}", port.name, shape.join(", "))
}

fn text(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0).clamp(28, 60);
    let mut lines =
        vec![format!("{:width$} {:>16} {:>10} {:>12} {:>12}", "layer", "weight", "weights", "MACs", "input")];
    for r in rows {
        let shape = r.weight_shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("x");
        let LayerCost { parameters, macs, input_elements, .. } = r.cost;
        lines.push(format!("{:width$} {shape:>16} {parameters:>10} {macs:>12} {input_elements:>12}", r.name));
    }
    let sum = |of: fn(&LayerCost) -> u64| rows.iter().map(|r| of(&r.cost)).sum::<u64>();
    lines.push(format!("{:width$} {:>16} {:>10} {:>12}", "total", "", sum(|c| c.parameters), sum(|c| c.macs)));
    lines.join("\n")
}
