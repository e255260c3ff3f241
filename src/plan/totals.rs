//! Sums over the candidates that a plan chooses, from the table alone, in f64 with compensation.

use std::collections::BTreeMap;

use crate::numeric::sum;
use crate::table::{Budget, Candidate, PlanningTable};

/// Relative difference that sums of the same numbers in another order may have.
pub(super) const ROUNDING: f64 = 1e-12;

/// One candidate for each layer of a table, as indices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Totals<'a> {
    pub table: &'a PlanningTable,
    pub candidates: &'a [usize],
}

impl<'a> Totals<'a> {
    pub fn new(table: &'a PlanningTable, candidates: &'a [usize]) -> Self {
        Totals { table, candidates }
    }

    /// The chosen candidates, in the order of the layers.
    pub fn chosen(self) -> impl Iterator<Item = &'a Candidate> {
        self.table.layers().iter().zip(self.candidates).map(|(layer, &c)| &layer.candidates[c])
    }

    /// `Σ Ω`.
    pub fn objective(self) -> f64 {
        sum(self.chosen().map(|c| c.sensitivity))
    }

    /// `Σ |Ω|`: what an error of the objective is relative to.
    pub fn size(self) -> f64 {
        sum(self.chosen().map(|c| c.sensitivity.abs()))
    }

    /// Sum of the cost in one column of the table.
    pub fn cost(self, column: usize) -> f64 {
        sum(self.chosen().map(|c| c.cost[column]))
    }

    /// Cost name → sum, for the costs that budgets name.
    pub fn used(self, budgets: &[Budget]) -> BTreeMap<String, f64> {
        let column = |b: &Budget| self.table.cost_names().iter().position(|n| *n == b.name);
        budgets.iter().filter_map(|b| Some((b.name.clone(), self.cost(column(b)?)))).collect()
    }
}
