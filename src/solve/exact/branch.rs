//! Best-first branch and bound around the levels.
//!
//! Where one layer is so large that the bound takes a part of it, no choice is near the bound, and the levels grow
//! without finding one. Then the group is fixed to each of its options in turn: every child has multipliers and a bound
//! of its own. Whatever exceeds the best known choice at the parent's multipliers is left out for good, so that
//! children are small.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use crate::solve::StopReason;
use crate::solve::exact::best::Best;
use crate::solve::exact::dual;
use crate::solve::exact::enumerate::Effort;
use crate::solve::exact::levels;
use crate::solve::exact::priced::Priced;
use crate::solve::exact::reduced::Reduced;

/// Relative gap of the regret that counts as a proof once much work has been done.
pub(super) const TOLERANCE: f64 = 1e-9;
/// Much work, in states and pairs.
const MUCH: u64 = 1 << 24;
/// Work on the levels of the root, and of a child.
const ROOT: u64 = 1 << 20;
const CHILD: u64 = 1 << 16;
/// Children after which each gets twice the work: many children mean that branching does not help.
const DOUBLED: u64 = 8;

/// What a search showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    /// No choice that was not found has a regret below this.
    pub bound: i128,
    /// Why that is not the best one, if it is not.
    pub stop: Option<StopReason>,
    /// States that were made, and pairs that were looked at.
    pub work: u64,
}

/// A part of the problem.
struct Node {
    reduced: Reduced,
    priced: Option<Priced>,
}

/// Searches the whole of a problem that is priced already.
pub(super) fn search(reduced: Reduced, priced: Priced, best: &mut Best, effort: Effort) -> Proof {
    let mut nodes = vec![Some(Node { reduced, priced: Some(priced) })];
    // By bound, then by age: the same order at every run.
    let mut open = BinaryHeap::from([Reverse((i128::MIN, 0))]);
    let mut proof = Proof { bound: i128::MAX, stop: None, work: 0 };
    let mut explored = 0;
    while let Some(Reverse((bound, at))) = open.pop() {
        let lowest = bound.min(proof.bound);
        if bound >= best.worst() || effort.any && best.found() || enough(best, lowest, proof.work) {
            proof.bound = lowest;
            break;
        }
        if late(&effort) || proof.work >= effort.work {
            // The root is looked at in any case: it gives a bound.
            if explored > 0 {
                proof.bound = lowest;
                proof.stop = Some(if late(&effort) { StopReason::TimeLimit } else { StopReason::StateLimit });
                break;
            }
        }
        let Some(Node { reduced, priced }) = nodes[at].take() else { continue };
        let priced = priced.unwrap_or_else(|| Priced::sound(&reduced, dual::multipliers(&reduced, effort.deadline)));
        explored += 1;
        let share = if explored == 1 { ROOT } else { CHILD << (explored / DOUBLED).min(20) };
        let work = share.min(effort.work.saturating_sub(proof.work)).max(1);
        let here = Effort { work, states: effort.states.min(work as usize), ..effort };
        if priced.slack.iter().all(|&s| s >= 0) {
            best.offer(priced.regret, || reduced.choice(&priced.base));
        }
        let seen = levels::search(&reduced, &priced, best, here);
        proof.work += seen.work + reduced.option.len() as u64;
        let reached = match seen.gap {
            gap if gap < 0 => priced.bound - i128::from(priced.error),
            gap => priced.bound + i128::from(gap) + 1,
        };
        let reached = reached.max(bound);
        if seen.stop.is_none() || reached >= best.worst() {
            proof.bound = proof.bound.min(reached);
            continue;
        }
        if seen.stop == Some(StopReason::TimeLimit) {
            proof.stop = seen.stop;
            proof.bound = proof.bound.min(reached);
            break;
        }
        for (child, d) in children(&reduced, &priced, best) {
            let bound = reached.max(priced.bound + i128::from(d) - i128::from(priced.error));
            open.push(Reverse((bound, nodes.len())));
            nodes.push(Some(Node { reduced: child, priced: None }));
        }
    }
    let left = open.iter().map(|Reverse((bound, _))| *bound).min();
    proof.bound = proof.bound.min(left.unwrap_or(i128::MAX)).min(best.worst());
    if proof.stop.is_some() && (proof.bound >= best.worst() || enough(best, proof.bound, proof.work)) {
        proof.stop = None;
    }
    proof
}

fn late(effort: &Effort) -> bool {
    effort.deadline.is_some_and(|d| Instant::now() >= d)
}

/// Whether enough work has been done for what is left to gain.
fn enough(best: &Best, bound: i128, work: u64) -> bool {
    let close = |&(regret, _): &(i128, Vec<usize>)| (regret - bound) as f64 <= TOLERANCE * regret as f64;
    work > MUCH && best.list().len() == best.keep() && best.list().last().is_some_and(close)
}

/// The problem with one group fixed to each of its options, and what each costs.
fn children(reduced: &Reduced, priced: &Priced, best: &Best) -> Vec<(Reduced, i64)> {
    let most = priced.gap(best).saturating_add(priced.error);
    let mut price = vec![i64::MAX; reduced.option.len()];
    priced.base.iter().for_each(|&o| price[o] = 0);
    priced.deviations.iter().for_each(|d| price[d.option as usize] = d.d);
    let Some(group) = fractional(reduced, priced) else { return Vec::new() };
    let options = reduced.options(group).filter(|&o| price[o] <= most);
    let child = |fixed: usize| {
        let keep = |o: usize| price[o] <= most && (o == fixed || !reduced.options(group).contains(&o));
        Some((reduced.restricted(keep)?, price[fixed]))
    };
    options.filter_map(child).collect()
}

/// Of the groups that the bound takes a part of, one for each row, the one with the largest exchange.
fn fractional(reduced: &Reduced, priced: &Priced) -> Option<usize> {
    let mut seen: Vec<(f64, usize)> = Vec::new();
    for deviation in &priced.deviations {
        let (group, option) = (deviation.group as usize, deviation.option as usize);
        if seen.iter().any(|&(_, g)| g == group) {
            continue;
        }
        let pairs = reduced.weights(option).iter().zip(reduced.weights(priced.base[group])).zip(&priced.multipliers);
        seen.push((pairs.map(|((a, b), l)| ((a - b) as f64 * l).abs()).sum(), group));
        if seen.len() >= reduced.width().max(1) {
            break;
        }
    }
    seen.into_iter().max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))).map(|(_, group)| group)
}
