//! Fronts of several runs against the same cost.

use serde::{Deserialize, Serialize};

use super::matching::{items, matched};
use crate::report::document::{FrontSection, Landmark, Report};

/// Limits at which the fronts stand side by side.
const STEPS: usize = 9;

/// The fronts of one cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedFront {
    /// Name of the cost.
    pub cost: String,
    /// In each run; none where a run has no such front.
    pub runs: Vec<Option<FrontCurve>>,
    /// The best objective of each run at equally spaced limits over all fronts.
    pub steps: Vec<FrontStep>,
}

/// One front, without the plans behind its points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrontCurve {
    /// Whether every point of the front is here.
    pub whole: bool,
    /// Cost and objective of the points, cheapest first.
    pub points: Vec<(f64, f64)>,
    /// Uniform precisions and the run's plans on the same axes.
    pub landmarks: Vec<Landmark>,
}

/// Fronts at one limit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrontStep {
    /// Limit of the cost.
    pub limit: f64,
    /// The smallest objective of each run's points within the limit; none if there is none.
    pub objectives: Vec<Option<f64>>,
}

pub(super) fn fronts(reports: &[Report]) -> Vec<ComparedFront> {
    let lists: Vec<&[FrontSection]> = reports.iter().map(|r| r.fronts.as_slice()).collect();
    let compared = matched(&lists, |front| front.cost.clone()).into_iter().filter_map(|places| {
        let runs = items(&lists, &places);
        let cost = runs.iter().flatten().next()?.cost.clone();
        let runs: Vec<Option<FrontCurve>> = runs.into_iter().map(|front| front.map(curve)).collect();
        Some(ComparedFront { cost, steps: steps(&runs), runs })
    });
    compared.collect()
}

fn curve(front: &FrontSection) -> FrontCurve {
    FrontCurve {
        whole: front.whole,
        points: front.points.iter().map(|p| (p.cost, p.objective)).collect(),
        landmarks: front.landmarks.clone(),
    }
}

fn steps(runs: &[Option<FrontCurve>]) -> Vec<FrontStep> {
    let costs = || runs.iter().flatten().flat_map(|front| &front.points).map(|point| point.0);
    let (low, high) = (costs().fold(f64::INFINITY, f64::min), costs().fold(f64::NEG_INFINITY, f64::max));
    if !(low < high && (high - low).is_finite()) {
        return Vec::new();
    }
    // The ends exactly, so that the cheapest and the last point are within their limits.
    let limit = |step: usize| match step + 1 == STEPS {
        true => high,
        false => low + (high - low) * step as f64 / (STEPS - 1) as f64,
    };
    let best = |front: &Option<FrontCurve>, limit: f64| {
        let within = front.as_ref()?.points.iter().filter(|point| point.0 <= limit);
        within.map(|point| point.1).min_by(f64::total_cmp)
    };
    let step = |limit| FrontStep { limit, objectives: runs.iter().map(|front| best(front, limit)).collect() };
    (0..STEPS).map(limit).map(step).collect()
}
