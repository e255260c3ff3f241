//! The front of the objective against one budget, the others fixed (method.md §5): every plan that no other beats in
//! both.
//!
//! The whole front by the epsilon-constraint method (Haimes, Lasdon and Wismer 1971): the best plan without a limit,
//! then again and again the best plan that costs less than the last one, until there is none. A plan that a cheaper one
//! of equal objective follows is dropped. Each search proves its point, so that no point is missed, also none that
//! weighted sums cannot find. Costs that are all whole numbers are told apart exactly. Others are told apart when they
//! differ by a relative ¾·[`crate::solve::problem::budget_tolerance`] (1.4e-12 up to a thousand layers) or more, and
//! count as equal when by a third of that or less: sums of the same decimals in another order are one cost.
//!
//! Or a number of limits, equally spaced from the least cost to that of the best plan, and the point of the front at
//! each.
//!
//! Cost: one search for each point of the whole front, two to three for each point asked for, and about as many again
//! to tell which of those are supported (`plan::supported`).

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::plan::front_search::{Answer, Found, FrontSearch};
use crate::plan::supported::{by_searches, by_the_front};
use crate::progress::{Observer, Stage};
use crate::table::raw::{to_json, unique_keys};
use crate::table::{Budget, PlanningTable};

/// The `format` field of a front.
pub const FRONT_FORMAT: &str = "bitplan.pareto/1";
/// Most points of a front, and most searches for a whole one.
pub const MOST_POINTS: usize = 10_000;
/// Pieces that the progress of a whole front is shown in.
const PIECES: u64 = 100;

/// A front, as it is written and read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Front {
    /// `bitplan.pareto/1`.
    pub format: String,
    /// Name of the cost that the objective is set against.
    pub budget: String,
    /// The other budgets: name → limit.
    #[serde(deserialize_with = "unique_keys")]
    pub others: BTreeMap<String, f64>,
    /// Names of the layers, in the order in which the points list their candidates.
    pub layer_names: Vec<String>,
    /// Number of equally spaced limits that the points are the best plans at; left out for the whole front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<u64>,
    /// The points, cheapest first; their objectives fall.
    pub points: Vec<FrontPoint>,
    /// Whether all that was asked for is here and proved: every point of the front, or the point at every limit.
    pub complete: bool,
}

/// A plan that no other beats in objective and cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontPoint {
    /// What it costs: the smallest limit that admits it.
    pub limit_used: f64,
    /// Sum of the sensitivities.
    pub objective: f64,
    /// No plan within that limit and the other budgets is below this.
    pub bound: f64,
    /// Whether no plan is better within that limit.
    pub proved: bool,
    /// Whether it lies on the lower convex hull of the whole front, that is, whether it minimises `objective + λ·cost`
    /// for some `λ ≥ 0`; left out where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supported: Option<bool>,
    /// Id of the candidate of each layer.
    pub layers: Vec<String>,
}

impl Front {
    /// The front as JSON text, indented, with a final newline; the same bytes for the same front.
    ///
    /// # Errors
    /// [`Error::Internal`] if a number has no JSON form.
    pub fn to_json(&self) -> Result<String> {
        to_json(self)
    }
}

/// Which points of a front are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All, from the dearest on, with so many searches at most.
    Whole {
        /// Up to [`MOST_POINTS`].
        most: usize,
    },
    /// Those at so many equally spaced limits, 2 to [`MOST_POINTS`].
    Limits(usize),
}

