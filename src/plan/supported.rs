//! Which points of a front are supported: on the lower convex hull of all of it, so that a price finds them.
//!
//! A point `p` is supported when for some price `λ ≥ 0` no plan `q` has `Ω_q + λ·c_q < Ω_p + λ·c_p`. The dearer plans
//! ask for a `λ` of at least `max (Ω_p − Ω_q) / (c_q − c_p)`, and at the least such price a cheaper plan must not be
//! better.
//!
//! Where the front is not known, the least price of the known plans is put to the exact solver (after Aneja and Nair,
//! "Bicriteria transportation problem", 1979): its best plan at that price is no better than `p`, which proves that `p`
//! is supported; or a cheaper plan is better, which proves that it is not; or a dearer one is, and the price rises.
//! Each round finds a corner of the hull between `p` and the last one, so that there are few, and all points share
//! them.

use crate::error::{Error, Result};
use crate::plan::front_search::{Found, FrontSearch};
use crate::plan::totals::ROUNDING;
use crate::progress::{Observer, Stage};

/// Most prices tried for a point.
const MOST_PRICES: usize = 64;

/// Of each point of a whole front.
pub(super) fn by_the_front(front: &[Found]) -> Vec<Option<bool>> {
    front.iter().map(|p| Some(!refuted(p, least_price(p, front), front))).collect()
}

/// Of each point of a front that has others; `known` are other plans within the budgets.
///
/// # Errors
/// Those of the search, and [`Error::Interrupted`].
pub(super) fn by_searches(
    search: &FrontSearch,
    points: &[Found],
    mut known: Vec<Found>,
    observer: &mut dyn Observer,
) -> Result<Vec<Option<bool>>> {
    known.extend(points.iter().cloned());
    observer.start(Stage::new("supported points", points.len() as u64).of("points"));
    let mut verdicts = Vec::with_capacity(points.len());
    for point in points {
        if observer.stop_requested() {
            return Err(Error::Interrupted);
        }
        verdicts.push(by_prices(point, &mut known, |price| search.weighted(price))?);
        observer.at(verdicts.len() as u64, "");
    }
    Ok(verdicts)
}

/// Of one point, by searches at prices; what they find becomes known.
fn by_prices(
    point: &Found,
    known: &mut Vec<Found>,
    mut search: impl FnMut(f64) -> Result<Option<Found>>,
) -> Result<Option<bool>> {
    for _ in 0..MOST_PRICES {
        let price = least_price(point, known);
        if refuted(point, price, known) {
            return Ok(Some(false));
        }
        match search(price)? {
            None => return Ok(None),
            Some(best) if !better(&best, point, price) => return Ok(Some(true)),
            Some(best) => known.push(best),
        }
    }
    Ok(None)
}

/// The smallest price at which no dearer plan is better.
fn least_price(point: &Found, plans: &[Found]) -> f64 {
    let dearer = plans.iter().filter(|q| q.cost > point.cost);
    dearer.map(|q| (point.objective - q.objective) / (q.cost - point.cost)).fold(0.0, f64::max)
}

/// Whether a plan that is not dearer is better at a price; a higher price would only make it better still.
fn refuted(point: &Found, price: f64, plans: &[Found]) -> bool {
    plans.iter().any(|q| q.cost <= point.cost && better(q, point, price))
}

/// Whether a plan is better at a price by more than rounding.
fn better(plan: &Found, point: &Found, price: f64) -> bool {
    let gain = (point.objective - plan.objective) + price * (point.cost - plan.cost);
    gain > ROUNDING * (point.size + plan.size + price * (point.cost + plan.cost))
}

#[cfg(test)]
#[path = "supported_tests.rs"]
mod tests;
