//! The search proper: all choices within a gap of the bound, for growing gaps, until the best known one is inside.
//!
//! At each level every combination of deviations with `Σ d` up to the level is enumerated. A level that was complete is
//! a proof: no choice but those found is nearer to the bound. In a random instance the gap of the optimum is so small
//! that about `(spread / gap)^rows` combinations lie within it; meeting in the middle costs about the square root.

use crate::solve::StopReason;
use crate::solve::exact::best::Best;
use crate::solve::exact::enumerate::{Effort, Level};
use crate::solve::exact::priced::Priced;
use crate::solve::exact::reduced::Reduced;

/// Deviations inside the first level, for each row.
const FIRST: usize = 12;
/// Some work: spent on telling choices apart that the rounding of the bound cannot.
pub(super) const SOME: u64 = 1 << 14;
/// A level that reaches this share of the gap is raised to the whole of it.
const NEARLY: f64 = 0.6;

/// What a search showed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    /// No choice that was not found has a gap up to this, in units.
    pub gap: i64,
    /// Why the best choice is not inside, if it is not.
    pub stop: Option<StopReason>,
    /// States that were made, and pairs that were looked at.
    pub work: u64,
}

/// Searches with as many rows as the problem has.
pub(super) fn search(reduced: &Reduced, priced: &Priced, best: &mut Best, effort: Effort) -> Proof {
    match reduced.width() {
        0 | 1 => levels::<1>(reduced, priced, best, effort),
        2 => levels::<2>(reduced, priced, best, effort),
        3 => levels::<3>(reduced, priced, best, effort),
        4 => levels::<4>(reduced, priced, best, effort),
        5..=8 => levels::<8>(reduced, priced, best, effort),
        _ => levels::<{ crate::solve::problem::MAX_BUDGETS }>(reduced, priced, best, effort),
    }
}

fn levels<const R: usize>(reduced: &Reduced, priced: &Priced, best: &mut Best, mut effort: Effort) -> Proof {
    let deviations = &priced.deviations;
    let at = (FIRST * reduced.width().max(1)).min(deviations.len().saturating_sub(1));
    let mut level = deviations.get(at).map_or(0, |d| d.d).saturating_add(priced.error);
    let mut proof = Proof { gap: -1, stop: None, work: 0 };
    while !done(priced, best, proof, effort) {
        let gap = priced.gap(best).saturating_add(priced.error);
        if level as f64 > NEARLY * gap as f64 {
            level = gap;
        }
        level = level.min(priced.all);
        // Ties that only the rounding of the bound separates can be countless.
        let states = if priced.settled(best) { effort.states.min(SOME as usize) } else { effort.states };
        let effort_here = Effort { states, ..effort };
        let seen = Level::<R>::new(reduced, priced, level, best.keep(), effort_here).search(best);
        proof.work += seen.work;
        effort.work = effort.work.saturating_sub(seen.work);
        if let Some(stop) = seen.stop {
            proof.stop = Some(stop).filter(|_| !done(priced, best, proof, effort));
            break;
        }
        // Beyond all deviations, everything has been seen.
        proof.gap = if level >= priced.all { i64::MAX / 2 } else { level - priced.error };
        level = grown(level, seen.work).max(level.saturating_add(priced.error));
    }
    proof
}

fn done(priced: &Priced, best: &Best, proof: Proof, effort: Effort) -> bool {
    let gap = priced.gap(best);
    proof.gap >= gap || proof.work > SOME && priced.settled(best) || effort.any && best.found()
}

/// The next level: the number of combinations grows like `exp(c·√level)`, so that a constant factor of the level is a
/// power of their number.
fn grown(level: i64, work: u64) -> i64 {
    let factor = match work {
        0..=256 => 3.0,
        257..=8192 => 1.8,
        8193..=262_144 => 1.4,
        _ => 1.2,
    };
    (level.max(1) as f64 * factor) as i64
}
