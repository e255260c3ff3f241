//! Plans of ggml types: the table that they are made from, and their files.

use std::collections::BTreeMap;

use crate::cli::Global;
use crate::cli::args::ExportArgs;
use crate::cli::packed::Named;
use crate::cli::progress::{Bars, Spinner};
use crate::error::{Error, Result};
use crate::export::gguf::{GgmlPlan, GgmlType, write};
use crate::export::{Format, LayerBytes, Manifest, Package, Subject, site};
use crate::graph::Graph;
use crate::model::{Model, Start};
use crate::plan::Plan;
use crate::run::{Outline, Pipeline, Study, Workspace, ggml_planning_table};
use crate::space::{Candidate, ModelSource, Space};
use crate::store::hash_file;
use crate::table::PlanningTable;

/// Fails if the tools of a format run other networks than this, before anything is measured for them.
///
/// # Errors
/// [`Error::Input`] naming the first layer that they do not run even as floats.
pub(super) fn check_network(format: &dyn Format, outline: &Outline) -> Result<()> {
    let graph: &Graph = outline.net.network().graph();
    for (place, layer) in graph.layers().iter().zip(&outline.scheme().layers) {
        if let Err(why) = format.stored(&site(graph, place, layer.group()), Candidate::FP32) {
            let expected = format!("one that {} runs: {why}", format.name());
            return Err(Error::input(format!("layer `{}`", layer.name), "this layer", expected, "name another format"));
        }
    }
    Ok(())
}

/// The planning table of ggml types; measures sensitivities if that has not been done.
///
/// # Errors
/// As the stages.
pub(super) fn table(study: &Study, workspace: &mut Workspace, global: &Global) -> Result<PlanningTable> {
    let mut bars = Bars::new(global);
    let mut pipeline = Pipeline::new(study, workspace, &mut bars);
    let (_, sensitivity) = pipeline.sensitivity()?;
    let (_, float) = pipeline.float()?;
    let _spinner = Spinner::new(global, "quantising every layer to every type");
    ggml_planning_table(&study.outline, &sensitivity, &float)
}

/// What a plan of ggml types chose; none if its candidates are bit-widths.
///
/// # Errors
/// When it was made for types, the format has none, or some candidates are types and others are not.
pub(super) fn types(format: &dyn Format, plan: &Plan) -> Result<Option<BTreeMap<String, GgmlType>>> {
    let chosen = plan.layers.iter().map(|layer| Some((layer.name.clone(), layer.candidate.parse::<GgmlType>().ok()?)));
    let known = chosen.clone().filter(Option::is_some).count();
    if known == 0 {
        return Ok(None);
    }
    if !format.has_own_types() || known < plan.layers.len() {
        let expected = format!("bit-widths such as w4a16 in every layer for {}", format.name());
        return Err(Error::input("plan", "types of llama.cpp such as q4_0", expected, "export it `--to gguf`"));
    }
    Ok(chosen.collect())
}

/// The files of a plan of ggml types.
///
/// # Errors
/// When the plan's model has no folder, or is not what llama.cpp knows.
pub(super) fn of_types(
    args: &ExportArgs,
    named: &Named<'_>,
    choices: BTreeMap<String, GgmlType>,
) -> Result<(Package, Manifest)> {
    let path = named.space()?;
    let space = Space::read(&path)?;
    let place = path.display().to_string();
    let ModelSource::File { path: folder, .. } = &space.model.source else {
        let expected = "the folder of a Hugging Face model, with its configuration and tokenizer";
        return Err(Error::input(place, "a built-in network", expected, "name the plan's search space with --space"));
    };
    let folder = space.folder().join(folder);
    let Model { graph, start: Start::Given(weights), .. } = Model::load(&space.model.source, space.folder())? else {
        return Err(Error::Internal("a network from a folder without weights".into()));
    };
    if let Some(path) = &space.model.weights {
        let found = format!("weights of another file, {}", path.display());
        let remedy = "put them into the folder as model.safetensors";
        return Err(Error::input(place, found, "those of the folder", remedy));
    }
    let name = args.plan.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let package = write(&GgmlPlan { name: &name, folder: &folder, choices: &choices, weights: &weights })?;
    let shapes: BTreeMap<String, Vec<usize>> =
        graph.layers().into_iter().map(|layer| (layer.name, layer.weight_shape)).collect();
    let layers = choices.iter().map(|(layer, ggml)| {
        let bytes = package.weight_bytes(layer);
        // A head that is the table's tensor has no bytes of its own.
        let own = shapes.get(layer).and_then(|shape| ggml.bytes(shape)).unwrap_or_default();
        let predicted_bytes = if bytes == 0 { 0 } else { own };
        let candidate = ggml.to_string();
        LayerBytes { name: layer.clone(), candidate, stored_bits: ggml.code_bits(), predicted_bytes, bytes }
    });
    let subject = Subject {
        plan: name.clone(),
        plan_hash: hash_file(&args.plan)?,
        network: graph.name,
        normalization: Default::default(),
    };
    let manifest = Manifest::new(args.format, subject, layers.collect(), &package)?;
    Ok((package, manifest))
}
