//! `run` and `train`: the stages.

use std::path::{Path, PathBuf};

use crate::cli::args::SpaceArgs;
use crate::cli::progress::Bars;
use crate::cli::{Global, output};
use crate::error::Result;
use crate::report::accuracy_table;
use crate::run::{Outline, PAGE, Pipeline, Study, Workspace, all_proved, begun, settle};
use crate::space::Space;

/// Reads a search space; `--seed` replaces its seed.
pub(super) fn read_space(path: &Path, global: &Global) -> Result<Space> {
    let mut space = Space::read(path)?;
    space.seed = global.seed.unwrap_or(space.seed);
    Ok(space)
}

/// Folder of the results.
pub(super) fn folder(space: &Space, out: Option<&PathBuf>) -> PathBuf {
    out.cloned().unwrap_or_else(|| Path::new("results").join(&space.name))
}

/// The search space with the network that is quantised; one whose convolutions learn their groups is trained for it first.
pub(super) fn outline(space: Space, path: &Path, out: Option<&PathBuf>, global: &Global) -> Result<Outline> {
    let outline = Outline::new(space)?.on(global.backend()?);
    let folder = folder(&outline.space, out);
    settle(outline, &folder, path, &mut Bars::new(global))
}

/// Everything that a command on a search space works with.
pub(super) fn open(outline: Outline, space: &Path, out: Option<&PathBuf>) -> Result<(Study, Workspace)> {
    let folder = folder(&outline.space, out);
    let study = Study::open(outline)?;
    let workspace = begun(&study, &folder, space)?;
    Ok((study, workspace))
}

pub(super) fn run(args: &SpaceArgs, global: &Global) -> Result<()> {
    let outline = Outline::new(read_space(&args.space, global)?)?.on(global.backend()?);
    let folder = folder(&outline.space, args.out.as_ref());
    let mut bars = Bars::new(global);
    let report = crate::run::run(outline, &folder, &args.space, &mut bars)?;
    bars.conclude();
    output::print(global, &report, || {
        let files =
            "plan.json (the plan), weights.safetensors (its packed weights), master.safetensors (all precisions)";
        let page = folder.join(PAGE);
        format!("{}\n{}: {files}\nreport: {}", accuracy_table(&report), folder.display(), page.display())
    })?;
    all_proved(&report)
}

pub(super) fn train(args: &SpaceArgs, global: &Global) -> Result<()> {
    let outline = outline(read_space(&args.space, global)?, &args.space, args.out.as_ref(), global)?;
    let (study, mut workspace) = open(outline, &args.space, args.out.as_ref())?;
    Pipeline::new(&study, &mut workspace, &mut Bars::new(global)).supernet()?;
    let files = ["supernet.safetensors", "master.safetensors"].map(|f| workspace.path(f).display().to_string());
    let document = serde_json::json!({"format": "bitplan.train/1", "seconds": workspace.seconds(), "files": &files});
    output::print(global, &document, || files.join("\n"))
}
