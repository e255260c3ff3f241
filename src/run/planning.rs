//! The planning stage, and plans as configurations.

use crate::error::{Error, Result};
use crate::plan::{Origin, Plan, PlanLayer, Provenance, Search, Status, optimize, verify};
use crate::run::Pipeline;
use crate::run::pipeline::{key, plan_file};
use crate::run::table::planning_table;
use crate::scheme::{LayerScheme, Scheme};
use crate::store::write_atomic;
use crate::table::{Budget, RawTable};

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
        let table = planning_table(outline, Some(&sensitivity))?;
        self.stage("plans", &key, |p| {
            let raw = RawTable::from(&table).to_json()?;
            write_atomic(&p.workspace.path("table.json"), raw.as_bytes())?;
            let (mut files, mut proved) = (vec!["table.json".to_string()], 0);
            p.observer.start("planning", requests.len() as u64);
            for (i, (name, budgets)) in requests.iter().enumerate() {
                let provenance = Provenance {
                    version: crate::VERSION.into(),
                    inputs: [("table".to_string(), crate::store::hash_bytes(raw.as_bytes()))].into(),
                    seed: outline.space.seed,
                    command: format!("bitplan plan --table table.json{}", arguments(budgets)),
                    target: None,
                };
                let (plan, _) = optimize(&table, budgets, Search::default(), provenance)?;
                let file = plan_file("plan", i, name, "json");
                write_atomic(&p.workspace.path(&file), plan.to_json()?.as_bytes())?;
                files.push(file);
                proved += usize::from(plan.status == Status::Optimal);
                p.observer.at(i as u64 + 1, name);
                p.go_on()?;
            }
            p.observer.finish(&format!("{proved} of {} plans proved optimal for their budgets", requests.len()));
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
