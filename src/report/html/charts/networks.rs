//! What was measured: accuracy or perplexity of FP32, uniform precisions and plans against what they cost.

use svg::Document;

use super::network_words::{description, keys, series, shape, tip};
use crate::report::plot::{
    Area, Chart, Label, Mark, Scale, along, dot, error_bar, line, named, one_line, place_labels, polyline, text,
};
use crate::report::{Kind, NetworkRow, Report, units};

/// One panel against the bit operations, one against the weight bytes; none before the evaluation.
pub fn networks(report: &Report) -> Option<Document> {
    let rows: Vec<&NetworkRow> = report.networks.iter().filter(|row| measured(row, report).is_some()).collect();
    if rows.is_empty() {
        return None;
    }
    let judged = if report.samples.language { "perplexity" } else { "accuracy" };
    let title = format!("Measured {judged} of {} against cost", report.network);
    let mut chart = Chart::new("chart-networks", &title, &description(report, &rows));
    chart.legend(&keys(&rows));
    let costs: [(&str, &str, Cost); 2] =
        [("bitops", "BitOPs of one inference", |row| row.bitops), ("weight_bytes", "Weights", |row| row.weight_bytes)];
    let samples = format!("{} held-out {}", units::grouped(report.samples.held_out), one_line(&report.samples.noun));
    let label = match report.samples.language {
        true => format!("Perplexity on {samples}, logarithmic: lower is better"),
        false => format!("Right predictions on {samples}, %"),
    };
    for (name, title, cost) in costs {
        let area = chart.panel(&label, 210.0);
        Panel { report, rows: &rows, area, name, title, cost }.draw(&mut chart);
    }
    Some(chart.finish())
}

/// What a network is judged by and its standard error: per cent, or perplexity.
fn measured(row: &NetworkRow, report: &Report) -> Option<(f64, f64)> {
    match report.samples.language {
        true => row.perplexity.map(|perplexity| (perplexity, row.perplexity_stderr.unwrap_or(0.0))),
        false => row.accuracy.map(|accuracy| (100.0 * accuracy, 100.0 * row.accuracy_stderr.unwrap_or(0.0))),
    }
}

type Cost = fn(&NetworkRow) -> f64;

struct Panel<'a> {
    report: &'a Report,
    rows: &'a [&'a NetworkRow],
    area: Area,
    name: &'a str,
    title: &'a str,
    cost: Cost,
}

impl Panel<'_> {
    fn draw(&self, chart: &mut Chart) {
        let area = &self.area;
        let largest = self.rows.iter().map(|row| (self.cost)(row)).fold(0.0, f64::max);
        let (unit, unit_name) = units::axis_unit(self.name, largest);
        let x = Scale::log(self.rows.iter().map(|row| (self.cost)(row) / unit), area.across()).padded(12.0);
        let ends = self.rows.iter().filter_map(|row| measured(row, self.report)).flat_map(|(v, e)| [v - e, v + e]);
        let worst = self.worst();
        let ends = ends.filter(|&end| end <= worst);
        let y = if self.report.samples.language {
            Scale::log(ends, area.upward())
        } else {
            Scale::linear(ends, area.upward())
        };
        chart.y_axis(area, &y);
        let unit_name = if unit_name.is_empty() { String::new() } else { format!(", {unit_name}") };
        chart.x_axis(area, &x, &format!("{}{unit_name} (logarithmic)", self.title));
        let place = |row: &NetworkRow| -> Option<(f64, f64)> {
            let (value, _) = measured(row, self.report)?;
            Some((x.at((self.cost)(row) / unit), y.at(value)))
        };
        let (mut taken, mut beyond) = (Vec::new(), Vec::new());
        for row in self.rows.iter().filter(|row| row.kind == Kind::Fp32) {
            if let Some((_, at)) = place(row) {
                chart.draw_behind(line(area.left, at, area.right, at).class("reference"));
                taken.extend(along((area.left, at), (area.right, at)));
            }
        }
        // A line to a mark at the edge would say that the network is there.
        let shown = |row: &&&NetworkRow| measured(row, self.report).is_some_and(|(value, _)| y.shows(value));
        let uniform = self.rows.iter().filter(|row| row.kind == Kind::Uniform).filter(shown);
        let mut uniform: Vec<(f64, f64)> = uniform.filter_map(|row| place(row)).collect();
        uniform.sort_by(|a, b| a.0.total_cmp(&b.0));
        chart.draw(polyline(&uniform).series(0));
        for pair in uniform.windows(2) {
            if let [a, b] = *pair {
                taken.extend(along(a, b));
            }
        }
        for row in self.rows {
            let (Some((at_x, at_y)), Some((value, error))) = (place(row), measured(row, self.report)) else { continue };
            let (low, high) = (y.at(value - error), y.at(value + error));
            taken.extend([(at_x, at_y), (at_x, low), (at_x, high)]);
            if error > 0.0 {
                chart.draw(error_bar(at_x, low, high, 4.0).series(series(row.kind)));
            }
            let mark = dot(shape(row.kind), at_x, at_y, 5.0).series(series(row.kind));
            if !y.shows(value) {
                beyond.push(format!("{} ({})", named(&row.name), units::significant(value, 4)));
            }
            let mark = if x.shows((self.cost)(row) / unit) && y.shows(value) { mark } else { mark.open() };
            chart.draw(mark.tip(&tip(row)));
        }
        self.labels(chart, &place, &taken);
        if !beyond.is_empty() {
            chart.note(&format!("Open marks at the upper edge are beyond it: {}.", beyond.join(", ")));
        }
    }

    /// The largest value that the axis reaches: perplexities grow without limit, and one broken network would flatten all others.
    fn worst(&self) -> f64 {
        let values = self.rows.iter().filter_map(|row| measured(row, self.report)).map(|(value, _)| value);
        if self.report.samples.language { 10.0 * values.fold(f64::INFINITY, f64::min) } else { f64::INFINITY }
    }

    /// Names beside the marks, plans first.
    fn labels(&self, chart: &mut Chart, place: &dyn Fn(&NetworkRow) -> Option<(f64, f64)>, taken: &[(f64, f64)]) {
        let mut rows: Vec<&NetworkRow> = self.rows.to_vec();
        rows.sort_by_key(|row| match row.kind {
            Kind::Plan => 0,
            Kind::Fp32 => 1,
            Kind::Uniform => 2,
        });
        let wish = |row: &NetworkRow| place(row).map(|(x, y)| Label { x, y, text: one_line(&row.name) });
        let wishes: Vec<Label> = rows.into_iter().filter_map(wish).collect();
        draw_labels(chart, &wishes, taken, &self.area);
    }
}

/// Draws labels where they find room; a thin line leads to those that are far from their points.
pub(super) fn draw_labels(chart: &mut Chart, wishes: &[Label], taken: &[(f64, f64)], area: &Area) {
    for label in place_labels(wishes, taken, area.edges()) {
        if let Some(wish) = wishes.get(label.index).filter(|_| label.far) {
            chart.draw_behind(line(wish.x, wish.y, label.x, label.y - 4.0).class("leader"));
        }
        let mark: Mark = text(label.x, label.y, &label.text, label.anchor).class("direct");
        chart.draw(mark);
    }
}

#[cfg(test)]
#[path = "networks_tests.rs"]
mod tests;
