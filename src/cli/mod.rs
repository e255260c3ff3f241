//! The command line: arguments, progress, exit codes. Every command is thin: it calls the stages and prints.

mod args;
mod check;
mod eval;
mod export;
mod forward;
mod ggml;
mod graph_text;
mod inspect;
mod model;
mod output;
mod packed;
mod pareto;
mod plan;
mod plan_text;
mod progress;
mod report;
mod run;
mod sensitivity;
mod source;
mod switch;
mod tell;

pub use args::{Cli, Command, Global};

use crate::error::{Error, Result};

/// Runs a parsed command line.
///
/// # Errors
/// Whatever ends the command early; [`Error::exit_code`] gives the exit code.
pub fn dispatch(cli: Cli) -> Result<()> {
    let global = &cli.global;
    if let Some(threads) = global.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(usize::from(threads))
            .build_global()
            .map_err(|e| Error::Usage(format!("--threads {threads}: {e}")))?;
    }
    match &cli.command {
        Command::Run(args) => run::run(args, global),
        Command::Check(args) => check::check(args, global),
        Command::Inspect(args) => inspect::inspect(args, global),
        Command::Forward(args) => forward::forward(args, global),
        Command::Sensitivity(args) => sensitivity::sensitivity(args, global),
        Command::Train(args) => run::train(args, global),
        Command::Plan(args) => plan::plan(args, global),
        Command::Pareto(args) => pareto::pareto(args, global),
        Command::Eval(args) => eval::eval(args, global),
        Command::Switch(args) => switch::switch(args, global),
        Command::Export(args) => export::export(args, global),
        Command::Report(args) => report::report(args, global),
    }
}
