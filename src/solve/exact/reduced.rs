//! The allocation problem in integers, without what cannot matter.
//!
//! Every number is counted from the smallest of its group: a *regret* is `Ω` above it, in units of `cap / 2⁵²`; weights
//! are divided by the greatest common divisor of their row, and the capacity rounded down to it. Options that never fit,
//! that lose more than `cap`, or that enough others beat in every number are gone; so are budgets that cannot bind.

use crate::solve::exact::power;
use crate::solve::problem::{GroupOption, Problem};

/// `log2` of the units that the power of two at or above `cap` is divided into: as fine as f64, and sums of 2,048 stay inside i64.
pub(super) const REGRET_BITS: i32 = 52;
/// Options of a group that one is compared with for dominance; a missed one costs time, not truth.
const COMPARED: usize = 64;

/// The integer problem. Options lie one group after the other.
#[derive(Debug)]
pub(super) struct Reduced {
    /// Group of the problem that each group here is, by name: the order of the table does not show in the plan.
    pub groups: Vec<usize>,
    /// Where the options of each group begin, and the end.
    pub first: Vec<usize>,
    /// Index of each option in its group of the problem.
    pub option: Vec<u32>,
    /// `Ω` above the smallest of the group, in units.
    pub regret: Vec<i64>,
    /// Weights above the smallest of the group, one for each row.
    pub weight: Vec<i64>,
    /// Budget that each row is.
    pub rows: Vec<usize>,
    /// What each row holds.
    pub capacity: Vec<i64>,
    /// Units of its budget that one unit of each row's weights is.
    pub divisor: Vec<i64>,
    /// The objective of one unit of regret.
    pub unit: f64,
    /// Groups of the problem that have one option left, and that option.
    settled: Vec<(usize, u32)>,
    /// The regret of those.
    offset: i128,
}

impl Reduced {
    /// The integer problem of all choices whose regret is at most `cap`, of which the best `keep` are wanted; none if
    /// some group has no option left or the smallest weights exceed a budget.
    pub fn new(problem: &Problem, cap: f64, keep: usize) -> Option<Self> {
        let unit = power(cap) / 2f64.powi(REGRET_BITS);
        let groups = problem.groups();
        let count = problem.budgets().len();
        let least = |g: usize, k: usize| groups[g].options.iter().map(|o| o.weight[k]).min().unwrap_or(0);
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by(|&a, &b| groups[a].name.cmp(&groups[b].name));
        let least: Vec<i64> = order.iter().flat_map(|&g| (0..count).map(move |k| least(g, k))).collect();
        let total = |k: usize| least.iter().skip(k).step_by(count.max(1)).map(|&w| i128::from(w)).sum::<i128>();
        let room: Vec<i128> = (0..count).map(|k| i128::from(problem.capacity()[k]) - total(k)).collect();
        if room.iter().any(|&r| r < 0) {
            return None;
        }
        // At most the capacity of the budget, so that the cast cannot go wrong.
        let room: Vec<i64> = room.into_iter().map(|r| r as i64).collect();
        let mut reduced = Reduced {
            groups: order,
            first: vec![0],
            option: Vec::new(),
            regret: Vec::new(),
            weight: Vec::new(),
            rows: (0..count).collect(),
            capacity: room,
            divisor: vec![1; count],
            unit,
            settled: Vec::new(),
            offset: 0,
        };
        for i in 0..reduced.groups.len() {
            let options = &groups[reduced.groups[i]].options;
            let smallest = options.iter().map(|o| o.objective).fold(f64::INFINITY, f64::min);
            let least = &least[i * count..(i + 1) * count];
            let mut kept: Vec<(i64, Vec<i64>, u32)> = Vec::new();
            let fits = |o: &GroupOption| {
                o.objective - smallest <= cap && (0..count).all(|k| o.weight[k] - least[k] <= reduced.capacity[k])
            };
            let mut options: Vec<(i64, Vec<i64>, u32)> = (0u32..)
                .zip(options)
                .filter(|(_, o)| fits(o))
                .map(|(at, o)| {
                    let weight = o.weight.iter().zip(least).map(|(w, l)| w - l).collect();
                    (((o.objective - smallest) / unit).round() as i64, weight, at)
                })
                .collect();
            options.sort_unstable();
            for option in options {
                let beats = |other: &&(i64, Vec<i64>, u32)| other.1.iter().zip(&option.1).all(|(a, b)| a <= b);
                if kept.iter().take(COMPARED).filter(beats).take(keep).count() < keep {
                    kept.push(option);
                }
            }
            if kept.is_empty() {
                return None;
            }
            for (regret, weight, at) in kept {
                reduced.option.push(at);
                reduced.regret.push(regret);
                reduced.weight.extend(weight);
            }
            reduced.first.push(reduced.option.len());
        }
        reduced.tighten();
        Some(reduced)
    }

