//! The allocation problem that every solver sees (method.md §5), and the arithmetic in which a plan is feasible:
//!
//! ```text
//! minimise Σ_g Ω_{g,x(g)}   subject to   Σ_g cost^k_{g,x(g)} ≤ limit^k   for every budget k
//! ```
//!
//! `g` runs over choice groups: a layer, or the layers tied together, with sensitivities and costs added up. A pinned
//! group has one option. `x` is a *choice*: one option index per group.
//!
//! Feasibility is decided in integers, so that it does not depend on the order of a sum. A budget whose costs are all
//! whole numbers is counted exactly while limit or sums stay below 2⁵³. Any other is counted in units of `limit / 2⁵⁰`, each cost rounded to
//! the nearest unit, with [`SPARE_UNITS`] to spare: a limit that equals a sum of decimal costs admits that sum.

use crate::error::fault::{did_you_mean, either};
use crate::error::{Error, Result};
use crate::numeric::sum;
use crate::table::check::FROM_TABLE;
use crate::table::{Budget, PlanningTable};

/// Whole numbers up to here are exact in f64.
pub(crate) const EXACT: f64 = 9_007_199_254_740_992.0;
/// Most budgets of one problem.
pub const MAX_BUDGETS: usize = 32;
/// `log2` of the units that a fractional limit is divided into.
const UNIT_BITS: i32 = 50;
/// Units above the limit that still count as within it: a relative 9.1e-13, and one more per group beyond 1,024, so
/// that rounding (below one unit a group) never excludes a plan that is within its limit.
pub const SPARE_UNITS: i64 = 1_024;
/// Relative excess over a fractional limit that the rules above can admit at most, with this many groups.
pub fn budget_tolerance(groups: usize) -> f64 {
    2.0 * spare_units(groups) as f64 / 2f64.powi(UNIT_BITS)
}

fn spare_units(groups: usize) -> i64 {
    SPARE_UNITS.max(groups as i64)
}

/// What one choice group may become.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupOption {
    /// Candidate index of each layer of the group.
    pub candidates: Vec<usize>,
    /// `Ω`, summed over the layers of the group.
    pub objective: f64,
    /// Cost per budget, summed likewise.
    pub cost: Vec<f64>,
    /// The costs in units of their budgets.
    pub(crate) weight: Vec<i64>,
}

/// Layers that are decided together.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Name of its first layer: unique, and the same wherever the layer stands in the table.
    pub name: String,
    /// The layers, as indices into the table.
    pub layers: Vec<usize>,
    /// At least one.
    pub options: Vec<GroupOption>,
}

/// A checked allocation problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    groups: Vec<Group>,
    budgets: Vec<Budget>,
    capacity: Vec<i64>,
    unit: Vec<f64>,
}

impl Problem {
    /// Builds the problem of a table under budgets.
    ///
    /// # Errors
    /// [`Error::Usage`] when a budget names no cost of the table, stands twice, or has no finite non-negative limit.
    pub fn new(table: &PlanningTable, budgets: &[Budget]) -> Result<Self> {
        if budgets.len() > MAX_BUDGETS {
            return Err(Error::Usage(format!("found {} budgets, expected at most {MAX_BUDGETS}", budgets.len())));
        }
        let mut columns = Vec::with_capacity(budgets.len());
        for (k, budget) in budgets.iter().enumerate() {
            let name = &budget.name;
            let Some(column) = table.cost_names().iter().position(|c| c == name) else {
                let remedy = did_you_mean(name, table.cost_names().iter().map(String::as_str), FROM_TABLE);
                return Err(Error::Usage(format!(
                    "budget `{name}`: found no such cost, expected {}\n  hint: {remedy}",
                    either(table.cost_names().iter().map(String::as_str))
                )));
            };
            if budgets[..k].iter().any(|b| b.name == *name) {
                return Err(Error::Usage(format!("budget `{name}`: found a second limit, expected one")));
            }
            if !(budget.limit.is_finite() && budget.limit >= 0.0) {
                return Err(Error::Usage(format!(
                    "budget `{name}`: found limit {}, expected a finite number, 0 or more",
                    budget.limit
                )));
            }
            columns.push(column);
        }
        let tied = table.groups().iter().cloned();
        let mut free = vec![true; table.layers().len()];
        table.groups().iter().flatten().for_each(|&l| free[l] = false);
        let single = (0..free.len()).filter(|&l| free[l]).map(|l| vec![l]);
        let mut groups: Vec<Group> = tied.chain(single).map(|layers| group(table, layers, &columns)).collect();
        groups.sort_by_key(|g| g.layers.iter().min().copied());
        Ok(Self::assemble(groups, budgets.to_vec()))
    }

    /// Counts the costs in units and closes the problem.
    fn assemble(mut groups: Vec<Group>, budgets: Vec<Budget>) -> Self {
        let (mut capacity, mut unit) = (Vec::with_capacity(budgets.len()), Vec::with_capacity(budgets.len()));
        groups.iter_mut().flat_map(|g| &mut g.options).for_each(|o| o.weight.clear());
        let units = 2f64.powi(UNIT_BITS);
        for (k, budget) in budgets.iter().enumerate() {
            // Options above this never fit, whatever the others take.
            let admitted = budget.limit * (1.0 + budget_tolerance(groups.len()));
            let options = groups.iter().flat_map(|g| &g.options);
            let whole = options.map(|o| o.cost[k]).filter(|&c| c <= admitted).all(|c| c.fract() == 0.0 && c < EXACT);
            let dearest = |g: &Group| g.options.iter().map(|o| o.cost[k]).fold(0.0, f64::max);
            let whole = whole && (budget.limit < EXACT || groups.iter().map(dearest).sum::<f64>() < EXACT);
            // `as` saturates and every operand is finite and not negative, so no cast can go wrong.
            let (room, size) = match whole {
                true => (budget.limit.min(EXACT) as i64, 1.0),
                false => (units as i64 + spare_units(groups.len()), budget.limit / units),
            };
            for option in groups.iter_mut().flat_map(|g| &mut g.options) {
                let cost = option.cost[k];
                option.weight.push(match whole {
                    true if cost <= budget.limit => cost as i64,
                    false if cost <= admitted => (cost / budget.limit * units).round() as i64,
                    _ => room + 1,
                });
            }
            capacity.push(room);
            unit.push(size);
        }
        Problem { groups, budgets, capacity, unit }
    }

