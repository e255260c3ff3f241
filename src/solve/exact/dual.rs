//! The multipliers of the Lagrangian bound:
//!
//! ```text
//! L(λ) = Σ_g min_o (r_{g,o} + λ·w_{g,o}) − λ·W  ≤  optimum      for every λ ≥ 0
//! ```
//!
//! `L` is concave; the ellipsoid method (Nemirovski and Yudin 1976, Shor 1977) maximises it at any number of rows, kinks
//! included; with one row it is bisection. As the box around the ellipsoid shrinks, more and more options cannot be the
//! least of their group anywhere in it; they are left out from then on, which makes the whole search cost a few dozen
//! evaluations, as in the linear-time algorithm of Dyer and Zemel (1984) for one row. An ellipsoid may reach beyond the
//! one before it, where what is left out would count: the boxes are intersected, and a centre outside is cut off.

use std::time::Instant;

use crate::solve::exact::reduced::{REGRET_BITS, Reduced};

/// Relative distance from the highest bound at which the search ends.
const CONVERGED: f64 = 1e-14;
/// Relative rounding of a price.
const ROUNDING: f64 = 8.0 * f64::EPSILON;
/// Rounds between two looks for options that are out.
const PRUNED_EVERY: usize = 3;
/// The multipliers looked at reach this far beyond the steepest exchange in any group.
const BEYOND: f64 = 4.0;

/// What is left of the problem inside the ellipsoid, with weights in shares of the capacities.
struct Active {
    rows: usize,
    first: Vec<usize>,
    regret: Vec<f64>,
    share: Vec<f64>,
    /// Regret and shares of the groups that have one option left.
    settled: (f64, Vec<f64>),
}

impl Active {
    fn new(reduced: &Reduced) -> Self {
        let rows = reduced.width();
        let share = |(at, &w): (usize, &i64)| w as f64 / reduced.capacity[at % rows] as f64;
        Active {
            rows,
            first: reduced.first.clone(),
            regret: reduced.regret.iter().map(|&r| r as f64).collect(),
            share: reduced.weight.iter().enumerate().map(share).collect(),
            settled: (0.0, vec![0.0; rows]),
        }
    }

    fn shares(&self, option: usize) -> &[f64] {
        &self.share[option * self.rows..(option + 1) * self.rows]
    }

    /// Price of an option at some multipliers.
    fn price(&self, option: usize, multipliers: &[f64]) -> f64 {
        self.regret[option] + self.shares(option).iter().zip(multipliers).map(|(s, l)| s * l).sum::<f64>()
    }

    /// The cheapest option of a group and its price.
    fn cheapest(&self, group: usize, multipliers: &[f64]) -> (usize, f64) {
        let mut least = (self.first[group], f64::INFINITY);
        for option in self.first[group]..self.first[group + 1] {
            let price = self.price(option, multipliers);
            if price < least.1 {
                least = (option, price);
            }
        }
        least
    }

    /// `L(λ)` and its supergradient.
    fn lagrangian(&self, multipliers: &[f64], gradient: &mut [f64]) -> f64 {
        let mut value = self.settled.0;
        gradient.copy_from_slice(&self.settled.1);
        for (g, l) in gradient.iter_mut().zip(multipliers) {
            value += l * *g - l;
            *g -= 1.0;
        }
        for group in 0..self.first.len() - 1 {
            let (option, price) = self.cheapest(group, multipliers);
            value += price;
            gradient.iter_mut().zip(self.shares(option)).for_each(|(g, s)| *g += s);
        }
        value
    }

    /// Leaves out every option that the cheapest one at `centre` undercuts everywhere in a box of multipliers.
    fn prune(&mut self, centre: &[f64], (low, high): (&[f64], &[f64])) {
        let (mut first, mut regret, mut share) = (vec![0], Vec::new(), Vec::new());
        for group in 0..self.first.len() - 1 {
            let (best, _) = self.cheapest(group, centre);
            let stays = |option: usize| {
                let mut least = self.regret[option] - self.regret[best];
                let mut size = least.abs();
                for (k, (a, b)) in self.shares(option).iter().zip(self.shares(best)).enumerate() {
                    let price = (a - b) * if a > b { low[k] } else { high[k] };
                    least += price;
                    size += price.abs();
                }
                least <= ROUNDING * size
            };
            let kept: Vec<usize> =
                (self.first[group]..self.first[group + 1]).filter(|&o| o == best || stays(o)).collect();
            if let [only] = kept[..] {
                self.settled.0 += self.regret[only];
                self.settled.1.iter_mut().zip(&self.share[only * self.rows..]).for_each(|(a, s)| *a += s);
                continue;
            }
            for option in kept {
                regret.push(self.regret[option]);
                share.extend_from_slice(self.shares(option));
            }
            first.push(regret.len());
        }
        (self.first, self.regret, self.share) = (first, regret, share);
    }

