//! One level of the search: every combination of deviations up to a price, as cheap half × dear half × what lies between.
//!
//! Cheap groups multiply combinations from the start, dear ones only a few: both halves grow from their ends until all
//! groups are taken or both are as large as memory allows. What is then left between them is enumerated one by one,
//! each combination with a join of the halves of its own: time instead of memory.

use std::time::Instant;

use crate::solve::StopReason;
use crate::solve::exact::best::Best;
use crate::solve::exact::half::{Half, Limits, Step};
use crate::solve::exact::join::{Join, Target};
use crate::solve::exact::levels::SOME;
use crate::solve::exact::priced::Priced;
use crate::solve::exact::reduced::Reduced;

/// How much further out each look beyond a level goes.
const FURTHER: i64 = 8;

/// How a search is limited.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Most states in each half.
    pub states: usize,
    /// Most work, in states and pairs.
    pub work: u64,
    /// Whether the first choice within the gap ends the search.
    pub any: bool,
    /// When to stop.
    pub deadline: Option<Instant>,
}

/// What searching a level came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// States and pairs.
    pub work: u64,
    /// Why it is not complete, if it is not.
    pub stop: Option<StopReason>,
}

/// The combinations of a level.
#[derive(Debug)]
pub(super) struct Level<'a, const R: usize> {
    reduced: &'a Reduced,
    priced: &'a Priced,
    price: i64,
    cheap: Half<R>,
    dear: Half<R>,
    /// Groups in neither half, each with its steps.
    between: Vec<Vec<Step<R>>>,
    join: Join<R>,
    effort: Effort,
    /// Largest gap of the pairs that are looked for.
    beyond: i64,
}

/// What is taken between the halves.
#[derive(Clone, Copy)]
struct Taken<const R: usize> {
    d: i64,
    regret: i64,
    weight: [i64; R],
}

impl<const R: usize> Default for Taken<R> {
    fn default() -> Self {
        Taken { d: 0, regret: 0, weight: [0; R] }
    }
}

/// A combination between the halves, and which one comes next: a step of one of the first `groups`.
struct Frame<const R: usize> {
    taken: Taken<R>,
    groups: usize,
    group: usize,
    step: usize,
}

fn late(effort: &Effort) -> bool {
    effort.deadline.is_some_and(|d| Instant::now() >= d)
}

impl<'a, const R: usize> Level<'a, R> {
    /// Enumerates the halves.
    pub fn new(reduced: &'a Reduced, priced: &'a Priced, price: i64, keep: usize, effort: Effort) -> Self {
        let mut groups = steps::<R>(reduced, priced, price);
        let limits = Limits { price, keep, states: effort.states, deadline: effort.deadline };
        let (mut cheap, mut dear) = (Half::new(), Half::new());
        let (mut low, mut high) = (0, groups.len());
        while low < high && (cheap.open() || dear.open()) {
            if cheap.open() && (cheap.alive.len() < dear.alive.len() || !dear.open()) {
                low += usize::from(cheap.extend(&groups[low], limits));
            } else {
                high -= usize::from(dear.extend(&groups[high - 1], limits));
            }
        }
        groups.truncate(high);
        let between = groups.split_off(low);
        let mut multipliers = [0.0; R];
        multipliers.iter_mut().zip(&priced.multipliers).for_each(|(a, b)| *a = *b);
        let join = Join::new((&cheap, &dear), multipliers, effort.work, effort.deadline);
        // Somewhat beyond the level: there may be better choices than the known ones, though not all are here. In the
        // last level there is nothing beyond.
        let beyond = if price >= priced.all { i64::MAX / 4 } else { price.saturating_mul(2) };
        Level { beyond, reduced, priced, price, cheap, dear, between, join, effort }
    }

    /// Offers every choice of the level that is of use, and some beyond it.
    pub fn search(mut self, best: &mut Best) -> Seen {
        let mut complete = self.descend(best);
        // No choice is inside: a look further out is cheap, and a better choice makes everything else cheaper.
        while complete && self.priced.gap(best) / FURTHER > self.beyond && self.join.work < self.effort.work {
            let before = best.worst();
            self.beyond = self.beyond.max(1).saturating_mul(FURTHER);
            if !self.join(Taken::default(), &[], best) {
                complete = !late(&self.effort);
                break;
            }
            if best.worst() < before {
                break;
            }
        }
        let work = self.join.work + (self.cheap.made() + self.dear.made()) as u64;
        let reason = if late(&self.effort) { StopReason::TimeLimit } else { StopReason::StateLimit };
        Seen { work, stop: (!complete).then_some(reason) }
    }

