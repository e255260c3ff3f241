//! When enough is known of the traces.
//!
//! A trace is good enough when its standard error is at most `relative_error` of it, or of 1 % of the largest for
//! layers far below that. (Stopping on the standard error favours samples with a small one; over a handful of rounds
//! the effect on the mean is far below the error itself.)

use serde::{Deserialize, Serialize};

use crate::trace::{TraceEstimate, TraceOptions};

/// Traces below this share of the largest are only resolved to it.
const NEGLIGIBLE: f64 = 0.01;

/// Probes whose noise is below this share of the data's add less than 12 % to the total error.
const PROBES_SUFFICE: f64 = 0.5;

/// Why no more was drawn, with the number that decided it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StopReason {
    /// Every trace is good enough.
    RelativeError {
        /// Largest standard error relative to its trace.
        worst: f64,
    },
    /// Some trace is not, but it is the data that limit it: more images help, more probes do not.
    DataNoise {
        /// Largest probe noise relative to the data's noise, among the traces that are not good enough.
        probe_share: f64,
    },
    /// `max_rounds` are done; some trace is not good enough.
    ProbeLimit {
        /// The rounds.
        rounds: u64,
    },
    /// The time is up.
    TimeLimit {
        /// What it took.
        seconds: f64,
    },
    /// The estimator has no randomness: one round is all there is.
    OneRound,
}

/// Largest standard error relative to its trace (or to 1 % of the largest trace); `None` if one is not known.
pub(super) fn worst_relative_error(estimates: &[TraceEstimate]) -> Option<f64> {
    relative_errors(estimates).try_fold(0.0, |worst: f64, error| Some(worst.max(error?)))
}

/// Standard error of each estimate relative to its trace, or to 1 % of the largest trace; `None` if it is not known.
pub fn relative_errors(estimates: &[TraceEstimate]) -> impl Iterator<Item = Option<f64>> {
    let largest = estimates.iter().fold(0.0, |m: f64, e| m.max(e.trace.abs()));
    estimates.iter().map(move |e| {
        let (stderr, scale) = (e.stderr?, e.trace.abs().max(NEGLIGIBLE * largest));
        Some(if stderr == 0.0 { 0.0 } else { stderr / scale })
    })
}

/// Whether to stop after `rounds` complete rounds.
pub(super) fn reason(
    estimates: &[TraceEstimate],
    rounds: u64,
    random: bool,
    seconds: f64,
    options: &TraceOptions,
) -> Option<StopReason> {
    if !random {
        return Some(StopReason::OneRound);
    }
    if rounds >= options.min_rounds {
        if let Some(worst) = worst_relative_error(estimates).filter(|&worst| worst <= options.relative_error) {
            return Some(StopReason::RelativeError { worst });
        }
        if let Some(probe_share) = probe_share(estimates, options).filter(|&share| share < PROBES_SUFFICE) {
            return Some(StopReason::DataNoise { probe_share });
        }
    }
    if rounds >= options.max_rounds {
        return Some(StopReason::ProbeLimit { rounds });
    }
    options.max_seconds.is_some_and(|limit| seconds >= limit).then_some(StopReason::TimeLimit { seconds })
}

/// Largest probe noise relative to the data's among the traces that are not good enough; `None` if one is not known.
fn probe_share(estimates: &[TraceEstimate], options: &TraceOptions) -> Option<f64> {
    let mut largest = 0.0f64;
    for (estimate, error) in estimates.iter().zip(relative_errors(estimates)) {
        if error? > options.relative_error {
            let (probe, data) = (estimate.probe_stderr?, estimate.data_stderr?);
            largest = largest.max(if data > 0.0 { probe / data } else { f64::INFINITY });
        }
    }
    Some(largest)
}

#[cfg(test)]
#[path = "stop_tests.rs"]
mod tests;
