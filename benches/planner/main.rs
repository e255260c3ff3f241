//! Times a planner on the instances of `instances.rs`: one line of JSON per instance on standard output, after a line
//! `solving` before every run of the solver, so that a caller can hold it to its limit.
//!
//! ```sh
//! cargo bench --bench planner -- [--list] [--solver NAME] [--limit SECONDS] [--instances FOLDER] [NAME...]
//! ```
//!
//! Without names it runs the instances of up to 200 layers. `scripts/bench_planner.py` runs this and the solvers that
//! are not written in Rust, and checks and compares the answers.

mod instances;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bitplan::solve::ilp::Backend;
use bitplan::solve::problem::GroupOption;
use bitplan::solve::{Exact, Ilp, Outcome, Problem, Solution, Solver, StopReason};
use instances::Instance;
use serde_json::{Value, json};

/// Runs of which the median counts, where the first takes no longer than [`SLOW`].
const REPEATS: usize = 5;
/// A run that is not repeated.
const SLOW: Duration = Duration::from_secs(1);
/// Longest that one run may take, unless the command line says otherwise.
const LIMIT: Duration = Duration::from_secs(60);
/// Most layers of the instances that run when none is named.
const UNASKED: usize = 200;

type Fault = Box<dyn std::error::Error>;

/// What the command line asks for.
struct Arguments {
    list: bool,
    solver: String,
    limit: Duration,
    instances: Option<PathBuf>,
    names: Vec<String>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Fault> {
        let solver = OURS.into();
        let mut parsed = Arguments { list: false, solver, limit: LIMIT, instances: None, names: vec![] };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word}: found nothing after it, expected a value"));
            match word.as_str() {
                "--list" => parsed.list = true,
                "--solver" => parsed.solver = value()?,
                "--limit" => parsed.limit = Duration::try_from_secs_f64(value()?.parse()?)?,
                "--instances" => parsed.instances = Some(value()?.into()),
                // What cargo itself passes.
                "--bench" => {}
                name => parsed.names.push(name.into()),
            }
        }
        Ok(parsed)
    }

    fn wants(&self, instance: &Instance) -> bool {
        self.list || self.names.is_empty() && instance.layers <= UNASKED || self.names.contains(&instance.name())
    }
}

/// Name of the solver that the others are compared with.
const OURS: &str = "bitplan";

/// Answers a problem; also how many states were looked at, where the solver counts them.
fn solve(solver: &str, problem: &Problem, limit: Duration) -> Result<(Outcome, Option<u64>), Fault> {
    if solver == OURS {
        let Solution { choices, bound, stop, states, .. } = Exact::default().best(problem, 1, Some(limit))?;
        let choice = choices.into_iter().next().map(|choice| (problem.objective(&choice), choice));
        let outcome = match (choice, stop) {
            (None, None) => Outcome::Infeasible,
            (None, Some(stop)) => Outcome::Unknown { stop },
            (Some((objective, choice)), None) => Outcome::Optimal { choice, objective, bound },
            (Some((objective, choice)), Some(stop)) => Outcome::Feasible { choice, objective, bound, stop },
        };
        return Ok((outcome, Some(states)));
    }
    let peer = Backend::ALL.iter().map(|&backend| Ilp::new(backend)).find(|peer| peer.name() == solver);
    let peer = peer.ok_or_else(|| format!("solver `{solver}`: not compiled in, or unknown"))?;
    Ok((peer.solve(problem, Some(limit))?, None))
}

/// The instance as plain arrays, for programs that do not know this crate.
fn arrays(problem: &Problem) -> Value {
    let each = |number: &dyn Fn(&GroupOption) -> Value| -> Vec<Vec<Value>> {
        problem.groups().iter().map(|g| g.options.iter().map(number).collect()).collect()
    };
    let budgets = problem.budgets();
    let weight = |k: usize| each(&|o| json!(o.cost[k] as i64));
    json!({
        "objective": each(&|o| json!(o.objective)),
        "weight": (0..budgets.len()).map(weight).collect::<Vec<_>>(),
        "limit": budgets.iter().map(|b| b.limit as i64).collect::<Vec<_>>(),
    })
}

/// Writes the arrays of an instance to a folder, once.
fn write(folder: &Path, instance: &Instance, problem: &Problem) -> Result<(), Fault> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("{}.json", instance.name()));
    Ok(std::fs::write(path, serde_json::to_vec(&arrays(problem))?)?)
}

/// Solves an instance, again where that is quick, and describes the answer and the median time.
fn measure(arguments: &Arguments, problem: &Problem) -> Result<Value, Fault> {
    let mut seconds = Vec::with_capacity(REPEATS);
    let (outcome, nodes) = loop {
        println!("solving");
        let start = Instant::now();
        let answer = solve(&arguments.solver, problem, arguments.limit)?;
        let elapsed = start.elapsed();
        seconds.push(elapsed.as_secs_f64());
        if elapsed > SLOW || seconds.len() == REPEATS {
            break answer;
        }
    };
    seconds.sort_by(f64::total_cmp);
    let (status, bound) = match &outcome {
        Outcome::Optimal { bound, .. } => ("optimal", Some(*bound)),
        Outcome::Feasible { bound, stop, .. } => (stopped(*stop), Some(*bound)),
        Outcome::Infeasible => ("infeasible", None),
        Outcome::Unknown { .. } => ("none", None),
    };
    Ok(json!({
        "status": status,
        "objective": outcome.choice().map(|c| problem.objective(c)),
        "bound": bound,
        "seconds": seconds[seconds.len() / 2],
        "runs": seconds.len(),
        "nodes": nodes,
        "choice": outcome.choice(),
    }))
}

/// What an answer without a proof of ours is called: a general solver that ran to its end claims the optimum.
fn stopped(stop: StopReason) -> &'static str {
    match stop {
        StopReason::NoProof => "claimed",
        StopReason::TimeLimit => "time",
        StopReason::StateLimit => "states",
    }
}

fn main() -> Result<(), Fault> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    for instance in Instance::all().filter(|instance| arguments.wants(instance)) {
        if arguments.list {
            println!("{}", instance.name());
            continue;
        }
        let problem = instance.problem()?;
        if let Some(folder) = &arguments.instances {
            write(folder, &instance, &problem)?;
        }
        let mut line = measure(&arguments, &problem)?;
        line["instance"] = json!(instance.name());
        println!("{line}");
    }
    Ok(())
}
