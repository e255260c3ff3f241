//! The ends of the phases of training in several runs.

use serde::{Deserialize, Serialize};

use super::matching::{items, matched};
use crate::report::document::{Phase, Report};

/// One phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedPhase {
    /// `fp32`, `multi_precision`, `mixed_precision`.
    pub name: String,
    /// For people.
    pub title: String,
    /// Epochs done and epochs asked for in each run; none where a run has no such phase.
    pub epochs: Vec<Option<(u64, u64)>>,
    /// What each network of a step came to.
    pub networks: Vec<ComparedTraining>,
}

/// One network of a phase: `fp32`, or a base precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparedTraining {
    /// Its name.
    pub network: String,
    /// After the last epoch of each run.
    pub runs: Vec<Option<LastEpoch>>,
}

/// The last epoch that was done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LastEpoch {
    /// Mean training loss, nats.
    pub loss: f64,
    /// Share of right predictions on the training samples, `0..=1`.
    pub accuracy: Option<f64>,
}

pub(super) fn training(reports: &[Report]) -> Vec<ComparedPhase> {
    let lists: Vec<&[Phase]> = reports.iter().map(|r| r.training.as_slice()).collect();
    let compared = matched(&lists, |phase| phase.name.clone()).into_iter().filter_map(|places| {
        let runs = items(&lists, &places);
        let any = *runs.iter().flatten().next()?;
        Some(ComparedPhase {
            name: any.name.clone(),
            title: any.title.clone(),
            epochs: runs.iter().map(|phase| phase.map(|p| (p.epochs.len() as u64, p.planned))).collect(),
            networks: networks(&runs),
        })
    });
    compared.collect()
}

fn networks(phases: &[Option<&Phase>]) -> Vec<ComparedTraining> {
    let lists: Vec<&[String]> = phases.iter().map(|phase| phase.map_or(&[][..], |p| p.networks.as_slice())).collect();
    let last = |(phase, index): (&Option<&Phase>, &Option<usize>)| {
        let (epoch, index) = (phase.as_ref()?.epochs.last()?, (*index)?);
        Some(LastEpoch { loss: *epoch.loss.get(index)?, accuracy: epoch.accuracy.get(index).copied() })
    };
    let rows = matched(&lists, String::clone).into_iter().filter_map(|places| {
        let network = items(&lists, &places).into_iter().flatten().next()?.clone();
        Some(ComparedTraining { network, runs: phases.iter().zip(&places).map(last).collect() })
    });
    rows.collect()
}
