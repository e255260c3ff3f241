//! The allocation problem with its objective in integers too, so that the proof adds and compares without rounding.
//!
//! A regret is `Ω` less the smallest of its group, in units of `cap / 2⁵²`, where `cap` is a power of two not below the
//! regret of a known choice (an option above it is in no better choice). Sums of regrets and of weights are then the
//! same in any order, and exact in f64 as well.

use crate::numeric::sum;
use crate::solve::problem::{GroupOption, Problem};

/// `log2` of the units that `cap` is divided into.
pub(crate) const REGRET_BITS: i32 = 52;

/// An option of a group in the integer problem.
pub(crate) struct Item {
    /// Index of the option in its group.
    pub option: usize,
    /// `Ω` above the smallest of its group, in units.
    pub regret: i64,
    /// Weight in each row.
    pub weight: Vec<i64>,
}

/// The problem in integers: groups in the order of the search, and only the budgets that can bind.
pub(crate) struct Scaled {
    /// Group index of each step, widest range of weights first.
    pub order: Vec<usize>,
    /// What each step may take; a step without any has no plan.
    pub steps: Vec<Vec<Item>>,
    /// Budget index of each row.
    pub rows: Vec<usize>,
    /// What each row holds.
    pub capacity: Vec<i64>,
    /// The objective of one unit of regret.
    pub unit: f64,
}

/// Smallest `Ω` of each group, and their sum: a bound without any budget.
pub(crate) fn floor(problem: &Problem) -> Vec<f64> {
    problem.groups().iter().map(|g| g.options.iter().map(|o| o.objective).fold(f64::INFINITY, f64::min)).collect()
}

/// `Σ_g min_o Ω`: the bound that holds whatever the budgets are.
pub(crate) fn trivial(problem: &Problem) -> f64 {
    sum(floor(problem).into_iter())
}

impl Scaled {
    /// The integer problem of all choices whose regret is at most `cap`.
    pub fn new(problem: &Problem, cap: f64) -> Self {
        let unit = cap / 2f64.powi(REGRET_BITS);
        let groups = problem.groups();
        let least = |k: usize| groups.iter().map(move |g| g.options.iter().map(|o| o.weight[k]).min().unwrap_or(0));
        let total: Vec<i128> = (0..problem.budgets().len()).map(|k| least(k).map(i128::from).sum()).collect();
        let least: Vec<Vec<i64>> = (0..total.len()).map(|k| least(k).collect()).collect();
        let fits = |g: usize, weight: &[i64]| {
            (0..total.len()).all(|k| total[k] + i128::from(weight[k] - least[k][g]) <= problem.capacity()[k].into())
        };
        let mut items: Vec<Vec<Item>> = Vec::with_capacity(groups.len());
        for (g, smallest) in floor(problem).into_iter().enumerate() {
            let options = groups[g].options.iter().enumerate();
            let kept = options.filter(|(_, o)| o.objective - smallest <= cap && fits(g, &o.weight));
            let item = |(option, o): (usize, &GroupOption)| {
                let regret = ((o.objective - smallest) / unit).round() as i64;
                Item { option, regret, weight: o.weight.clone() }
            };
            items.push(kept.map(item).collect());
        }
        let range = |items: &[Item], k: usize| {
            let weights = || items.iter().map(|i| i.weight[k]);
            (weights().min().unwrap_or(0), weights().max().unwrap_or(0))
        };
        let binds =
            |&k: &usize| items.iter().map(|i| i128::from(range(i, k).1)).sum::<i128>() > problem.capacity()[k].into();
        let rows: Vec<usize> = (0..total.len()).filter(binds).collect();
        let capacity: Vec<i64> = rows.iter().map(|&k| problem.capacity()[k]).collect();
        let width = |g: usize| -> f64 {
            let share =
                |&k: &usize| (range(&items[g], k).1 - range(&items[g], k).0) as f64 / size(problem.capacity()[k]);
            rows.iter().map(share).sum()
        };
        // Ties by name, so that the order of the table does not show in the plan.
        let mut order: Vec<(f64, &str, usize)> =
            (0..groups.len()).map(|g| (width(g), groups[g].name.as_str(), g)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let order: Vec<usize> = order.into_iter().map(|(_, _, g)| g).collect();
        let mut items: Vec<Option<Vec<Item>>> = items.into_iter().map(Some).collect();
        let mut steps: Vec<Vec<Item>> = order.iter().filter_map(|&g| items[g].take()).collect();
        for item in steps.iter_mut().flatten() {
            item.weight = rows.iter().map(|&k| item.weight[k]).collect();
        }
        Scaled { order, steps, rows, capacity, unit }
    }
}

/// A capacity as a divisor.
pub(crate) fn size(capacity: i64) -> f64 {
    capacity.max(1) as f64
}

/// `λ·w`.
pub(crate) fn dot(rate: &[f64], weight: &[i64]) -> f64 {
    rate.iter().zip(weight).map(|(l, &w)| l * w as f64).sum()
}
