//! Pairs of combinations, one of each half, that together are within the capacities and near the bound (meet in the
//! middle, Horowitz and Sahni 1974).
//!
//! A pair has gap `d_A + d_B + λ·slack`. States are put in classes of like `d`; two classes are swept in the order of
//! the weight of one row, where the slack may only be what the gap leaves: with `n` states in each half and a window of
//! a share `p` of the weights the cost is about `classes·n + p·n²`.

use std::time::Instant;

use crate::solve::exact::half::Half;

/// Classes of `d` in each half.
const CLASSES: usize = 16;
/// Fewest states that are put in more than one class.
const WORTH: usize = 256;
/// Sweep steps between two looks at the clock.
const PER_LOOK: u64 = 1 << 16;

/// A state of one half, copied together with its neighbours in the sweep.
#[derive(Debug, Clone, Copy)]
struct Entry<const R: usize> {
    /// Weights, the swept row first.
    weight: [i64; R],
    d: i64,
    state: u32,
}

/// States of like `d`, sorted by the weight of the swept row.
#[derive(Debug)]
struct Class<const R: usize> {
    /// The least `d` in it.
    least: i64,
    entries: Vec<Entry<R>>,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<const R: usize> {
    /// What the pair may take of each row.
    pub slack: [i64; R],
    /// Largest gap of interest, rounding included.
    pub gap: i64,
}

/// Two halves made ready to be joined, to any number of targets.
#[derive(Debug)]
pub(super) struct Join<const R: usize> {
    row: usize,
    multipliers: [f64; R],
    left: Vec<Class<R>>,
    right: Vec<Class<R>>,
    /// Pairs and steps so far.
    pub work: u64,
    /// Work at which to look at the limits again.
    look: u64,
    most_work: u64,
    deadline: Option<Instant>,
}

impl<const R: usize> Join<R> {
    /// Sorts the states of both halves.
    pub fn new(
        (a, b): (&Half<R>, &Half<R>),
        mut multipliers: [f64; R],
        most_work: u64,
        deadline: Option<Instant>,
    ) -> Self {
        let row = widest(a, b, &multipliers);
        multipliers.swap(0, row);
        let classes = if a.alive.len().max(b.alive.len()) < WORTH { 1 } else { CLASSES };
        let (left, right) = (split(a, row, classes), split(b, row, classes));
        Join { row, multipliers, left, right, work: 0, look: PER_LOOK, most_work, deadline }
    }

    /// Gives every pair on target to `found`, which returns the gap that is of interest from then on. False if a limit
    /// ended it.
    pub fn sweep(&mut self, target: Target<R>, mut found: impl FnMut(u32, u32) -> i64) -> bool {
        let (mut slack, mut gap) = (target.slack, target.gap);
        slack.swap(0, self.row);
        for left in &self.left {
            for right in &self.right {
                let least = left.least.saturating_add(right.least);
                let right = &right.entries;
                self.work += 1;
                // Both ends of the window move down as the left weight moves up.
                let (mut low, mut high) = (right.len(), right.len());
                for x in &left.entries {
                    if least > gap {
                        break;
                    }
                    let room: [i64; R] = std::array::from_fn(|k| slack[k].saturating_sub(x.weight[k]));
                    let most = room[0];
                    // `as` saturates: without a multiplier the window is endless.
                    let window = ((gap - least) as f64 / self.multipliers[0]) as i64;
                    let fewest = most.saturating_sub(window).saturating_sub(1);
                    while high > 0 && right[high - 1].weight[0] > most {
                        high -= 1;
                    }
                    low = low.min(high);
                    while low > 0 && right[low - 1].weight[0] >= fewest {
                        low -= 1;
                    }
                    self.work += (high - low) as u64 + 1;
                    if self.work >= self.look {
                        self.look = self.work + PER_LOOK;
                        if self.work > self.most_work || self.deadline.is_some_and(|d| Instant::now() >= d) {
                            return false;
                        }
                    }
                    for y in &right[low..high] {
                        let d = x.d + y.d;
                        if d > gap {
                            continue;
                        }
                        let (mut fits, mut price) = (true, d as f64);
                        for ((room, weight), multiplier) in room.iter().zip(&y.weight).zip(&self.multipliers) {
                            let left = room.saturating_sub(*weight);
                            fits &= left >= 0;
                            price += left as f64 * multiplier;
                        }
                        if fits && price <= gap as f64 {
                            gap = gap.min(found(x.state, y.state));
                        }
                    }
                }
            }
        }
        true
    }
}

/// The row whose weights spread widest at their price: its window is the narrowest.
fn widest<const R: usize>(a: &Half<R>, b: &Half<R>, multipliers: &[f64; R]) -> usize {
    let spread = |k: usize| {
        let of = |half: &Half<R>| {
            let weights = || half.alive.iter().map(|&s| half.state(s).weight[k]);
            weights().max().unwrap_or(0) as f64 - weights().min().unwrap_or(0) as f64
        };
        (of(a) + of(b)) * multipliers[k]
    };
    (0..R).max_by(|&i, &j| spread(i).total_cmp(&spread(j))).unwrap_or(0)
}

fn split<const R: usize>(half: &Half<R>, row: usize, classes: usize) -> Vec<Class<R>> {
    let most = half.alive.iter().map(|&s| half.state(s).d).max().unwrap_or(0);
    let width = most / classes as i64 + 1;
    let mut parts: Vec<Class<R>> = (0..classes).map(|_| Class { least: i64::MAX, entries: Vec::new() }).collect();
    for &index in &half.alive {
        let state = half.state(index);
        let mut weight = state.weight;
        weight.swap(0, row);
        let part = &mut parts[(state.d / width) as usize];
        part.least = part.least.min(state.d);
        part.entries.push(Entry { weight, d: state.d, state: index });
    }
    parts.retain(|p| !p.entries.is_empty());
    for part in &mut parts {
        part.entries.sort_unstable_by_key(|e| (e.weight[0], e.state));
    }
    parts
}
