//! Loss and accuracy of every network of a phase over its epochs.

use svg::Document;

use super::line_ends::{End, name_ends};
use super::precisions::{precisions, series};
use crate::report::plot::{Area, Chart, FONT, Key, Scale, Shape, cut, dot, one_line, polyline, width};
use crate::report::{EpochRow, Phase, Report, units};

/// Of more points than this, the tab key stops at the last epoch's only: the table has them all.
const TABBED: usize = 120;

/// Epochs up to which every one has a marker that is seen.
const MARKED: usize = 40;

/// The chart of one phase; none before its second epoch: a single one is told by its numbers.
pub fn training(report: &Report, phase: usize) -> Option<Document> {
    let row = report.training.get(phase)?;
    row.epochs.get(1).filter(|_| !row.networks.is_empty())?;
    let mut chart = Chart::new(&format!("chart-training-{phase}"), &row.title, &description(row));
    let ids = precisions(report);
    let lines: Vec<Line> = row.networks.iter().enumerate().map(|(index, name)| Line::new(&ids, index, name)).collect();
    let names = lines.iter().map(|line| width(&line.name, FONT)).fold(0.0, f64::max);
    chart = chart.margins(52.0, names.clamp(24.0, 90.0) + 26.0);
    if lines.len() > 1 {
        chart.legend(&lines.iter().map(|line| Key::joined(line.series, &line.name)).collect::<Vec<_>>());
    }
    let right =
        if report.samples.language { "Right next tokens in training, %" } else { "Right predictions in training, %" };
    let areas = chart.panels(&["Training loss, nats", right], 210.0);
    let (loss, accuracy): (Value, Value) = (
        |epoch, network| epoch.loss.get(network).copied(),
        |epoch, network| epoch.accuracy.get(network).map(|share| 100.0 * share),
    );
    for (area, value) in areas.iter().zip([loss, accuracy]) {
        panel(&mut chart, area, row, &lines, value);
    }
    Some(chart.finish())
}

/// A value of one network in one epoch.
type Value = fn(&EpochRow, usize) -> Option<f64>;

/// How the values of one network are drawn.
struct Line {
    network: usize,
    series: usize,
    name: String,
}

impl Line {
    fn new(ids: &[String], network: usize, name: &str) -> Self {
        let series = if ids.iter().any(|id| id == name) { series(ids, name) } else { network };
        Self { network, series, name: cut(name, FONT, 90.0) }
    }
}

fn panel(chart: &mut Chart, area: &Area, phase: &Phase, lines: &[Line], value: Value) {
    let points = |line: &Line| -> Vec<(usize, f64)> {
        let values =
            phase.epochs.iter().enumerate().filter_map(|(epoch, row)| Some((epoch, value(row, line.network)?)));
        values.filter(|(_, value)| value.is_finite()).collect()
    };
    let y = Scale::linear(lines.iter().flat_map(points).map(|(_, value)| value), area.upward());
    let last = phase.planned.max(phase.epochs.len() as u64);
    let x = Scale::whole(1, last, area.across());
    chart.y_axis(area, &y);
    chart.x_axis(area, &x, "Epoch");
    let marks = phase.epochs.len() * lines.len();
    let mut ends = Vec::new();
    for line in lines {
        let points = points(line);
        let at = |&(epoch, value): &(usize, f64)| (x.at(epoch as f64 + 1.0), y.at(value));
        let places: Vec<(f64, f64)> = points.iter().map(at).collect();
        chart.draw(polyline(&places).series(line.series));
        for (&(epoch, _), &(px, py)) in points.iter().zip(&places) {
            let radius = if phase.epochs.len() <= MARKED { 3.6 } else { 1.5 };
            let mark =
                dot(Shape::of(line.series), px, py, radius).series(line.series).tip(&tip(phase, line.network, epoch));
            chart.draw(if 2 * marks > TABBED && epoch + 1 < phase.epochs.len() { mark.untabbed() } else { mark });
        }
        if let Some(&(x, y)) = places.last() {
            ends.push(End { x, y, layer: None, name: line.name.clone() });
        }
    }
    name_ends(chart, ends, (area.top, area.bottom));
}

fn tip(phase: &Phase, network: usize, epoch: usize) -> String {
    let row = phase.epochs.get(epoch);
    let loss = row.and_then(|row| row.loss.get(network)).map(|&loss| format!("\nloss {}", units::significant(loss, 4)));
    let right =
        row.and_then(|row| row.accuracy.get(network)).map(|&share| format!("\n{} right", units::percent(share)));
    let name = phase.networks.get(network).map(|name| one_line(name)).unwrap_or_default();
    let done = format!("{name}, epoch {} of {}", epoch + 1, phase.planned);
    format!("{done}{}{}", loss.unwrap_or_default(), right.unwrap_or_default())
}

fn description(phase: &Phase) -> String {
    let last = phase.epochs.len().saturating_sub(1);
    let ends: Vec<String> =
        (0..phase.networks.len()).map(|network| tip(phase, network, last).replace('\n', ", ")).collect();
    format!(
        "Loss and share of right predictions on the training samples over the epochs. Last values: {}.",
        ends.join("; ")
    )
}

#[cfg(test)]
#[path = "training_tests.rs"]
mod tests;
