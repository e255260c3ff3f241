//! Types of the command line; no actions.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use crate::error::{Result, ValueFault};
use crate::exec::engine::Memory;
use crate::exec::{Backend, Device};
use crate::space::EstimatorName;
use crate::table::Policy;
use crate::trace::Part;

const AFTER_HELP: &str = "Examples:
  bitplan run search_spaces/fashion_mnist_resnet8.yaml
  bitplan plan search_spaces/fashion_mnist_resnet8.yaml --budget bitops=40%
  bitplan inspect model.onnx
  bitplan forward model.onnx --input images.npz -o logits.npz
  bitplan plan --table examples/hawqv3_resnet18.csv --budget gbops=50% --budget latency_ms=5 --k-best 3
  bitplan pareto --table examples/hawqv3_resnet18.csv --budget gbops

Exit codes:
  0    done
  1    internal error
  2    wrong command line
  3    wrong input file
  4    no plan satisfies the budgets
  5    stopped before a proof; the best plan is still printed
  130  interrupted; run the same command again to resume";

const SENSITIVITY_EXAMPLES: &str = "Examples:
  bitplan sensitivity space.yaml --estimator gauss_newton_exact
  bitplan sensitivity space.yaml --out part-1 --part 1/3      (and 2/3, 3/3, in any process on any machine)
  bitplan sensitivity merge part-*/traces-*-of-3.json -o traces.json
  bitplan sensitivity space.yaml --traces traces.json";

/// Finds the best bit-width for every layer of a network under budgets, with a proof, and the weights that run at it.
#[derive(Debug, Parser)]
#[command(name = "bitplan", version, max_term_width = 100, propagate_version = true, after_help = AFTER_HELP)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Seed of all random streams, instead of the search space's
    #[arg(long, global = true, value_name = "N")]
    pub seed: Option<u64>,
    /// Threads; the results do not depend on it [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Where networks are trained and evaluated: cpu, plain (candle's operations on the processor, slow), cuda or cuda:N,
    /// metal. Sensitivities are always estimated on the processor
    #[arg(long, global = true, value_name = "DEVICE", default_value_t, value_parser = device)]
    pub device: Device,
    /// Keeps every activation of a training step on `cpu` instead of computing the cheap ones again: twice the memory of
    /// activations, same results
    #[arg(long, global = true)]
    pub keep_activations: bool,
    /// Prints one JSON document on standard output and nothing else there, errors included
    #[arg(long, global = true)]
    pub json: bool,
    /// Shows no progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

impl Global {
    /// Where networks run.
    ///
    /// # Errors
    /// When there is no such device.
    pub fn backend(&self) -> Result<Backend> {
        self.device.open()?;
        let memory = if self.keep_activations { Memory::Keep } else { Memory::Recompute };
        Ok(Backend { device: self.device, memory })
    }
}

fn device(text: &str) -> std::result::Result<Device, String> {
    text.parse().map_err(|fault: ValueFault| fault.with_hint())
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs everything: training, sensitivities, plans, packed weights, report; skips what is done, resumes what is not
    Run(SpaceArgs),
    /// Validates a search space and its data; prints the layers and the feasible range of every budget
    Check(CheckArgs),
    /// Prints the layers, shapes, parameters and MACs of a network
    Inspect(InspectArgs),
    /// Runs a network, or its quantised form, on arrays: a check of what was read from a file
    Forward(ForwardArgs),
    /// Estimates Hessian traces with standard errors, and the sensitivity of every candidate; `merge` joins the traces of
    /// several processes
    Sensitivity(SensitivityArgs),
    /// Trains: FP32 if needed, then multi-precision, then, after the sensitivities, the mixed-precision SuperNet
    Train(SpaceArgs),
    /// Finds the best plan within budgets, with a proof
    Plan(PlanArgs),
    /// Finds the front of all best plans against one budget: pass it as `--budget NAME`, others as `--budget NAME=VALUE`
    Pareto(ParetoArgs),
    /// Measures accuracy and loss of a plan on the trained SuperNet, from packed integer weights
    Eval(EvalArgs),
    /// Switches a master checkpoint to the bits of a plan or to uniform bits, in integers, and packs it
    Switch(SwitchArgs),
    /// Prints the report of a finished run
    Report(ReportArgs),
}

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

/// A network, wherever it comes from.
#[derive(Debug, Args)]
pub struct ModelArgs {
    /// An ONNX file, the folder of a Hugging Face model, the network.safetensors of a run, or the name of a built-in network
    pub model: String,
    /// Input of a built-in network: channels, height and width in pixels, or positions
    #[arg(long, value_name = "CxHxW", default_value = "3x32x32")]
    pub shape: String,
    /// Classes of a built-in network
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=65_536))]
    pub classes: u32,
    /// An extent that a file leaves open, such as positions=64; repeatable
    #[arg(long = "extent", value_name = "NAME=N", value_parser = extent)]
    pub extents: Vec<(String, usize)>,
}