    /// The steepest exchange of regret for a share of one row.
    fn steepest(&self) -> f64 {
        let mut steepest = 0.0f64;
        for group in 0..self.first.len() - 1 {
            for k in 0..self.rows {
                let options = || self.first[group]..self.first[group + 1];
                let key = |o: usize| (self.shares(o)[k], self.regret[o]);
                let lighter = |a: &usize, b: &usize| key(*a).partial_cmp(&key(*b)).unwrap_or(std::cmp::Ordering::Equal);
                let Some(lightest) = options().min_by(lighter) else { continue };
                for option in options() {
                    let share = self.shares(option)[k] - self.shares(lightest)[k];
                    if share > 0.0 {
                        steepest = steepest.max((self.regret[lightest] - self.regret[option]) / share);
                    }
                }
            }
        }
        steepest
    }
}

/// Multipliers that maximise the bound, in units of regret per unit of each row's weight; the best so far at the
/// deadline: the bound holds at any.
pub(super) fn multipliers(reduced: &Reduced, deadline: Option<Instant>) -> Vec<f64> {
    let n = reduced.width();
    let mut active = Active::new(reduced);
    let radius = (BEYOND * active.steepest()).clamp(1.0, 2f64.powi(2 * REGRET_BITS));
    let mut centre = vec![radius / 2.0; n];
    // The ellipsoid {centre + B·u : |u| ≤ 1}, a ball around the box of multipliers at first. Kept as B, not as the
    // product B·Bᵀ that the textbooks update: the product stops being positive after some fifteen cuts of a kink.
    let mut axes = vec![vec![0.0; n]; n];
    (0..n).for_each(|i| axes[i][i] = (n as f64).sqrt() * radius / 2.0);
    let dimension = n as f64;
    let (grow, shrink) = match n {
        1 => (0.5, 1.0),
        _ => (dimension / (dimension * dimension - 1.0).sqrt(), ((dimension - 1.0) / (dimension + 1.0)).sqrt()),
    };
    // All maximisers are in this box.
    let (mut low, mut high) = (vec![0.0; n], vec![radius; n]);
    let (mut best, mut gradient) = (vec![0.0; n], vec![0.0; n]);
    let mut highest = active.lagrangian(&best, &mut gradient);
    for round in 1..=200 * n * (n + 1) {
        let outside = (0..n).find(|&k| !(low[k]..=high[k]).contains(&centre[k]));
        match outside {
            Some(k) => {
                let inwards = if centre[k] < low[k] { 1.0 } else { -1.0 };
                (0..n).for_each(|i| gradient[i] = if i == k { inwards } else { 0.0 });
            }
            None => {
                let value = active.lagrangian(&centre, &mut gradient);
                if value > highest {
                    (highest, best) = (value, centre.clone());
                }
            }
        }
        let mut cut: Vec<f64> = (0..n).map(|j| (0..n).map(|i| axes[i][j] * gradient[i]).sum()).collect();
        let length = cut.iter().map(|c| c * c).sum::<f64>().sqrt();
        // No point of the ellipsoid is higher than its centre by more than this length.
        let reached = outside.is_none() && length <= CONVERGED * highest.abs();
        if reached || length.is_nan() || length == 0.0 || deadline.is_some_and(|d| Instant::now() >= d) {
            break;
        }
        cut.iter_mut().for_each(|c| *c /= length);
        for i in 0..n {
            let along: f64 = axes[i].iter().zip(&cut).map(|(a, c)| a * c).sum();
            centre[i] += along / (dimension + 1.0);
            for (a, c) in axes[i].iter_mut().zip(&cut) {
                *a = grow * (*a + (shrink - 1.0) * along * c);
            }
        }
        if round % PRUNED_EVERY == 0 {
            for k in 0..n {
                let reach = axes[k].iter().map(|a| a * a).sum::<f64>().sqrt();
                low[k] = low[k].max(centre[k] - reach);
                high[k] = high[k].min(centre[k] + reach);
            }
            active.prune(&centre, (&low, &high));
        }
    }
    best.iter().zip(&reduced.capacity).map(|(l, &c)| l / c as f64).collect()
}
