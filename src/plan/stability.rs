//! How far a plan rests on the estimates: plans of resampled sensitivities (method.md §5).
//!
//! ```text
//! Ω'_{l,c} = Ω_{l,c} + stderr_{l,c}·z_l,   z_l ~ N(0, 1),   and not below 0 where Ω_{l,c} ≥ 0
//! ```
//!
//! One `z` for each layer and draw: the candidates of a layer are measured with one estimate of its Hessian trace, so
//! that their errors rise and fall together; the errors of two layers are independent, also where the layers are tied.
//! A candidate without standard error is exact. Every draw is planned anew, and the plan in question is compared with
//! the best plan of the draw. Where both lose the same, to a relative 1e-9, the draw speaks for the plan.
//!
//! The numbers of a layer are a random stream of its own, named after it, so that they depend on the seed and the name
//! alone, not on the other layers or their order. Cost: one search for each draw.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::numeric::rng::Stream;
use crate::numeric::stats::Moments;
use crate::plan::optimize::OPTIMAL;
use crate::plan::plan::Plan;
use crate::plan::totals::Totals;
use crate::plan::uniform::choice;
use crate::progress::{Observer, Stage};
use crate::solve::{Exact, Problem, StopReason};
use crate::table::raw::unique_keys;
use crate::table::{Budget, PlanningTable};

/// How a plan stands against the plans of resampled sensitivities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stability {
    /// Draws that were planned: those asked for, or as many as the time allowed.
    pub draws: u64,
    /// Seed of the draws.
    pub seed: u64,
    /// Every layer, in the order of the table.
    pub layers: Vec<LayerStability>,
    /// Share of the draws whose best plan is the plan.
    pub same_plan: f64,
    /// Mean over the draws of what the plan loses above the best plan of the draw, relative to the `Σ|Ω'|` of that one,
    /// which is its objective where no sensitivity is negative.
    pub regret_mean: f64,
    /// The largest of these.
    pub regret_max: f64,
    /// Share of the draws whose best plan is proved.
    pub proved: f64,
}

/// What the draws choose for one layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerStability {
    /// Its name.
    pub name: String,
    /// Candidate id → share of the draws that choose it; those that none chooses are left out.
    #[serde(deserialize_with = "unique_keys")]
    pub shares: BTreeMap<String, f64>,
    /// Share of the draws that choose what the plan does.
    pub stays: f64,
}

/// Plans `draws` resamplings of the table and compares `plan` with them. `limit` is for all of them together; a draw
/// that it cuts off does not count. The same arguments without a limit give the same numbers.
///
/// # Errors
/// [`Error::Usage`] when no candidate has a standard error, when no draw is asked for, when the plan is not one of this
/// table within the budgets, or a budget does not fit the table; [`Error::NoPlanYet`] when no draw was finished in
/// time; [`Error::Interrupted`]; and those of the search.
pub fn stability(
    table: &PlanningTable,
    budgets: &[Budget],
    plan: &Plan,
    draws: u64,
    seed: u64,
    limit: Option<Duration>,
    observer: &mut dyn Observer,
) -> Result<Stability> {
    let start = Instant::now();
    let nominal = nominal(table, budgets, plan)?;
    if draws == 0 {
        return Err(Error::Usage("resampling: found 0 draws, expected 1 or more".into()));
    }
    let mut resampled = Resampled::new(table, seed)?;
    let mut tally = Tally::new(table);
    observer.start(Stage::new("resampling", draws).of("draws"));
    for draw in 0..draws {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        resampled.draw();
        let problem = Problem::new(&resampled.table, budgets)?;
        let solution = Exact::default().best(&problem, 1, limit.map(|l| l.saturating_sub(start.elapsed())))?;
        if solution.stop == Some(StopReason::TimeLimit) {
            break;
        }
        // Without a choice the search ended early: the plan is the best that is known.
        let found = solution.choices.first().map_or_else(|| nominal.clone(), |c| problem.candidates(c));
        tally.take(&resampled.table, &nominal, &found, solution.stop.is_none());
        observer.at(draw + 1, &format!("same plan {:.3}", tally.same as f64 / tally.draws as f64));
    }
    let stability = tally.stability(table, &nominal, seed)?;
    observer.finish(&format!("same plan in {:.3} of {} draws", stability.same_plan, stability.draws));
    Ok(stability)
}

