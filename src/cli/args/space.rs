//! A search space, its sensitivities and its results.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::space::EstimatorName;
use crate::trace::Part;

const SENSITIVITY_EXAMPLES: &str = "Examples:
  bitplan sensitivity space.yaml --estimator gauss_newton_exact
  bitplan sensitivity space.yaml --out part-1 --part 1/3      (and 2/3, 3/3, in any process on any machine)
  bitplan sensitivity merge part-*/traces-*-of-3.json -o traces.json
  bitplan sensitivity space.yaml --traces traces.json";

/// A search space and where its results go.
#[derive(Debug, Args)]
pub struct SpaceArgs {
    /// Search space (YAML)
    pub space: PathBuf,
    /// Folder of the results [default: results/NAME of the search space]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `sensitivity`.
#[derive(Debug, Args)]
#[command(subcommand_negates_reqs = true, after_help = SENSITIVITY_EXAMPLES)]
pub struct SensitivityArgs {
    /// Search space (YAML)
    #[arg(required = true)]
    pub space: Option<PathBuf>,
    /// Who estimates the traces, for this command only (others, as `plan`, use the search space's and draw again): auto,
    /// gauss_newton, gauss_newton_exact, fisher, hutchinson, hutchinson_gaussian, hutchpp, xtrace or exact
    #[arg(long, value_name = "NAME", value_parser = estimator)]
    pub estimator: Option<EstimatorName>,
    /// Draws only part K of N of all max_probes probes, for one of N processes, and writes DIR/traces-K-of-N.json; `merge`
    /// joins the parts
    #[arg(long, value_name = "K/N", value_parser = part)]
    pub part: Option<Part>,
    /// Traces of other processes (bitplan.traces/1, JSON), merged; what they lack is drawn
    #[arg(long, value_name = "FILE", conflicts_with = "part")]
    pub traces: Option<PathBuf>,
    /// Folder of the results [default: results/NAME of the search space]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Merging.
    #[command(subcommand)]
    pub command: Option<SensitivityCommand>,
}

/// Commands of `sensitivity`.
#[derive(Debug, Subcommand)]
pub enum SensitivityCommand {
    /// Joins the traces of several processes or machines; what uses the result gives, to the last bit, the traces of
    /// one process
    Merge {
        /// Parts (bitplan.traces/1, JSON)
        #[arg(required = true)]
        parts: Vec<PathBuf>,
        /// File for the joined traces
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

fn estimator(text: &str) -> Result<EstimatorName, String> {
    serde_json::from_value(serde_json::Value::String(text.into())).map_err(|e| e.to_string())
}

fn part(text: &str) -> Result<Part, String> {
    Part::parse(text).map_err(|fault| fault.with_hint())
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Search space (YAML)
    pub space: PathBuf,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folder of a run, finished or not; of several runs, to compare them
    #[arg(required = true, value_name = "RUN_DIR")]
    pub runs: Vec<PathBuf>,
    /// The page [default: report.html in the folder of the run; comparison.html here for several runs]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Prints Markdown instead of text
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}
