//! `sensitivity` and `sensitivity merge`.

use std::path::Path;

use crate::cli::args::{SensitivityArgs, SensitivityCommand};
use crate::cli::progress::Bars;
use crate::cli::run::{open, outline, read_space};
use crate::cli::{Global, output};
use crate::error::{Error, Result};
use crate::progress::Observer;
use crate::report::measured_text;
use crate::run::Pipeline;
use crate::sensitivity::{LayerSensitivity, SensitivityReport};
use crate::space::Objective;
use crate::trace::{Cells, TraceEstimate, merge};

pub(super) fn sensitivity(args: &SensitivityArgs, global: &Global) -> Result<()> {
    let path = match (&args.command, &args.space) {
        (Some(SensitivityCommand::Merge { parts, output }), None) => return join(parts, output, global),
        (Some(_), Some(_)) => return Err(Error::Usage("`merge` joins files and needs no search space".into())),
        (None, Some(path)) => path,
        (None, None) => return Err(Error::Usage("name a search space".into())),
    };
    let mut space = read_space(path, global)?;
    space.sensitivity.estimator = args.estimator.unwrap_or(space.sensitivity.estimator);
    let (study, mut workspace) = open(outline(space, path, args.out.as_ref(), global)?, path, args.out.as_ref())?;
    let mut bars = Bars::new(global);
    let mut pipeline = Pipeline::new(&study, &mut workspace, &mut bars);
    if let Some(part) = args.part {
        let name = pipeline.traces_part(part)?;
        let file = workspace.path(&name).display().to_string();
        return output::print(global, &serde_json::json!({"format": "bitplan.part/1", "file": &file}), || file.clone());
    }
    if let Some(traces) = &args.traces {
        pipeline.adopt_traces(traces)?;
    }
    let (_, report) = pipeline.sensitivity()?;
    if bars.is_idle() {
        // What was said when it was estimated.
        report.warnings.iter().for_each(|w| bars.warn(w));
        bars.conclude();
    }
    output::print(global, &report, || text(&report))
}

fn join(parts: &[std::path::PathBuf], output: &Path, global: &Global) -> Result<()> {
    let read = |path: &std::path::PathBuf| Ok((path.display().to_string(), Cells::read(path)?));
    let merged = merge(parts.iter().map(read).collect::<Result<Vec<_>>>()?)?;
    merged.write(output)?;
    let missing = merged.missing(merged.begun_rounds());
    let document = serde_json::json!({
        "format": "bitplan.merge/1",
        "file": output.display().to_string(),
        "cells": merged.len(),
        "complete_rounds": merged.complete_rounds(),
        "missing": missing.count as u64,
    });
    output::print(global, &document, || {
        let complete = merged.complete_rounds();
        format!("{}: {} draws, {complete} complete rounds; {missing}", output.display(), merged.len())
    })
}

fn text(report: &SensitivityReport) -> String {
    let average = |t: &TraceEstimate, n: f64| match t.stderr {
        Some(error) => format!("{:10.3e} ± {:8.1e}", t.trace / n, error / n),
        None => format!("{:10.3e} ± unknown ", t.trace / n),
    };
    let line = |l: &LayerSensitivity| {
        let candidates: Vec<String> =
            l.candidates.iter().map(|c| format!("{} {:.3e}", c.candidate, c.sensitivity)).collect();
        let activation = l.activation_trace.map_or(String::new(), |t| format!("  {}", average(&t, 1.0)));
        format!("{:28} {}{activation}   {}", l.name, average(&l.trace, l.parameters as f64), candidates.join("  "))
    };
    let activations = report.layers.iter().any(|l| l.activation_trace.is_some());
    let heading = if activations { "  trace in activations " } else { "" };
    let mut lines =
        vec![format!("{:28} {:21}{heading}   sensitivity of each candidate", "layer", "trace/weight ± s.e.")];
    lines.extend(report.layers.iter().map(line));
    let probes = if report.probes == 1 { "probe" } else { "probes" };
    lines.extend([
        String::new(),
        format!(
            "Trace of the loss's curvature in the layer, divided by its weights; ± one standard error from probes and images \
             ({}, {} images, {} {probes} of each batch).",
            report.estimator, report.images, report.probes
        ),
        match report.objective {
            Objective::Hessian => "Sensitivity: twice the predicted increase of the loss, in nats, with that layer alone quantised.",
            Objective::Linear => "Sensitivity: - trace/weight · weight bits; only differences matter.",
            Objective::Measured => "Sensitivity: twice the measured increase of the loss, in nats, with that layer alone quantised.",
        }
        .into(),
    ]);
    if let Some(measured) = &report.measured {
        lines.extend([String::new(), measured_text(measured)]);
    }
    lines.join("\n")
}
