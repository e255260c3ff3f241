//! Planning: from a search space, or from a table.

use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::format;
use crate::error::ValueFault;
use crate::export::Format;
use crate::table::Policy;

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
    /// Plans with what the tools of an export format run: other candidates are left out, layers that they run as one are tied,
    /// and weight_bytes are the bytes that `export` will write
    #[arg(long = "for", value_name = "FORMAT", requires = "space", conflicts_with = "table", value_parser = format)]
    pub target: Option<&'static dyn Format>,
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
    /// Plans again without each pin, group of tied layers and limit, and with 1 % more of each limit: what they cost
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