fn extent(text: &str) -> std::result::Result<(String, usize), String> {
    let (name, number) = text.split_once('=').ok_or("write NAME=N, for example positions=64")?;
    let number = number.parse().ok().filter(|n| (1..=1 << 24).contains(n));
    Ok((name.into(), number.ok_or("the extent is a whole number from 1 to 16777216")?))
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Which network.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Arguments of `forward`.
#[derive(Debug, Args)]
pub struct ForwardArgs {
    /// Which network.
    #[command(flatten)]
    pub model: ModelArgs,
    /// Arrays (.npz), named as the network's inputs, with the batch axis where the file has it
    #[arg(long, value_name = "FILE")]
    pub input: PathBuf,
    /// Where the outputs go (.npz), named as the network's
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// FP32 weights (safetensors) instead of those that came with the network
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub weights: Option<PathBuf>,
    /// Packed weights of a plan of this network (safetensors, from `run` or `switch`): runs its quantised form
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Samples that are run at a time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub batch_size: u32,
}

/// Where sensitivities and costs come from, and what limits them.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").required(true).args(["space", "table"]))]
pub struct SourceArgs {
    /// Search space (YAML); its sensitivities are measured first if needed
    pub space: Option<PathBuf>,
    /// Planning table instead of a search space: bitplan.table/1 (JSON), or CSV with a row for each layer and candidate and the
    /// columns layer, candidate, sensitivity, cost.NAME…, and if wanted stderr, weight_bits, activation_bits, parameters, group
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// Upper limit of a cost, repeatable. A search space has bitops (per inference), weight_bytes (codes and scales),
    /// model_bytes (all that is stored), avg_weight_bits (over weights) and layer_avg_weight_bits (over layers); a table has the
    /// costs that it names, and the two averages where it states bits. VALUE is a
    /// number with K, M, G, T, KiB, MiB or GiB, a share of the costliest uniform choice (50%), or a candidate that stands
    /// for its uniform choice (w4a4) [default: the budgets of the search space's first plan]
    #[arg(long, value_name = "NAME=VALUE")]
    pub budget: Vec<String>,
    /// A layer that must take a candidate, and with it the layers that are tied to it, repeatable
    #[arg(long, value_name = "LAYER=CANDIDATE")]
    pub pin: Vec<String>,
    /// Sensitivities that cannot be losses: strict refuses a negative one, keep takes all as they are, clamp takes a
    /// negative one as 0, monotone also lets no candidate lose less than one with more bits. Every change is printed
    #[arg(long, value_name = "POLICY", default_value_t, value_parser = policy)]
    pub sensitivities: Policy,
    /// Folder of the results [default: results/NAME of the search space]
    #[arg(long, value_name = "DIR", requires = "space")]
    pub out: Option<PathBuf>,
}

fn policy(text: &str) -> Result<Policy, String> {
    text.parse().map_err(|fault: ValueFault| fault.with_hint())
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What to plan.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The best K plans: the plan, and K - 1 alternatives with what they change and lose
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub k_best: u32,
    /// Plans again without each pin and each group of tied layers: what they cost
    #[arg(long)]
    pub explain: bool,
    /// Plans again with sensitivities drawn N times from their standard errors: how often each layer keeps its candidate, and
    /// what the plan loses [default: not done]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub stability: Option<u64>,
    /// Who chooses the plan; the proof is always by the exact solver
    #[arg(long, value_name = "NAME", value_enum, default_value_t)]
    pub solver: SolverName,
    /// Wall time after which the best plan so far is written (exit code 5 if it is not proved), in seconds [default: none]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub time_limit: Option<f64>,
    /// File for the plan [default: none, only printed]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `pareto`.
#[derive(Debug, Args)]
pub struct ParetoArgs {
    /// What to plan. One `--budget NAME` without a value: the cost that the front is against.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The plans at N limits, equally spaced from the smallest feasible one to the best plan's [default: every plan of the
    /// front, at most 10000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub points: Option<u32>,
    /// Wall time after which the points so far are given (exit code 5), in seconds [default: none]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub time_limit: Option<f64>,
    /// File for the front (bitplan.pareto/1, JSON) [default: none, only printed]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Solvers to choose from.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum SolverName {
    /// The exact solver of this program
    #[default]
    Exact,
    /// The general integer solver microlp
    Microlp,
    /// The general integer solver HiGHS
    #[cfg(feature = "highs")]
    Highs,
}

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

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Folder of a finished run
    pub run: PathBuf,
    /// Prints Markdown instead of text
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