    /// All combinations between the halves, depth first: each takes deviations of ever cheaper groups. On a stack of its
    /// own, as thousands of equal layers go as deep.
    fn descend(&mut self, best: &mut Best) -> bool {
        let mut path: Vec<u32> = Vec::new();
        let mut frames = vec![Frame { taken: Taken::default(), groups: self.between.len(), group: 0, step: 0 }];
        if !self.join(Taken::default(), &path, best) {
            return false;
        }
        while let Some(frame) = frames.last_mut() {
            if self.effort.any && best.found() || self.join.work > SOME && self.priced.settled(best) {
                return true;
            }
            let step = (frame.group < frame.groups).then(|| self.between[frame.group].get(frame.step)).flatten();
            match step.copied().filter(|s| frame.taken.d + s.d <= self.price) {
                Some(step) => {
                    frame.step += 1;
                    let groups = frame.group;
                    let mut weight = frame.taken.weight;
                    weight.iter_mut().zip(&step.weight).for_each(|(w, s)| *w = w.saturating_add(*s));
                    let regret = frame.taken.regret.saturating_add(step.regret);
                    let taken = Taken { d: frame.taken.d + step.d, regret, weight };
                    path.push(step.deviation);
                    if !self.join(taken, &path, best) {
                        return false;
                    }
                    frames.push(Frame { taken, groups, group: 0, step: 0 });
                }
                // Steps and groups are sorted by `d`: where the first step is too dear, all others are.
                None if frame.step > 0 && frame.group + 1 < frame.groups => {
                    frame.group += 1;
                    frame.step = 0;
                }
                None => {
                    frames.pop();
                    path.pop();
                }
            }
        }
        true
    }

    fn join(&mut self, taken: Taken<R>, path: &[u32], best: &mut Best) -> bool {
        let Level { reduced, priced, cheap, dear, join, effort, beyond, .. } = self;
        let most = |best: &Best| match effort.any && best.found() {
            true => -1,
            false => priced.gap(best).min(*beyond).saturating_add(priced.error) - taken.d,
        };
        let mut slack = [0; R];
        slack.iter_mut().zip(&priced.slack).for_each(|(a, b)| *a = *b);
        slack.iter_mut().zip(&taken.weight).for_each(|(s, w)| *s = s.saturating_sub(*w));
        join.sweep(Target { slack, gap: most(best) }, |x, y| {
            let regret = [cheap.state(x).regret, dear.state(y).regret, taken.regret].map(i128::from);
            let regret = priced.regret + regret.iter().sum::<i128>();
            best.offer(regret, || {
                let mut options = priced.base.clone();
                let mut take = |at: u32| {
                    let deviation = &priced.deviations[at as usize];
                    options[deviation.group as usize] = deviation.option as usize;
                };
                cheap.taken(x, &mut take);
                dear.taken(y, &mut take);
                path.iter().for_each(|&at| take(at));
                reduced.choice(&options)
            });
            most(best)
        })
    }
}

/// The deviations up to a price, group by group, cheapest group first.
fn steps<const R: usize>(reduced: &Reduced, priced: &Priced, price: i64) -> Vec<Vec<Step<R>>> {
    let within = priced.deviations.partition_point(|d| d.d <= price);
    let mut seat = vec![u32::MAX; reduced.len()];
    let mut groups: Vec<Vec<Step<R>>> = Vec::new();
    for (at, deviation) in priced.deviations[..within].iter().enumerate() {
        let group = deviation.group as usize;
        if seat[group] == u32::MAX {
            seat[group] = groups.len() as u32;
            groups.push(Vec::new());
        }
        let (option, base) = (deviation.option as usize, priced.base[group]);
        let mut weight = [0; R];
        let pairs = reduced.weights(option).iter().zip(reduced.weights(base));
        weight.iter_mut().zip(pairs).for_each(|(w, (o, b))| *w = o - b);
        let regret = reduced.regret[option] - reduced.regret[base];
        groups[seat[group] as usize].push(Step { d: deviation.d, regret, weight, deviation: at as u32 });
    }
    groups
}