    /// The same groups, with `cost` of budget `objective` as what is minimised and only the budgets `keep`.
    pub(crate) fn minimising(&self, objective: usize, keep: &[usize]) -> Self {
        let mut groups = self.groups.clone();
        for option in groups.iter_mut().flat_map(|g| &mut g.options) {
            option.objective = option.cost[objective];
            option.cost = keep.iter().map(|&k| option.cost[k]).collect();
        }
        Self::assemble(groups, keep.iter().map(|&k| self.budgets[k].clone()).collect())
    }

    /// The same problem with every limit times `factor`.
    pub(crate) fn raised(&self, factor: f64) -> Self {
        let raise = |b: &Budget| Budget::new(b.name.clone(), (b.limit * factor).min(f64::MAX));
        Self::assemble(self.groups.clone(), self.budgets.iter().map(raise).collect())
    }

    /// The same groups, with the weight in budget `row` as what is minimised and only the other budgets.
    pub(crate) fn weighing(&self, row: usize) -> Self {
        let mut lighter = self.clone();
        for option in lighter.groups.iter_mut().flat_map(|g| &mut g.options) {
            option.objective = option.weight.remove(row) as f64;
            option.cost.remove(row);
        }
        lighter.budgets.remove(row);
        lighter.capacity.remove(row);
        lighter.unit.remove(row);
        lighter
    }

    /// The choice groups, ordered by their first layer.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }
    /// Smallest `Ω` of each group.
    pub(crate) fn floors(&self) -> impl Iterator<Item = f64> {
        self.groups.iter().map(|g| g.options.iter().map(|o| o.objective).fold(f64::INFINITY, f64::min))
    }
    /// `Σ_g min_o Ω`: the bound that holds whatever the budgets are.
    pub fn floor(&self) -> f64 {
        sum(self.floors())
    }
    /// The budgets.
    pub fn budgets(&self) -> &[Budget] {
        &self.budgets
    }
    /// What each budget holds, in its units.
    pub(crate) fn capacity(&self) -> &[i64] {
        &self.capacity
    }
    /// What one unit of budget `k` is in the unit of its cost.
    pub(crate) fn unit(&self, k: usize) -> f64 {
        self.unit[k]
    }
    /// Whether this names one existing option for every group.
    pub fn is_choice(&self, choice: &[usize]) -> bool {
        choice.len() == self.groups.len() && choice.iter().zip(&self.groups).all(|(&o, g)| o < g.options.len())
    }
    /// The options of a choice.
    fn chosen<'a>(&'a self, choice: &'a [usize]) -> impl Iterator<Item = &'a GroupOption> {
        self.groups.iter().zip(choice).map(|(g, &o)| &g.options[o])
    }
    /// `Σ Ω` of a choice, summed with compensation.
    pub fn objective(&self, choice: &[usize]) -> f64 {
        sum(self.chosen(choice).map(|o| o.objective))
    }
    /// What a choice uses of budget `k`, summed with compensation.
    pub fn used(&self, choice: &[usize], k: usize) -> f64 {
        sum(self.chosen(choice).map(|o| o.cost[k]))
    }
    /// Whether a choice keeps every budget, in the integer arithmetic of this module.
    pub fn is_feasible(&self, choice: &[usize]) -> bool {
        (0..self.budgets.len())
            .all(|k| self.chosen(choice).map(|o| i128::from(o.weight[k])).sum::<i128>() <= self.capacity[k].into())
    }
    /// Candidate index of every layer of the table.
    pub fn candidates(&self, choice: &[usize]) -> Vec<usize> {
        let mut layers: Vec<(usize, usize)> = Vec::new();
        for (group, option) in self.groups.iter().zip(self.chosen(choice)) {
            layers.extend(group.layers.iter().copied().zip(option.candidates.iter().copied()));
        }
        layers.sort_unstable();
        layers.into_iter().map(|(_, candidate)| candidate).collect()
    }
}

/// One choice group of a table: the ids that all its layers have, or the pinned one.
fn group(table: &PlanningTable, layers: Vec<usize>, columns: &[usize]) -> Group {
    let pinned = layers.iter().find_map(|l| table.pins().get(l).map(|&c| table.layers()[*l].candidates[c].id.as_str()));
    let ids = table.common_ids(&layers);
    let options = ids.into_iter().filter(|&id| pinned.is_none_or(|p| p == id)).map(|id| {
        let candidates: Vec<usize> = layers.iter().filter_map(|&l| table.layers()[l].candidate(id)).collect();
        let each = || layers.iter().zip(&candidates).map(|(&l, &c)| &table.layers()[l].candidates[c]);
        GroupOption {
            objective: sum(each().map(|c| c.sensitivity)),
            cost: columns.iter().map(|&k| sum(each().map(|c| c.cost[k]))).collect(),
            weight: Vec::new(),
            candidates: candidates.clone(),
        }
    });
    Group { name: table.layers()[layers[0]].name.clone(), options: options.collect(), layers }
}

#[cfg(test)]
#[path = "problem_tests.rs"]
mod tests;