/// The candidates of a plan, after checking that the table and the budgets admit it.
fn nominal(table: &PlanningTable, budgets: &[Budget], plan: &Plan) -> Result<Vec<usize>> {
    let problem = Problem::new(table, budgets)?;
    let named = |(layer, chosen): (&crate::table::Layer, &crate::plan::PlanLayer)| {
        layer.candidate(&chosen.candidate).filter(|_| layer.name == chosen.name)
    };
    let same = plan.layers.len() == table.layers().len();
    let candidates = table.layers().iter().zip(&plan.layers).map(named).collect::<Option<Vec<usize>>>();
    let feasible = |c: &Vec<usize>| choice(&problem, c).is_some_and(|choice| problem.is_feasible(&choice));
    candidates.filter(|c| same && feasible(c)).ok_or_else(|| {
        let (found, expected) = ("a plan that it does not admit", "a plan of this table within these budgets");
        Error::Usage(format!("table `{}`: found {found}, expected {expected}\n  hint: plan again", table.name()))
    })
}

/// A table whose sensitivities are drawn anew.
struct Resampled<'a> {
    nominal: &'a PlanningTable,
    /// One for each layer.
    streams: Vec<Stream>,
    table: PlanningTable,
}

impl<'a> Resampled<'a> {
    fn new(nominal: &'a PlanningTable, seed: u64) -> Result<Self> {
        if nominal.layers().iter().flat_map(|l| &l.candidates).all(|c| c.stderr.is_none()) {
            return Err(Error::Usage(format!(
                "table `{}`: found no standard error, expected `stderr` beside the sensitivities that are estimates\n  \
                 hint: add the standard errors of the sensitivities to the table",
                nominal.name()
            )));
        }
        let stream =
            |layer: &crate::table::Layer| Stream::new(seed, &format!("stability of layer {}", layer.name), &[]);
        Ok(Resampled { nominal, streams: nominal.layers().iter().map(stream).collect(), table: nominal.clone() })
    }

    fn draw(&mut self) {
        let z: Vec<f64> = self.streams.iter_mut().map(Stream::normal).collect();
        let nominal = self.nominal;
        self.table.set_sensitivities(|l, c, candidate| {
            let (mean, error) = (nominal.layers()[l].candidates[c].sensitivity, candidate.stderr.unwrap_or(0.0));
            let drawn = mean + error * z[l];
            if mean >= 0.0 { drawn.max(0.0) } else { drawn }
        });
    }
}

/// What the draws so far say.
struct Tally {
    draws: u64,
    same: u64,
    proved: u64,
    regret: Moments,
    regret_max: f64,
    /// Draws for each candidate of each layer.
    counts: Vec<Vec<u64>>,
}

impl Tally {
    fn new(table: &PlanningTable) -> Self {
        let counts = table.layers().iter().map(|l| vec![0; l.candidates.len()]).collect();
        Tally { draws: 0, same: 0, proved: 0, regret: Moments::new(), regret_max: 0.0, counts }
    }

    fn take(&mut self, drawn: &PlanningTable, nominal: &[usize], found: &[usize], proved: bool) {
        let (ours, best) = (Totals::new(drawn, nominal), Totals::new(drawn, found));
        // Relative to the larger plan where the best one loses nothing; nothing is lost where both lose nothing.
        let size = if best.size() > 0.0 { best.size() } else { ours.size() };
        let regret = (ours.objective() - best.objective()).max(0.0);
        let regret = if regret > OPTIMAL * size { regret / size } else { 0.0 };
        let chosen = if regret > 0.0 { found } else { nominal };
        self.counts.iter_mut().zip(chosen).for_each(|(counts, &c)| counts[c] += 1);
        self.draws += 1;
        self.same += u64::from(chosen == nominal);
        self.proved += u64::from(proved);
        self.regret.push(regret);
        self.regret_max = self.regret_max.max(regret);
    }

    fn stability(&self, table: &PlanningTable, nominal: &[usize], seed: u64) -> Result<Stability> {
        let Some(regret_mean) = self.regret.mean() else {
            return Err(Error::NoPlanYet("stopped before a draw was planned\n  hint: allow more time".into()));
        };
        let share = |count: u64| count as f64 / self.draws as f64;
        let layer = |((layer, counts), &own): ((&crate::table::Layer, &Vec<u64>), &usize)| LayerStability {
            name: layer.name.clone(),
            shares: layer
                .candidates
                .iter()
                .zip(counts)
                .filter(|(_, count)| **count > 0)
                .map(|(c, &count)| (c.id.clone(), share(count)))
                .collect(),
            stays: share(counts[own]),
        };
        Ok(Stability {
            draws: self.draws,
            seed,
            layers: table.layers().iter().zip(&self.counts).zip(nominal).map(layer).collect(),
            same_plan: share(self.same),
            regret_mean,
            regret_max: self.regret_max,
            proved: share(self.proved),
        })
    }
}

#[cfg(test)]
#[path = "stability_tests.rs"]
mod tests;
