//! How far a run got: what stands on top of the page of a run that is not finished.

use maud::{Markup, html};

use crate::report::html::table::{Cell, Row, Table};
use crate::report::units::duration;
use crate::report::{Report, StageRow, StageState};

/// A notice with the stages; none of a run that is finished.
pub fn progress(report: &Report) -> Option<Markup> {
    let open = |stage: &StageRow| matches!(stage.state, StageState::Begun | StageState::Waiting);
    report.stages.iter().any(open).then(|| {
        html! {
            div.notice {
                h2 { "This run is not finished" }
                p { "The page shows what it has found so far." }
                (stages("How far the run got", report))
            }
        }
    })
}

/// The stages as a table.
pub fn stages(title: &str, report: &Report) -> Table {
    let seconds = |stage: &StageRow| report.machine.as_ref()?.seconds.get(&stage.name).copied();
    let row = |stage: &StageRow| {
        let epochs = stage.epochs.map_or_else(Cell::missing, |(done, planned)| {
            let words = format!("{done} of {planned}");
            Cell::ranked(done as f64, words.clone(), words)
        });
        Row::from(vec![
            Cell::name(&stage.title),
            Cell::text(state(stage.state)),
            epochs,
            Cell::optional(seconds(stage), duration),
        ])
    };
    Table::new(title, "stages")
        .words("Stage")
        .words("State")
        .numbers("Epochs")
        .numbers("Time")
        .hint("Wall time when the stage was last computed")
        .rows(report.stages.iter().map(row))
}

fn state(state: StageState) -> &'static str {
    match state {
        StageState::Done => "✓ done",
        StageState::Begun => "◐ begun",
        StageState::Waiting => "○ waiting",
        StageState::NotNeeded => "– not needed",
    }
}