/// The front of the objective against the cost `budget` within `others`: the whole of it, or at some limits. `limit` is for all searches together; what is cut off is said by [`Front::complete`].
///
/// # Errors
/// [`Error::Usage`] for a budget that does not fit the table or is named twice, and for numbers of points that are not
/// offered; [`Error::Infeasible`] when no plan is within `others`; [`Error::NoPlanYet`] when none was found in time;
/// [`Error::Interrupted`]; and those of the search.
pub fn pareto(
    table: &PlanningTable,
    budget: &str,
    others: &[Budget],
    extent: Extent,
    limit: Option<Duration>,
    observer: &mut dyn Observer,
) -> Result<Front> {
    if let Extent::Limits(n) = extent
        && !(2..=MOST_POINTS).contains(&n)
    {
        return Err(Error::Usage(format!("points of the front: found {n}, expected 2 to {MOST_POINTS}")));
    }
    let search = FrontSearch::new(table, budget, others, limit)?;
    let what = format!("front against {budget}");
    observer.start(match extent {
        Extent::Whole { .. } => Stage::new(&what, PIECES),
        Extent::Limits(n) => Stage::new(&what, n as u64).of("points"),
    });
    let (found, supported, complete) = match extent {
        Extent::Whole { most } => {
            let (found, ended) = whole(&search, most.min(MOST_POINTS), observer)?;
            let complete = ended && found.iter().all(|p| p.proved);
            let supported = if complete { by_the_front(&found) } else { vec![None; found.len()] };
            (found, supported, complete)
        }
        Extent::Limits(n) => {
            let (found, known, ended) = spaced(&search, n, observer)?;
            let complete = ended && found.iter().all(|p| p.proved);
            let supported = by_searches(&search, &found, known, observer)?;
            (found, supported, complete)
        }
    };
    observer.finish(&format!("{} points{}", found.len(), if complete { "" } else { ", incomplete" }));
    let point = |(p, supported): (&Found, Option<bool>)| FrontPoint {
        limit_used: p.cost,
        objective: p.objective,
        bound: p.bound,
        proved: p.proved,
        supported,
        layers: table.layers().iter().zip(&p.candidates).map(|(l, &c)| l.candidates[c].id.clone()).collect(),
    };
    Ok(Front {
        format: FRONT_FORMAT.into(),
        budget: budget.into(),
        others: others.iter().map(|b| (b.name.clone(), b.limit)).collect(),
        layer_names: table.layers().iter().map(|l| l.name.clone()).collect(),
        limits: match extent {
            Extent::Whole { .. } => None,
            Extent::Limits(n) => Some(n as u64),
        },
        points: found.iter().zip(supported).map(point).rev().collect(),
        complete,
    })
}

/// Every point, dearest first, and whether the search came to the end.
fn whole(search: &FrontSearch, most: usize, observer: &mut dyn Observer) -> Result<(Vec<Found>, bool)> {
    let first = search.best()?;
    let (dearest, range) = (first.cost, first.cost - search.cheapest());
    let mut points = vec![first];
    for _ in 1..most {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        let last = &points[points.len() - 1];
        let done = if range > 0.0 { (dearest - last.cost) / range } else { 1.0 };
        observer.at((done * PIECES as f64) as u64, &format!("{} points, cost {}", points.len(), last.cost));
        match search.cheaper(last)? {
            Answer::Found(next) => add(&mut points, next),
            Answer::None => return Ok((points, true)),
            Answer::Stopped => return Ok((points, false)),
        }
    }
    Ok((points, false))
}

/// Adds a cheaper point in place of those that it is no worse than.
fn add(points: &mut Vec<Found>, cheaper: Found) {
    while points.last().is_some_and(|p| cheaper.dominates(p)) {
        points.pop();
    }
    points.push(cheaper);
}

/// The points of the front at `count` limits, dearest first; other plans that were found; and whether none was cut off.
fn spaced(search: &FrontSearch, count: usize, observer: &mut dyn Observer) -> Result<(Vec<Found>, Vec<Found>, bool)> {
    let mut known = Vec::new();
    let (top, mut ended) = settled(search, search.best()?, &mut known)?;
    let Some(least) = search.least_cost()? else { return Ok((vec![top], known, false)) };
    let range = top.cost - least;
    let mut points = vec![top];
    for i in (0..count - 1).rev() {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        let limit = least + range * (i as f64 / (count - 1) as f64);
        let last = &points[points.len() - 1];
        // The last point is the best here too, as long as it fits.
        if last.cost > limit {
            match search.within(limit)? {
                Answer::Found(next) => {
                    let (next, certain) = settled(search, next, &mut known)?;
                    ended &= certain;
                    add(&mut points, next);
                }
                // The least cost is that of a plan, so that only rounding or time can end this.
                Answer::None | Answer::Stopped => return Ok((points, known, false)),
            }
        }
        observer.at((count - i) as u64, &format!("{} points", points.len()));
    }
    Ok((points, known, ended))
}

/// The cheapest plan with the objective of this one, and whether that is certain; what else turns up becomes known.
fn settled(search: &FrontSearch, mut point: Found, known: &mut Vec<Found>) -> Result<(Found, bool)> {
    for _ in 0..MOST_POINTS {
        match search.cheaper(&point)? {
            Answer::Found(next) if next.dominates(&point) => point = next,
            Answer::Found(next) => {
                known.push(next);
                return Ok((point, true));
            }
            Answer::None => return Ok((point, true)),
            Answer::Stopped => return Ok((point, false)),
        }
    }
    Ok((point, false))
}

#[cfg(test)]
#[path = "pareto_tests.rs"]
mod tests;
