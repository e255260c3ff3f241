//! The Lagrangian bound of the allocation problem, for the whole of it and for every part that a search has left.
//!
//! ```text
//! L(λ) = Σ_g min_o (Ω_{g,o} + λ·w_{g,o}) − λ·W  ≤  optimum      for every λ ≥ 0
//! ```
//!
//! Regrets and weights are the integers of [`crate::solve::scaled`], exact in f64. The bound itself is f64, less an
//! allowance for the rounding of its sum: it is never too high. `L` is concave; the ellipsoid method (Nemirovski and
//! Yudin 1976, Shor 1977) maximises it at any number of budgets, kinks included; with one budget it is bisection.

use crate::solve::scaled::{Item, REGRET_BITS, Scaled, dot, size};

/// Factors by which the best multipliers are varied, to bound parts that have more or less room than the whole.
const VARIED: [f64; 12] = [0.5, 0.8, 0.9, 0.97, 0.99, 0.997, 1.003, 1.01, 1.03, 1.1, 1.25, 2.0];
/// Most option evaluations that the search for multipliers may spend; a few tenths of a second.
const MOST_WORK: usize = 100_000_000;
/// Relative distance from the highest bound at which the search for multipliers ends.
const CONVERGED: f64 = 1e-11;
/// Largest multiplier looked for, in `cap` per whole budget.
const STEEPEST: f64 = 1e9;

impl Scaled {
    /// `L(λ)` in units and its supergradient, `Σ w − W` in shares of the capacities; `λ` is per share.
    fn lagrangian(&self, multipliers: &[f64], gradient: &mut [f64]) -> f64 {
        let rate: Vec<f64> = multipliers.iter().zip(&self.capacity).map(|(l, &c)| l / size(c)).collect();
        let mut value = 0.0;
        let mut used = vec![0.0; rate.len()];
        for items in &self.steps {
            let cost = |i: &Item| i.regret as f64 + dot(&rate, &i.weight);
            let best = items.iter().map(|i| (cost(i), i)).min_by(|a, b| a.0.total_cmp(&b.0));
            let Some((least, item)) = best else { return f64::INFINITY };
            value += least;
            used.iter_mut().zip(&item.weight).for_each(|(u, &w)| *u += w as f64);
        }
        for (k, g) in gradient.iter_mut().enumerate() {
            *g = (used[k] - self.capacity[k] as f64) / size(self.capacity[k]);
        }
        value - dot(&rate, &self.capacity)
    }

