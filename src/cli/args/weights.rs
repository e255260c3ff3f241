//! The weights of a plan.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::format;
use crate::export::{FORMATS, Format};

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// Plan (bitplan.plan/1, JSON), or packed weights (safetensors)
    pub plan: PathBuf,
    /// Folder of the run with the trained SuperNet [default: the plan's folder]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Search space with the images [default: the run's]
    #[arg(long, value_name = "FILE")]
    pub space: Option<PathBuf>,
}

/// Arguments of `switch`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true).args(["bits", "plan"]))]
pub struct SwitchArgs {
    /// Master checkpoint (bitplan.master/2, safetensors)
    pub checkpoint: PathBuf,
    /// Every layer at the candidate of these weight bits (2 to 8), pinned layers at their pin
    #[arg(long, value_name = "B", value_parser = clap::value_parser!(u8).range(2..=8))]
    pub bits: Option<u8>,
    /// Plan (bitplan.plan/1, JSON)
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// File for the packed weights (safetensors)
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = formats_help())]
pub struct ExportArgs {
    /// Plan (bitplan.plan/1, JSON) in the folder of its run, or packed weights (safetensors)
    pub plan: PathBuf,
    /// What to write; the formats are listed below
    #[arg(long = "to", value_name = "FORMAT", value_parser = format)]
    pub format: &'static dyn Format,
    /// Folder for the files; it is made, and an earlier export in it is replaced
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Folder of the run with the trained SuperNet [default: the plan's folder]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Search space with the network and the images [default: the run's]
    #[arg(long, value_name = "FILE")]
    pub space: Option<PathBuf>,
}

/// The formats, each with what loads it.
fn formats_help() -> String {
    let width = FORMATS.iter().map(|f| f.name().len()).max().unwrap_or_default();
    let lines = FORMATS.iter().map(|f| format!("\n  {:width$}  {}", f.name(), f.about()));
    format!("Formats:{}", lines.collect::<String>())
}
