//! Types of the command line; no actions.

mod network;
mod planning;
mod space;
mod weights;

use clap::{Args, Parser, Subcommand};

pub use network::{ForwardArgs, InspectArgs, ModelArgs};
pub use planning::{ParetoArgs, PlanArgs, SolverName, SourceArgs};
pub use space::{CheckArgs, ReportArgs, SensitivityArgs, SensitivityCommand, SpaceArgs};
pub use weights::{EvalArgs, ExportArgs, SwitchArgs};

use crate::error::{Result, ValueFault};
use crate::exec::engine::Memory;
use crate::exec::{Backend, Device};
use crate::export::{Format, format_of};

const AFTER_HELP: &str = "Examples:
  bitplan run search_spaces/fashion_mnist_resnet8.yaml
  bitplan plan search_spaces/fashion_mnist_resnet8.yaml --budget bitops=40%
  bitplan inspect model.onnx
  bitplan forward model.onnx --input images.npz -o logits.npz
  bitplan plan --table examples/hawqv3_resnet18.csv --budget gbops=50% --budget latency_ms=5 --k-best 3
  bitplan report results/fashion_mnist_resnet8
  bitplan pareto --table examples/hawqv3_resnet18.csv --budget gbops

Exit codes:
  0    done
  1    internal error
  2    wrong command line
  3    wrong input file
  4    no plan satisfies the budgets
  5    stopped before a proof; the best plan is still printed
  130  interrupted; run the same command again to resume";

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
    /// Writes the files that a deployment tool loads, with an account of every byte; refuses what the tool cannot run
    Export(ExportArgs),
    /// Makes the report of a run, finished or not: a page, and the same as text; of several runs, a comparison
    Report(ReportArgs),
}

fn format(text: &str) -> std::result::Result<&'static dyn Format, String> {
    format_of(text).map_err(|fault| fault.with_hint())
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
