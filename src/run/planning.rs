//! The planning stage, and plans as configurations.

use crate::error::{Error, Result};
use crate::graph::Liveness;
use crate::graph::liveness::{float_bits, quantized_bits};
use crate::plan::{Origin, Plan, PlanLayer, Provenance, Search, Status, bindings, optimize, stability, verify};
use crate::progress::Stage;
use crate::report::{Memory, MemoryProfile};
use crate::run::pipeline::{key, plan_file};
use crate::run::table::whole_table;
use crate::run::{Pipeline, Study};
use crate::scheme::{LayerScheme, Scheme};
use crate::store::{write_atomic, write_json};
use crate::table::{Budget, PlanningTable, RawTable};

/// The planning problem of a run.
pub(super) const TABLE: &str = "table.json";

/// Activation memory of a run's networks.
pub(super) const MEMORY: &str = "memory.json";

/// Draws of the sensitivities that every plan is held against.
const DRAWS: u64 = 200;

impl Pipeline<'_> {
    /// The best plan for every set of budgets of the search space.
    ///
    /// # Errors
    /// [`Error::Infeasible`] when budgets cannot be met; when a file cannot be written.
    pub fn plans(&mut self) -> Result<(String, Vec<(String, Plan)>)> {
        let (sensitivity_key, sensitivity) = self.sensitivity()?;
        let outline = &self.study.outline;
        let requests = outline.budgets()?;
        let limits: Vec<(&String, Vec<(&String, f64)>)> =
            requests.iter().map(|(n, budgets)| (n, budgets.iter().map(|b| (&b.name, b.limit)).collect())).collect();
        let key = key("plans", &(sensitivity_key, &outline.space.name, outline.scheme(), &outline.latency, limits))?;
        let table = whole_table(outline, &sensitivity)?;
        self.stage("plans", &key, |p| {
            let raw = RawTable::from(&table).to_json()?;
            write_atomic(&p.workspace.path(TABLE), raw.as_bytes())?;
            let mut plans: Vec<(&[Budget], Plan)> = Vec::new();
            p.observer.start(Stage::new("planning", requests.len() as u64).of("plans"));
            for (i, (name, budgets)) in requests.iter().enumerate() {
                let draws = if has_errors(&table) { format!(" --stability {DRAWS}") } else { String::new() };
                let provenance = Provenance {
                    version: crate::VERSION.into(),
                    inputs: [("table".to_string(), crate::store::hash_bytes(raw.as_bytes()))].into(),
                    seed: outline.space.seed,
                    command: format!("bitplan plan --table {TABLE}{} --explain{draws}", arguments(budgets)),
                    target: None,
                };
                let (mut plan, _) = optimize(&table, budgets, Search::default(), provenance)?;
                plan.bindings = bindings(&table, budgets, plan.objective, None)?;
                plan.relieve(&table, None)?;
                plans.push((budgets, plan));
                p.observer.at(i as u64 + 1, name);
                p.go_on()?;
            }
            let proved = plans.iter().filter(|(_, plan)| plan.status == Status::Optimal).count();
            p.observer.finish(&format!("{proved} of {} plans proved optimal for their budgets", requests.len()));
            if has_errors(&table) {
                p.resample(&table, &mut plans)?;
            }
            let mut files = vec![TABLE.to_string(), MEMORY.to_string()];
            write_json(&p.workspace.path(MEMORY), &memory(p.study, &requests, &plans)?)?;
            for (i, ((name, _), (_, plan))) in requests.iter().zip(&plans).enumerate() {
                let file = plan_file("plan", i, name, "json");
                write_atomic(&p.workspace.path(&file), plan.to_json()?.as_bytes())?;
                files.push(file);
            }
            Ok(files)
        })?;
        let read = |(i, (name, _)): (usize, &(String, Vec<Budget>))| {
            let path = self.workspace.path(&plan_file("plan", i, name, "json"));
            let plan = Plan::read(&path)?;
            verify(&plan, &table, Origin::File(&path.display().to_string()))?;
            Ok((name.clone(), plan))
        };
        let plans = requests.iter().enumerate().map(read).collect::<Result<_>>()?;
        Ok((key, plans))
    }

    /// Holds every plan against resampled sensitivities.
    fn resample(&mut self, table: &PlanningTable, plans: &mut [(&[Budget], Plan)]) -> Result<()> {
        let seed = self.study.outline.space.seed;
        for (budgets, plan) in plans {
            plan.stability = Some(stability(table, budgets, plan, DRAWS, seed, None, self.observer)?);
        }
        Ok(())
    }
}

/// Whether any sensitivity has a standard error to resample with.
fn has_errors(table: &PlanningTable) -> bool {
    table.layers().iter().flat_map(|l| &l.candidates).any(|c| c.stderr.is_some())
}

/// Activation memory over the schedule, of FP32 and of every plan.
fn memory(study: &Study, requests: &[(String, Vec<Budget>)], plans: &[(&[Budget], Plan)]) -> Result<Memory> {
    let graph = study.outline.net.network().graph();
    let profile = |network: &str, bits: &[u32]| {
        let Liveness { profile, peak, live_at_peak } = Liveness::new(graph, bits);
        MemoryProfile { network: network.into(), bytes: profile, peak, live: live_at_peak }
    };
    let mut profiles = vec![profile("fp32", &float_bits(graph))];
    for ((name, _), (_, plan)) in requests.iter().zip(plans) {
        let scheme = study.outline.scheme();
        let configuration = configuration_of(scheme, plan)?;
        let bits = (0..scheme.layers.len()).map(|l| u32::from(scheme.candidate(l, &configuration).activation_bits()));
        profiles.push(profile(name, &quantized_bits(graph, &bits.collect::<Vec<_>>())));
    }
    Ok(Memory { nodes: graph.nodes().iter().map(|node| node.name.clone()).collect(), profiles })
}

fn arguments(budgets: &[Budget]) -> String {
    budgets.iter().map(|b| format!(" --budget {}={}", b.name, b.limit)).collect()
}

/// The configuration that a plan chooses.
///
/// # Errors
/// When the plan has other layers, candidates or bits than the scheme.
pub fn configuration_of(scheme: &Scheme, plan: &Plan) -> Result<Vec<usize>> {
    let wrong = |found: String, expected: String| {
        Error::input("plan", found, expected, "make the plan for this network and these candidates")
    };
    if plan.layers.len() != scheme.layers.len() {
        return Err(wrong(format!("{} layers", plan.layers.len()), format!("{}", scheme.layers.len())));
    }
    let choice = |(planned, layer): (&PlanLayer, &LayerScheme)| {
        let PlanLayer { name, candidate, .. } = planned;
        if *name != layer.name {
            return Err(wrong(format!("layer `{name}`"), format!("layer `{}`", layer.name)));
        }
        let Some(index) = layer.candidates.iter().position(|c| c.to_string() == *candidate) else {
            let known: Vec<String> = layer.candidates.iter().map(ToString::to_string).collect();
            return Err(wrong(format!("layer `{name}` at `{candidate}`"), known.join(", ")));
        };
        let bits = layer.candidates[index];
        let states = |bits: Option<u32>, expected: u8| bits.is_none_or(|b| b == u32::from(expected));
        if !states(planned.weight_bits, bits.weight_bits()) || !states(planned.activation_bits, bits.activation_bits())
        {
            return Err(wrong(
                format!("other bits beside `{candidate}` in layer `{name}`"),
                "those of its name".into(),
            ));
        }
        Ok(index)
    };
    plan.layers.iter().zip(&scheme.layers).map(choice).collect()
}
