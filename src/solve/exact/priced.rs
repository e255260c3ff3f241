//! The problem seen from its Lagrangian bound: the cheapest choice at the best multipliers, and what leaving it costs.
//!
//! With the *base* (each group at its least `r + λ·w`) and `d_o = (r_o − r_base) + λ·(w_o − w_base) ≥ 0`, every choice
//! within the capacities satisfies
//!
//! ```text
//! regret(x) = L(λ) + Σ_g d_{x(g)} + λ·slack(x)
//! ```
//!
//! so a choice near the bound differs from the base in options of small `d` only, and leaves little slack.

use crate::solve::exact::best::Best;
use crate::solve::exact::branch::TOLERANCE;
use crate::solve::exact::reduced::Reduced;

/// An option other than the base of its group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deviation {
    /// What it costs at the multipliers, in units of regret, rounded down.
    pub d: i64,
    /// Its group.
    pub group: u32,
    /// Its option.
    pub option: u32,
}

/// Base, bound and deviations.
#[derive(Debug)]
pub(super) struct Priced {
    /// Regret per unit of weight of each row.
    pub multipliers: Vec<f64>,
    /// Option of each group.
    pub base: Vec<usize>,
    /// Regret of the base.
    pub regret: i128,
    /// What the base leaves of each row, below zero where it takes too much.
    pub slack: Vec<i64>,
    /// `L(λ)` in units.
    pub bound: i128,
    /// No rounding of the bound or of a sum of `d` exceeds this, in units.
    pub error: i64,
    /// The sum of the dearest deviation of every group: no combination is above it.
    pub all: i64,
    /// All deviations, cheapest first.
    pub deviations: Vec<Deviation>,
}

/// Share of the numbers of a group below which two of its prices count as equal.
const EQUAL: f64 = 1.0 / (1u64 << 40) as f64;

/// Rounding allowance from which on multipliers are of no use.
const UNSOUND: i64 = 1 << 44;

impl Priced {
    /// Prices at these multipliers, or at none where those are so large that rounding swamps the bound.
    pub fn sound(reduced: &Reduced, multipliers: Vec<f64>) -> Self {
        let priced = Self::new(reduced, multipliers);
        match priced.error >= UNSOUND {
            true => Self::new(reduced, vec![0.0; reduced.width()]),
            false => priced,
        }
    }

    /// Prices every option at these multipliers.
    pub fn new(reduced: &Reduced, multipliers: Vec<f64>) -> Self {
        let base = balanced(reduced, &multipliers);
        let mut deviations = Vec::with_capacity(reduced.option.len() - reduced.len());
        // A unit for each group whose `d` is rounded down.
        let mut error = reduced.len() as f64;
        let mut all = 0i64;
        for (group, &at) in base.iter().enumerate() {
            let (mut largest, mut undercut) = (0.0f64, 0.0f64);
            let before = deviations.len();
            for option in reduced.options(group).filter(|&o| o != at) {
                let (d, magnitude) = difference(reduced, &multipliers, option, at);
                largest = largest.max(magnitude);
                undercut = undercut.min(d);
                // `as` saturates: what is out of reach stays out of reach.
                deviations.push(Deviation { d: d.max(0.0) as i64, group: group as u32, option: option as u32 });
            }
            all = all.saturating_add(deviations[before..].iter().map(|d: &Deviation| d.d).max().unwrap_or(0));
            error += largest * f64::EPSILON * (multipliers.len() + 2) as f64 - undercut;
        }
        deviations.sort_unstable_by_key(|d| (d.d, d.group, d.option));
        let slack = reduced.slack(&base);
        let regret = reduced.total(&base);
        let prices: Vec<f64> = slack.iter().zip(&multipliers).map(|(&s, l)| s as f64 * l).collect();
        let size = regret as f64 + prices.iter().map(|p| p.abs()).sum::<f64>();
        error += size * f64::EPSILON * (multipliers.len() + 2) as f64;
        Priced {
            base,
            regret,
            bound: (regret as f64 - prices.iter().sum::<f64>()).floor() as i128,
            slack: slack.into_iter().map(|s| s.clamp((i64::MIN / 4).into(), (i64::MAX / 4).into()) as i64).collect(),
            multipliers,
            // `as` saturates; what is compared with it must not overflow.
            error: (error.ceil() as i64).saturating_add(1).min(i64::MAX / 8),
            all: all.min(i64::MAX / 4),
            deviations,
        }
    }

