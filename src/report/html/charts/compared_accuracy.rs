//! Accuracy or perplexity against cost in several runs.

use svg::Document;

use super::networks::draw_labels;
use super::notes::notes;
use crate::report::plot::{Area, Chart, Key, Label, Scale, Shape, along, dot, error_bar, one_line, polyline};
use crate::report::{Comparison, Kind, NetworkRow, units};

/// What a network costs.
type Cost = fn(&NetworkRow) -> f64;

/// The chart, against bit operations and against weight bytes; none before anything was evaluated.
pub fn compared_accuracy(comparison: &Comparison) -> Option<Document> {
    let rows: Vec<(usize, &NetworkRow)> = comparison
        .networks
        .iter()
        .flat_map(|network| network.runs.iter().enumerate())
        .filter_map(|(run, row)| Some((run, row.as_ref()?)))
        .collect();
    // Perplexity if all runs have it: what they share otherwise is the share of right predictions.
    let evaluated = || rows.iter().filter(|(_, row)| row.accuracy.is_some());
    evaluated().next()?;
    let language = evaluated().all(|(_, row)| row.perplexity.is_some());
    let judged = if language { "perplexity" } else { "accuracy" };
    let shown = Shown { comparison, language };
    let rows: Vec<(usize, &NetworkRow)> = rows.into_iter().filter(|(_, row)| shown.value(row).is_some()).collect();
    let mut chart =
        Chart::new("chart-compared-accuracy", &format!("Measured {judged} against cost"), &shown.description(&rows));
    let mut keys: Vec<Key> =
        comparison.runs.iter().enumerate().map(|(run, row)| Key::joined(run, &one_line(&row.name))).collect();
    keys.push(Key::shaped(Shape::Circle, 6, "filled: plans"));
    keys.push(Key::shaped(Shape::Circle, 6, "open: uniform precisions and FP32").class("open"));
    chart.legend(&keys);
    let title =
        if language { "Perplexity, logarithmic: lower is better" } else { "Right predictions on held-out samples, %" };
    let costs: [(&str, &str, Cost); 2] = [
        ("bitops", "BitOPs of one inference", |row| row.bitops),
        ("weight_bytes", "Weight bytes", |row| row.weight_bytes),
    ];
    for (index, (name, label, cost)) in costs.into_iter().enumerate() {
        let area = chart.panel(if index == 0 { title } else { "" }, 220.0);
        shown.panel(&mut chart, &area, &rows, (name, label, cost));
    }
    if comparison.provenance.iter().any(|value| value.name == "held-out data" && value.differs) {
        notes(&mut chart, "Not all runs are known to be judged on the same held-out data.");
    }
    Some(chart.finish())
}

struct Shown<'a> {
    comparison: &'a Comparison,
    language: bool,
}

impl Shown<'_> {
    /// What is drawn, and its standard error.
    fn value(&self, row: &NetworkRow) -> Option<(f64, f64)> {
        let value = match self.language {
            true => row.perplexity.map(|perplexity| (perplexity, row.perplexity_stderr.unwrap_or(0.0))),
            false => row.accuracy.map(|share| (100.0 * share, 100.0 * row.accuracy_stderr.unwrap_or(0.0))),
        };
        value.filter(|(value, error)| value.is_finite() && error.is_finite())
    }

    fn panel(
        &self,
        chart: &mut Chart,
        area: &Area,
        rows: &[(usize, &NetworkRow)],
        (name, label, cost): (&str, &str, Cost),
    ) {
        let largest = rows.iter().map(|(_, row)| cost(row)).fold(0.0, f64::max);
        let (unit, unit_name) = units::axis_unit(name, largest);
        let x = Scale::log(rows.iter().map(|(_, row)| cost(row) / unit), area.across()).padded(12.0);
        let ends = rows
            .iter()
            .filter_map(|(_, row)| self.value(row))
            .flat_map(|(value, error)| [value - error, value + error]);
        let y = if self.language { Scale::log(ends, area.upward()) } else { Scale::linear(ends, area.upward()) };
        chart.y_axis(area, &y);
        let unit_name = if unit_name.is_empty() { String::new() } else { format!(", {unit_name}") };
        chart.x_axis(area, &x, &format!("{label}{unit_name} (logarithmic)"));
        let place = |row: &NetworkRow| {
            self.value(row).map(|(value, error)| (x.at(cost(row) / unit), y.at(value), value, error))
        };
        let (mut wishes, mut taken) = (Vec::new(), Vec::new());
        for run in 0..self.comparison.runs.len() {
            let own = || rows.iter().filter(move |(of, _)| *of == run).map(|(_, row)| *row);
            let mut uniform: Vec<(f64, f64)> =
                own().filter(|row| row.kind != Kind::Plan).filter_map(place).map(|p| (p.0, p.1)).collect();
            uniform.sort_by(|a, b| a.0.total_cmp(&b.0));
            chart.draw(polyline(&uniform).series(run).class("thin"));
            for pair in uniform.windows(2) {
                if let [a, b] = pair {
                    taken.extend(along(*a, *b));
                }
            }
            for row in own() {
                let Some((px, py, value, error)) = place(row) else { continue };
                if error > 0.0 {
                    let bar = error_bar(px, y.at(value - error), y.at(value + error), 3.0);
                    chart.draw(bar.series(run).class("faint"));
                }
                let mark = dot(Shape::of(run), px, py, 4.5).series(run).tip(&self.tip(run, row));
                chart.draw(if row.kind == Kind::Plan { mark } else { mark.open() });
                taken.push((px, py));
                if row.kind == Kind::Plan {
                    wishes.push(Label { x: px, y: py, text: one_line(&row.name) });
                }
            }
        }
        draw_labels(chart, &wishes, &taken, area);
    }

    fn tip(&self, run: usize, row: &NetworkRow) -> String {
        let run = self.comparison.runs.get(run).map(|run| one_line(&run.name)).unwrap_or_default();
        let costs = format!("{} BitOPs, {}", units::operations(row.bitops), units::bytes(row.weight_bytes));
        format!("{run}, {}\n{}\n{costs}", one_line(&row.name), self.words(row))
    }

    fn words(&self, row: &NetworkRow) -> String {
        match (self.value(row), self.language) {
            (None, _) => "not measured".into(),
            (Some((value, _)), true) => format!("perplexity {}", units::significant(value, 4)),
            (Some((value, error)), false) => {
                let error = if error > 0.0 { format!(" ± {}", units::percent(error / 100.0)) } else { String::new() };
                format!("{}{error} right", units::percent(value / 100.0))
            }
        }
    }

    fn description(&self, rows: &[(usize, &NetworkRow)]) -> String {
        let plans = rows.iter().filter(|(_, row)| row.kind == Kind::Plan);
        let plans: Vec<String> = plans.map(|(run, row)| self.tip(*run, row).replace('\n', ", ")).collect();
        format!(
            "What was measured on held-out samples against what it costs, for each run. Plans: {}.",
            plans.join("; ")
        )
    }
}

#[cfg(test)]
#[path = "compared_accuracy_tests.rs"]
mod tests;
