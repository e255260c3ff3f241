//! Where training ended.

use maud::html;

use super::super::shell::Section;
use super::super::table::{Cell, Row, Table};
use super::columns_of_runs;
use crate::report::units::{loss, percent};
use crate::report::{ComparedPhase, ComparedTraining, Comparison, LastEpoch};

/// The section.
pub fn section(comparison: &Comparison) -> Section {
    let (id, title) = ("training", "Training");
    if comparison.training.is_empty() {
        return Section::without(id, title, "No run has recorded an epoch of training.");
    }
    let body = html! {
        p { "After the last epoch of each phase, on the training samples as they were augmented." }
        (epochs(comparison))
        (table("Training loss, nats", "training-loss", comparison, |last| Cell::number(last.loss, loss(last.loss))))
        (table("Training accuracy", "training-accuracy", comparison, |last| Cell::optional(last.accuracy, percent)))
    };
    Section::new(id, title, body)
}

fn epochs(comparison: &Comparison) -> Table {
    let cell = |epochs: &Option<(u64, u64)>| match epochs {
        Some((done, planned)) => {
            let words = format!("{done} of {planned}");
            Cell::ranked(*done as f64, words.clone(), words)
        }
        None => Cell::missing(),
    };
    let row = |phase: &ComparedPhase| {
        Row::from([Cell::name(&phase.title)].into_iter().chain(phase.epochs.iter().map(cell)).collect::<Vec<_>>())
    };
    let table = Table::new("Epochs", "epochs").words("Phase");
    columns_of_runs(table, comparison).rows(comparison.training.iter().map(row))
}

fn table(title: &str, file: &str, comparison: &Comparison, cell: fn(&LastEpoch) -> Cell) -> Table {
    let row = |(phase, network): (&ComparedPhase, &ComparedTraining)| {
        let cells = network.runs.iter().map(|run| run.as_ref().map_or_else(Cell::missing, cell));
        let first = [Cell::text(&phase.title), Cell::name(&network.network)];
        Row::from(first.into_iter().chain(cells).collect::<Vec<_>>())
    };
    let rows = comparison.training.iter().flat_map(|phase| phase.networks.iter().map(move |network| (phase, network)));
    columns_of_runs(Table::new(title, file).words("Phase").words("Network"), comparison).rows(rows.map(row))
}