    /// Whether the one choice that is wanted is as near to the bound as its rounding allows to tell.
    pub fn settled(&self, best: &Best) -> bool {
        let near = |(regret, _): &(i128, Vec<usize>)| self.gap(best) as f64 <= TOLERANCE * *regret as f64;
        best.keep() == 1 && self.gap(best) <= self.error && best.list().first().is_some_and(near)
    }

    /// How far a choice may be above the bound and still be of use.
    pub fn gap(&self, best: &Best) -> i64 {
        (best.worst() - self.bound).clamp(0, (i64::MAX / 4).into()) as i64
    }
}

/// The price of an option above that of another of its group, and the size of the numbers it is made of.
fn difference(reduced: &Reduced, multipliers: &[f64], option: usize, other: usize) -> (f64, f64) {
    let mut d = (reduced.regret[option] - reduced.regret[other]) as f64;
    let mut magnitude = d.abs();
    for ((a, b), l) in reduced.weights(option).iter().zip(reduced.weights(other)).zip(multipliers) {
        let price = (a - b) as f64 * l;
        d += price;
        magnitude += price.abs();
    }
    (d, magnitude)
}

/// The cheapest option of each group; where several are equally cheap, those that together leave little slack: in
/// tables where sensitivity is a function of the cost, nearly all are.
fn balanced(reduced: &Reduced, multipliers: &[f64]) -> Vec<usize> {
    let mut base = Vec::with_capacity(reduced.len());
    let mut tied: Vec<(f64, usize, Vec<usize>)> = Vec::new();
    for group in 0..reduced.len() {
        let first = reduced.first[group];
        let price = |o: usize| difference(reduced, multipliers, o, first);
        let cheapest = reduced.options(group).map(|o| (price(o).0, o)).min_by(|a, b| a.0.total_cmp(&b.0));
        let (least, at) = cheapest.unwrap_or((0.0, first));
        base.push(at);
        let equal = |&o: &usize| price(o).0 - least <= EQUAL * difference(reduced, multipliers, o, at).1;
        let equal: Vec<usize> = reduced.options(group).filter(equal).collect();
        if equal.len() > 1 {
            let widest = equal.iter().map(|&o| difference(reduced, multipliers, o, at).1).fold(0.0, f64::max);
            tied.push((widest, group, equal));
        }
    }
    // Largest first, so that small ones make up for what they leave.
    tied.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    // A row without a multiplier has nothing to say of its slack, but its capacity must not be exceeded either.
    let whole = multipliers.iter().zip(&reduced.capacity).map(|(l, &c)| l * c as f64).fold(0.0, f64::max);
    let excess = |k: usize, slack: f64| (-slack).max(0.0) * whole / reduced.capacity[k] as f64;
    let mut slack: Vec<f64> = reduced.slack(&base).iter().map(|&s| s as f64).collect();
    for (_, group, equal) in tied {
        let after = |o: usize, k: usize| slack[k] + (reduced.weights(base[group])[k] - reduced.weights(o)[k]) as f64;
        let missed = |o: usize| {
            (0..slack.len()).map(|k| multipliers[k] * after(o, k).abs() + excess(k, after(o, k))).sum::<f64>()
        };
        let best = equal.iter().map(|&o| (missed(o), o)).min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, o)) = best {
            slack = (0..slack.len()).map(|k| after(o, k)).collect();
            base[group] = o;
        }
    }
    base
}