    /// The same problem with these options only; none if they have no choice within the capacities.
    pub fn restricted(&self, keep: impl Fn(usize) -> bool) -> Option<Self> {
        let rows = self.width();
        let mut kept: Vec<Vec<usize>> =
            (0..self.len()).map(|i| self.options(i).filter(|&o| keep(o)).collect()).collect();
        let least = |options: &[usize], k: usize| options.iter().map(|&o| self.weights(o)[k]).min().unwrap_or(0);
        let least: Vec<Vec<i64>> = kept.iter().map(|options| (0..rows).map(|k| least(options, k)).collect()).collect();
        let total = |k: usize| least.iter().map(|l| i128::from(l[k])).sum::<i128>();
        let mut room: Vec<i128> = (0..rows).map(|k| i128::from(self.capacity[k]) - total(k)).collect();
        let above = |i: usize, o: usize, k: usize| self.weights(o)[k] - least[i][k];
        let mut reduced = Reduced {
            groups: Vec::new(),
            first: vec![0],
            option: Vec::new(),
            regret: Vec::new(),
            weight: Vec::new(),
            capacity: Vec::new(),
            rows: self.rows.clone(),
            divisor: self.divisor.clone(),
            settled: self.settled.clone(),
            ..*self
        };
        for (i, options) in kept.iter_mut().enumerate() {
            options.retain(|&o| (0..rows).all(|k| i128::from(above(i, o, k)) <= room[k]));
            match options[..] {
                [] => return None,
                [only] => {
                    reduced.settled.push((self.groups[i], self.option[only]));
                    reduced.offset += i128::from(self.regret[only]);
                    room.iter_mut().enumerate().for_each(|(k, r)| *r -= i128::from(above(i, only, k)));
                }
                _ => {
                    reduced.groups.push(self.groups[i]);
                    for &o in options.iter() {
                        reduced.option.push(self.option[o]);
                        reduced.regret.push(self.regret[o]);
                        reduced.weight.extend((0..rows).map(|k| above(i, o, k)));
                    }
                    reduced.first.push(reduced.option.len());
                }
            }
        }
        // At most the capacity it was, so that the cast cannot go wrong.
        reduced.capacity = room.iter().map(|&r| u64::try_from(r).ok().map(|r| r as i64)).collect::<Option<_>>()?;
        reduced.tighten();
        Some(reduced)
    }

    /// Drops rows that cannot bind and divides the others by their greatest common divisor.
    fn tighten(&mut self) {
        let count = self.rows.len();
        let heaviest = |k: usize| {
            let of =
                |i: usize| (self.first[i]..self.first[i + 1]).map(|o| self.weight[o * count + k]).max().unwrap_or(0);
            (0..self.groups.len()).map(|i| i128::from(of(i))).sum::<i128>()
        };
        let bind: Vec<usize> = (0..count).filter(|&k| heaviest(k) > i128::from(self.capacity[k])).collect();
        let divisor = |k: &usize| self.weight.iter().skip(*k).step_by(count).fold(0, |d, &w| gcd(d, w)).max(1);
        let divisors: Vec<i64> = bind.iter().map(divisor).collect();
        let each = |o: usize| bind.iter().zip(&divisors).map(move |(&k, d)| (o, k, d));
        self.weight = (0..self.option.len()).flat_map(each).map(|(o, k, d)| self.weight[o * count + k] / d).collect();
        self.capacity = bind.iter().zip(&divisors).map(|(&k, d)| self.capacity[k] / d).collect();
        self.rows = bind.iter().map(|&k| self.rows[k]).collect();
        self.divisor = bind.iter().zip(divisors).map(|(&k, d)| self.divisor[k] * d).collect();
    }

    /// Number of rows.
    pub fn width(&self) -> usize {
        self.rows.len()
    }

    /// Number of groups.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// The weights of an option.
    pub fn weights(&self, option: usize) -> &[i64] {
        &self.weight[option * self.width()..(option + 1) * self.width()]
    }

    /// The options of a group.
    pub fn options(&self, group: usize) -> std::ops::Range<usize> {
        self.first[group]..self.first[group + 1]
    }

    /// One option for each group, as a choice of the problem.
    pub fn choice(&self, options: &[usize]) -> Vec<usize> {
        let mut choice = vec![0; self.len() + self.settled.len()];
        self.settled.iter().for_each(|&(group, option)| choice[group] = option as usize);
        options.iter().zip(&self.groups).for_each(|(&o, &g)| choice[g] = self.option[o] as usize);
        choice
    }

    /// The options of a choice within the budgets, beaten ones replaced by what beats them; none if it loses too much.
    pub fn locate(&self, problem: &Problem, choice: &[usize]) -> Option<Vec<usize>> {
        let locate = |(i, &g): (usize, &usize)| {
            let options = &problem.groups()[g].options;
            let given = &options[choice[g]];
            let serves = |&o: &usize| {
                let other = &options[self.option[o] as usize];
                other.weight.iter().zip(&given.weight).all(|(a, b)| a <= b)
            };
            let exact = self.options(i).find(|&o| self.option[o] as usize == choice[g]);
            exact.or_else(|| self.options(i).filter(serves).min_by_key(|&o| self.regret[o]))
        };
        self.groups.iter().enumerate().map(locate).collect()
    }

    /// What a choice leaves of each row.
    pub fn slack(&self, options: &[usize]) -> Vec<i128> {
        let used = |k: usize| options.iter().map(|&o| i128::from(self.weights(o)[k])).sum::<i128>();
        self.capacity.iter().enumerate().map(|(k, &c)| i128::from(c) - used(k)).collect()
    }

    /// The regret of a choice.
    pub fn total(&self, options: &[usize]) -> i128 {
        self.offset + options.iter().map(|&o| i128::from(self.regret[o])).sum::<i128>()
    }
}

/// Greatest common divisor (Euclid).
fn gcd(mut a: i64, mut b: i64) -> i64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