    /// Multipliers that maximise the bound, in units of regret per share of each row's capacity.
    pub fn multipliers(&self) -> Vec<f64> {
        let n = self.rows.len();
        let work = self.steps.iter().map(Vec::len).sum::<usize>() * n.max(1);
        let rounds = if n == 1 { 120 } else { 400 * n * (n + 1) }.min(1 + MOST_WORK / work.max(1));
        let radius = 2f64.powi(REGRET_BITS) * STEEPEST.min(self.steepest());
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
        let (mut best, mut gradient) = (vec![0.0; n], vec![0.0; n]);
        let mut highest = self.lagrangian(&best, &mut gradient);
        for _ in 0..rounds {
            let outside = centre.iter().position(|&l| l < 0.0);
            match outside {
                Some(k) => (0..n).for_each(|i| gradient[i] = if i == k { 1.0 } else { 0.0 }),
                None => {
                    let value = self.lagrangian(&centre, &mut gradient);
                    if value > highest {
                        (highest, best) = (value, centre.clone());
                    }
                }
            }
            let mut cut: Vec<f64> = (0..n).map(|j| (0..n).map(|i| axes[i][j] * gradient[i]).sum()).collect();
            let length = cut.iter().map(|c| c * c).sum::<f64>().sqrt();
            // No point of the ellipsoid is higher than its centre by more than this length.
            let reached = outside.is_none() && length <= CONVERGED * highest.abs();
            if reached || length.is_nan() || length == 0.0 {
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
        }
        best
    }

    /// No useful multiplier is steeper than the steepest exchange of regret for a share of one row.
    fn steepest(&self) -> f64 {
        let mut steepest = 1.0f64;
        for (k, &capacity) in self.capacity.iter().enumerate() {
            for items in &self.steps {
                let lightest = items.iter().min_by_key(|i| (i.weight[k], i.regret));
                for (item, least) in items.iter().filter_map(|i| lightest.map(|l| (i, l))) {
                    let share = (item.weight[k] - least.weight[k]) as f64 / size(capacity);
                    if share > 0.0 {
                        steepest = steepest.max((least.regret - item.regret) as f64 / 2f64.powi(REGRET_BITS) / share);
                    }
                }
            }
        }
        2.0 * steepest
    }
}

/// Lagrangian bounds of what is left after each step, for a family of multipliers.
pub(crate) struct Suffixes {
    /// Regret per unit of each row, one row of numbers per member.
    rates: Vec<Vec<f64>>,
    /// `constants[step][member]`: `Σ_{later} min (r + λ·w) − λ·W`, less the rounding allowance.
    constants: Vec<Vec<f64>>,
}

impl Suffixes {
    /// Bounds around these multipliers (per share, as [`Scaled::multipliers`] gives them).
    pub fn new(scaled: &Scaled, multipliers: &[f64]) -> Self {
        let n = multipliers.len();
        let mut family = vec![multipliers.to_vec(), vec![0.0; n]];
        for factor in VARIED {
            family.push(multipliers.iter().map(|l| l * factor).collect());
            for k in (0..n).filter(|_| n > 1) {
                family.push((0..n).map(|i| multipliers[i] * if i == k { factor } else { 1.0 }).collect());
            }
        }
        let rates: Vec<Vec<f64>> =
            family.iter().map(|m| m.iter().zip(&scaled.capacity).map(|(l, &c)| l / size(c)).collect()).collect();
        let mut tails: Vec<Vec<f64>> = vec![rates.iter().map(|r| -dot(r, &scaled.capacity)).collect()];
        let mut magnitude: Vec<f64> = tails[0].iter().map(|v| v.abs() + 2f64.powi(REGRET_BITS)).collect();
        for items in scaled.steps.iter().rev() {
            let least =
                |r: &Vec<f64>| items.iter().map(|i| i.regret as f64 + dot(r, &i.weight)).fold(f64::INFINITY, f64::min);
            let add: Vec<f64> = rates.iter().map(least).collect();
            magnitude.iter_mut().zip(&add).for_each(|(m, a)| *m += a.abs());
            let tail = tails.last().map(|t| t.iter().zip(&add).map(|(t, a)| t + a).collect());
            tails.extend(tail);
        }
        // Each of the terms and partial sums rounds by at most 2⁻⁵³ of the magnitude; twice that covers the products.
        let terms = (scaled.steps.len() + 2 * n + 4) as f64;
        let allowance: Vec<f64> = magnitude.iter().map(|m| 2.0 * terms * m * f64::EPSILON).collect();
        let lower = |tail: Vec<f64>| tail.iter().zip(&allowance).map(|(t, a)| t - a).collect();
        Suffixes { rates, constants: tails.into_iter().rev().map(lower).collect() }
    }

    /// Lower bound, in units, of every completion of a state before `step` with this regret and these weights; none as
    /// soon as it is known to be above `most`.
    pub fn bound(&self, step: usize, regret: i64, weight: &[i64], most: i64) -> Option<f64> {
        let (regret, most) = (regret as f64, most as f64);
        let mut highest = regret;
        for (rate, constant) in self.rates.iter().zip(&self.constants[step]) {
            highest = highest.max(regret + constant + dot(rate, weight));
            if highest > most {
                return None;
            }
        }
        Some(highest)
    }
}

#[cfg(test)]
#[path = "bound_tests.rs"]
mod tests;
