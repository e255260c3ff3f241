//! All combinations of deviations of some groups, up to a price.
//!
//! Groups are taken dearest first: combinations are few until the cheap ones multiply them. A combination is dropped
//! when enough others of the same groups are no worse in regret and in every weight: whatever the rest does, those do
//! as well. Cost: proportional to the combinations kept, times the options of a group.

use std::time::Instant;

/// A deviation with its numbers at hand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<const R: usize> {
    pub d: i64,
    pub regret: i64,
    pub weight: [i64; R],
    /// Index among the deviations of the problem.
    pub deviation: u32,
}

/// A combination: sums of the steps taken, and the last of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct State<const R: usize> {
    pub d: i64,
    pub regret: i64,
    pub weight: [i64; R],
    from: u32,
    deviation: u32,
}

/// The combinations of one half of the groups.
#[derive(Debug)]
pub(super) struct Half<const R: usize> {
    states: Vec<State<R>>,
    /// Indices of the states that nothing dominates.
    pub alive: Vec<u32>,
    /// Whether it may still grow.
    open: bool,
    /// Number of combinations at which to look for dominated ones again.
    next_look: usize,
}

/// Limits of an enumeration.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Largest sum of `d`.
    pub price: i64,
    /// How many states must dominate one before it goes.
    pub keep: usize,
    /// Most states.
    pub states: usize,
    /// When to stop.
    pub deadline: Option<Instant>,
}

/// Fewest states worth a look for dominated ones.
const WORTH: usize = 128;
/// States between two looks at the clock.
const PER_LOOK: usize = 4096;
/// States before one, in the order of their weights, that are compared with it.
const COMPARED: usize = 16;
/// Index of the empty combination's predecessor.
const NONE: u32 = u32::MAX;

impl<const R: usize> Half<R> {
    /// The empty combination alone.
    pub fn new() -> Self {
        let empty = State { d: 0, regret: 0, weight: [0; R], from: NONE, deviation: NONE };
        Half { states: vec![empty], alive: vec![0], open: true, next_look: WORTH }
    }

    /// Whether it may still grow.
    pub fn open(&self) -> bool {
        self.open
    }

    /// Multiplies the combinations by the steps of one more group, sorted by `d`; undone, and false, if that is too much.
    pub fn extend(&mut self, steps: &[Step<R>], limits: Limits) -> bool {
        let (before, made) = (self.alive.len(), self.states.len());
        for at in 0..before {
            let late = at % PER_LOOK == PER_LOOK - 1 && limits.deadline.is_some_and(|d| Instant::now() >= d);
            if late || self.states.len() > limits.states {
                self.alive.truncate(before);
                self.states.truncate(made);
                self.open = false;
                return false;
            }
            let from = self.alive[at];
            let state = self.states[from as usize];
            for step in steps {
                let d = state.d + step.d;
                if d > limits.price {
                    break;
                }
                let mut weight = state.weight;
                weight.iter_mut().zip(&step.weight).for_each(|(w, s)| *w = w.saturating_add(*s));
                let regret = state.regret.saturating_add(step.regret);
                self.alive.push(self.states.len() as u32);
                self.states.push(State { d, regret, weight, from, deviation: step.deviation });
            }
        }
        if self.alive.len() > self.next_look {
            let found = self.alive.len();
            self.drop_dominated(limits.keep);
            // Where few are dominated, look less often.
            let pays = self.alive.len() * 3 < found * 2;
            self.next_look = (self.alive.len() * if pays { 2 } else { 8 }).max(WORTH);
        }
        true
    }

    fn drop_dominated(&mut self, keep: usize) {
        let states = &self.states;
        self.alive.sort_unstable_by_key(|&s| (states[s as usize].weight, states[s as usize].regret, s));
        let mut kept: Vec<u32> = Vec::with_capacity(self.alive.len());
        for &s in &self.alive {
            let state = &states[s as usize];
            let beats = |&&other: &&u32| {
                let other = &states[other as usize];
                other.regret <= state.regret && other.weight.iter().zip(&state.weight).all(|(a, b)| a <= b)
            };
            if kept.iter().rev().take(COMPARED).filter(beats).take(keep).count() < keep {
                kept.push(s);
            }
        }
        self.alive = kept;
    }

    /// A state.
    pub fn state(&self, index: u32) -> &State<R> {
        &self.states[index as usize]
    }

    /// Number of states that were made.
    pub fn made(&self) -> usize {
        self.states.len()
    }

    /// The deviations that a state took.
    pub fn taken(&self, index: u32, mut each: impl FnMut(u32)) {
        let mut state = self.state(index);
        while state.from != NONE {
            each(state.deviation);
            state = self.state(state.from);
        }
    }
}
