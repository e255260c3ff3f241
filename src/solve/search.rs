//! One pass over the groups: dynamic programming on (regret, weights) with dominance and Lagrangian pruning.
//!
//! A state is what the first groups have taken: a regret and one weight per row, in exact integers. A state goes when
//! it cannot be completed within the budgets, when its bound is above the best known regret, or when another state
//! that is no worse in any number stands beside it. At most `width` states go on from a step, those with the lowest
//! bounds; the lowest bound left behind is reported, so that a pass that left nothing behind is a proof and any other
//! a heuristic with a bound. Cost: `O(groups · width · options · (multipliers + log width))`, memory `width · options`.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::solve::bound::Suffixes;
use crate::solve::scaled::Scaled;

/// With three rows or more, how many states a new one is compared with; a missed dominance costs time, not truth.
const COMPARED: usize = 256;
/// States between two looks at the clock.
const PER_LOOK: usize = 1024;

/// What a pass found.
pub(crate) struct Pass {
    /// Regret in units and item index per step of the best complete state.
    pub best: Option<(i64, Vec<usize>)>,
    /// Lowest bound of the states that were left behind.
    pub left: f64,
    /// States that were looked at.
    pub states: u64,
    /// Whether the clock ended it.
    pub late: bool,
}

/// The states after a step: columns of one table.
#[derive(Default)]
struct States {
    regret: Vec<i64>,
    /// One row of weights after the other.
    weight: Vec<i64>,
    bound: Vec<f64>,
    /// Index of the state before, and the item taken.
    from: Vec<(u32, u32)>,
}

impl States {
    fn weight(&self, state: usize, rows: usize) -> &[i64] {
        &self.weight[state * rows..(state + 1) * rows]
    }

    fn push(&mut self, regret: i64, weight: &[i64], bound: f64, from: (u32, u32)) {
        self.regret.push(regret);
        self.weight.extend_from_slice(weight);
        self.bound.push(bound);
        self.from.push(from);
    }
}

/// Runs one pass. States above `most` are dropped, those that equal it stay: the answer then does not depend on
/// whether a best choice was known before.
pub(crate) fn pass(scaled: &Scaled, suffixes: &Suffixes, most: i64, width: usize, deadline: Option<Instant>) -> Pass {
    let rows = scaled.rows.len();
    let room = room_before(scaled);
    let mut found = Pass { best: None, left: f64::INFINITY, states: 0, late: false };
    let mut states = States::default();
    states.push(0, &vec![0; rows], f64::NEG_INFINITY, (0, 0));
    let mut history: Vec<Vec<(u32, u32)>> = Vec::with_capacity(scaled.steps.len());
    let mut weight = vec![0; rows];
    for (step, items) in scaled.steps.iter().enumerate() {
        let mut next = States::default();
        for s in 0..states.regret.len() {
            if s % PER_LOOK == 0 && deadline.is_some_and(|d| Instant::now() >= d) {
                found.late = true;
                found.left = states.bound.iter().copied().fold(found.left, f64::min);
                return found;
            }
            for (i, item) in items.iter().enumerate() {
                let old = states.weight(s, rows);
                weight.iter_mut().zip(old.iter().zip(&item.weight)).for_each(|(w, (a, b))| *w = a + b);
                let regret = states.regret[s] + item.regret;
                if regret > most || weight.iter().zip(&room[step + 1]).any(|(w, r)| w > r) {
                    continue;
                }
                if let Some(bound) = suffixes.bound(step + 1, regret, &weight, most) {
                    next.push(regret, &weight, bound, (s as u32, i as u32));
                }
            }
        }
        found.states += next.regret.len() as u64;
        let mut kept = undominated(&next, rows);
        if kept.len() > width {
            kept.sort_by(|&a, &b| next.bound[a].total_cmp(&next.bound[b]).then(a.cmp(&b)));
            found.left = found.left.min(next.bound[kept[width]]);
            kept.truncate(width);
        }
        states = States::default();
        for s in kept {
            states.push(next.regret[s], next.weight(s, rows), next.bound[s], next.from[s]);
        }
        history.push(std::mem::take(&mut states.from));
    }
    let end = (0..states.regret.len()).min_by_key(|&s| (states.regret[s], states.weight(s, rows)));
    found.best = end.map(|mut s| {
        let regret = states.regret[s];
        let mut taken = vec![0; history.len()];
        for (step, from) in history.iter().enumerate().rev() {
            taken[step] = from[s].1 as usize;
            s = from[s].0 as usize;
        }
        (regret, taken)
    });
    found
}

/// `room[step]`: the most weight that a state before `step` may have and still be completed; negative if none may.
fn room_before(scaled: &Scaled) -> Vec<Vec<i64>> {
    let mut room = vec![scaled.capacity.clone()];
    for items in scaled.steps.iter().rev() {
        let last = room.last().map_or(&[][..], Vec::as_slice);
        let least = |k: usize| items.iter().map(|i| i.weight[k]).min().unwrap_or(0);
        let row = last.iter().enumerate().map(|(k, r)| r.saturating_sub(least(k))).collect();
        room.push(row);
    }
    room.reverse();
    room
}

/// The states that no other equals or beats in the regret and in every weight, by ascending regret.
fn undominated(states: &States, rows: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..states.regret.len()).collect();
    order.sort_by(|&a, &b| {
        let key = |s: usize| (states.regret[s], states.weight(s, rows), s);
        key(a).cmp(&key(b))
    });
    if rows > 2 {
        let mut kept: Vec<usize> = Vec::new();
        for s in order {
            let beats = |&k: &usize| states.weight(k, rows).iter().zip(states.weight(s, rows)).all(|(a, b)| a <= b);
            if !kept.iter().rev().take(COMPARED).any(beats) {
                kept.push(s);
            }
        }
        return kept;
    }
    // A staircase of (first weight → second weight) over the states kept so far, second falling as the first grows.
    let mut stairs: BTreeMap<i64, i64> = BTreeMap::new();
    order.retain(|&s| {
        let weight = states.weight(s, rows);
        let (first, second) = (weight.first().copied().unwrap_or(0), weight.get(1).copied().unwrap_or(0));
        if stairs.range(..=first).next_back().is_some_and(|(_, &w)| w <= second) {
            return false;
        }
        while let Some((&above, _)) = stairs.range(first..).next().filter(|&(_, &w)| w >= second) {
            stairs.remove(&above);
        }
        stairs.insert(first, second);
        true
    });
    order
}
