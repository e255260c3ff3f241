//! `export`: the files that a deployment tool loads.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::args::ExportArgs;
use crate::cli::ggml::{of_types, types};
use crate::cli::packed::Named;
use crate::cli::progress::Spinner;
use crate::cli::tell::tell;
use crate::cli::{Global, output};
use crate::error::{Error, Result};
use crate::export::{Format, MANIFEST, Manifest, Package, check, check_folder, write_folder};
use crate::plan::Plan;
use crate::run::{is_finished, output_ranges};
use crate::space::{ModelSource, Space};
use crate::store::{TensorFile, hash_file};
use crate::supernet::PackedWeights;

pub(super) fn export(args: &ExportArgs, global: &Global) -> Result<()> {
    check_folder(&args.output)?;
    let named = Named { file: &args.plan, run: args.run.as_deref(), space: args.space.as_deref() };
    let plan = named.plan()?;
    let types = plan.as_ref().map(|plan| types(args.format, plan)).transpose()?.flatten();
    let (package, manifest) = match types {
        Some(types) => of_types(args, &named, types)?,
        None => of_codes(args, &named, plan.as_ref(), global)?,
    };
    if let Some(plan) = &plan {
        check_planned(args.format, plan, &manifest)?;
    }
    let document = serde_json::to_vec_pretty(&manifest).map_err(|e| Error::Internal(format!("not JSON: {e}")))?;
    let files = package.files.iter().map(|(name, content)| (name.as_str(), content.as_slice()));
    write_folder(&args.output, files.chain([(MANIFEST, document.as_slice())]))?;
    for note in &manifest.notes {
        tell!("note: {note}");
    }
    output::print(global, &manifest, || text(&manifest, &args.output))
}

/// The files of a plan of bit-widths.
fn of_codes(args: &ExportArgs, named: &Named<'_>, plan: Option<&Plan>, global: &Global) -> Result<(Package, Manifest)> {
    let packed = packed(named, plan, global)?;
    let mut deployment = packed.deployment()?;
    if args.format.needs_ranges() {
        check(args.format, &deployment)?;
        deployment.ranges = ranges(named, &packed, global)?;
    }
    // Only formats for the folders of language models ask for one, and say so if there is none.
    deployment.folder = match args.space.as_deref() {
        Some(space) => model_folder(space)?,
        None => named.space().and_then(|space| model_folder(&space)).unwrap_or_default(),
    };
    let master = named.folder().join("master.safetensors");
    if args.format.holds_masters() && master.is_file() {
        // Weights of another run beside it are no fault of the plan: it is exported without masters then.
        let added =
            TensorFile::read(&master).and_then(|file| deployment.add_masters(&file, &master.display().to_string()));
        added.unwrap_or_else(|e| tell!("note: {e}"));
    }
    check(args.format, &deployment)?;
    let package = args.format.write(&deployment)?;
    let manifest = Manifest::of(args.format, &deployment, &package, hash_file(&args.plan)?)?;
    Ok((package, manifest))
}

/// The plan's weights: packed ones that are named, those that the run has written for this plan, or the run's master switched
/// to it.
fn packed(named: &Named<'_>, plan: Option<&Plan>, global: &Global) -> Result<PackedWeights> {
    let Some(plan) = plan else { return PackedWeights::read(named.file) };
    let written = is_finished(named.folder()).then(|| packed_of_run(named.folder(), plan)).flatten();
    if let Some(packed) = written {
        return Ok(packed);
    }
    let master = named.master()?;
    let study = named.study(master.net().network().graph(), global)?;
    named.pack(&master, plan, &study)
}

/// Training images that the ranges of tensors are measured on.
const RANGE_IMAGES: usize = 256;

/// What every node gives on images of the run.
fn ranges(named: &Named<'_>, packed: &PackedWeights, global: &Global) -> Result<BTreeMap<String, [f32; 2]>> {
    let study = named.study(packed.graph(), global)?;
    let network = study.outline.net.network();
    let _spinner = Spinner::new(global, "ranges of all tensors");
    let split = study.train_split(study.outline.space.evaluation.batch_size);
    output_ranges(network, &packed.bindings(network)?, &split, RANGE_IMAGES)
}

/// The packed weights in a run's folder that have the candidates of a plan.
fn packed_of_run(folder: &Path, plan: &Plan) -> Option<PackedWeights> {
    let files = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path());
    let is_packed = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("weights") && name.ends_with(".safetensors")
    };
    let mut packed: Vec<_> = files.filter(is_packed).collect();
    packed.sort();
    packed.into_iter().filter_map(|path| PackedWeights::read(&path).ok()).find(|packed| {
        let choices = packed.choices().iter().map(|layer| (layer.name.as_str(), layer.candidate.to_string()));
        choices.eq(plan.layers.iter().map(|layer| (layer.name.as_str(), layer.candidate.clone())))
    })
}

/// The folder of a Hugging Face model that a search space names.
fn model_folder(space: &Path) -> Result<Option<std::path::PathBuf>> {
    let space = Space::read(space)?;
    Ok(match &space.model.source {
        ModelSource::File { path, .. } => Some(space.folder().join(path)).filter(|path| path.is_dir()),
        ModelSource::Zoo { .. } => None,
    })
}

/// A plan that was made for this format says how many bytes its weights take; they are what is written.
fn check_planned(format: &dyn Format, plan: &Plan, manifest: &Manifest) -> Result<()> {
    if plan.provenance.target.as_deref() != Some(format.name()) || !format.writes_weights() {
        return Ok(());
    }
    for layer in &plan.layers {
        let Some(written) = manifest.layers.iter().find(|written| written.name == layer.name) else { continue };
        let planned = layer.cost.get("weight_bytes").copied();
        if planned.is_some_and(|planned| planned != written.bytes as f64) {
            let place = format!("plan: layer `{}`", layer.name);
            let found = format!("{} bytes of weights", planned.unwrap_or_default());
            let expected = format!("the {} that are written", written.bytes);
            return Err(Error::input(place, found, expected, "plan again: it was made for other weights"));
        }
    }
    Ok(())
}

fn text(manifest: &Manifest, folder: &Path) -> String {
    let width = manifest.files.iter().map(|file| file.name.chars().count()).max().unwrap_or(0).max(4);
    let line = |name: &str, numbers: [&str; 3]| {
        let [bytes, tensors, structure] = numbers;
        format!("{name:width$} {bytes:>12} {tensors:>12} {structure:>12}")
    };
    let mut lines = vec![line("file", ["bytes", "tensors", "structure"])];
    lines.extend(manifest.files.iter().map(|file| {
        let [bytes, tensors, structure] = [file.bytes, file.tensor_bytes, file.structure_bytes].map(|n| n.to_string());
        line(&file.name, [&bytes, &tensors, &structure])
    }));
    let (weights, tools) = (manifest.weight_bytes, manifest.tools.join(", "));
    lines.push(format!("\nplan `{}` as {} for {tools}", manifest.plan, manifest.to));
    let account = format!("every tensor in {}/{MANIFEST}", folder.display());
    lines.push(match manifest.layers.iter().all(|layer| layer.bytes == layer.predicted_bytes) {
        true => format!("{weights} bytes of weights, as predicted; {account}"),
        false => format!("no weights: a recipe; {}/{MANIFEST}", folder.display()),
    });
    lines.join("\n")
}
