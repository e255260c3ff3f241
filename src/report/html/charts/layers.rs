//! What every layer became, and why: bits, sensitivity, trace, weights and multiply-accumulates over depth.

use svg::Document;

use super::layer_words::{description, keys, tip};
use crate::report::plot::{Anchor, Area, Band, Chart, Mark, Scale, Shape, bar, dot, error_bar, line, named, text};
use crate::report::{LayerRow, PlanRow, Report, units};

/// Times the median that the largest of some bars may be: at 64 pixels the bars of half of the layers keep two.
const FAR_APART: u64 = 30;

/// Stacked panels over the layers in graph order; none without layers. Panels for what is not known yet are left out.
pub fn layers(report: &Report) -> Option<Document> {
    if report.layers.is_empty() {
        return None;
    }
    let plan = report.plans.first();
    let title =
        format!("Layers of {}: {}", report.network, if plan.is_some() { "bits and sensitivities" } else { "sizes" });
    let chart = Chart::new("chart-layers", &title, &description(report, plan));
    let mut drawing =
        Drawing { report, chart, band: Band::new(0, (0.0, 0.0)), bottom: None, top: None, notes: Vec::new() };
    drawing.chart.legend(&keys(report));
    if let Some(plan) = plan {
        drawing.bits(plan);
    }
    drawing.sensitivity(plan);
    drawing.trace();
    drawing.bars("parameters", "Weights", 2, |layer| layer.parameters);
    drawing.bars("macs", "Multiply-accumulates of one inference", 6, |layer| layer.macs);
    drawing.names();
    Some(drawing.chart.finish())
}

/// A value and its standard error, if known.
type Measured = (f64, Option<f64>);

struct Drawing<'a> {
    report: &'a Report,
    chart: Chart,
    band: Band,
    bottom: Option<Area>,
    top: Option<Area>,
    /// For below the names: under the last panel they would stand on them.
    notes: Vec<String>,
}

impl Drawing<'_> {
    fn panel(&mut self, label: &str, height: f64) -> Area {
        let area = self.chart.panel(label, height);
        self.band = Band::new(self.report.layers.len(), area.across());
        self.top.get_or_insert(area);
        self.bottom = Some(area);
        self.chart.draw_behind(line(area.left, area.bottom, area.right, area.bottom).class("axis"));
        area
    }

    /// Left and right edge of the bar of a layer.
    fn edges(&self, index: usize) -> (f64, f64) {
        let half = (0.36 * self.band.width()).clamp(0.6, 24.0);
        (self.band.center(index) - half, self.band.center(index) + half)
    }

    /// Radius of the markers that may stand close.
    fn radius(&self) -> f64 {
        (0.4 * self.band.width()).clamp(1.8, 4.0)
    }

    fn draw(&mut self, layer: usize, mark: Mark) {
        self.chart.draw(mark.layer(layer));
    }

    fn bits(&mut self, plan: &PlanRow) {
        let area = self.panel(&format!("Bits of plan {}", named(&plan.name)), 120.0);
        let second = self.report.plans.get(1);
        let shown = || plan.choices.iter().chain(second.into_iter().flat_map(|plan| &plan.choices));
        let mut widths: Vec<u32> = shown().flat_map(|choice| [choice.weight_bits, choice.activation_bits]).collect();
        widths.extend([0]);
        widths.sort_unstable();
        widths.dedup();
        let ticks = widths.into_iter().map(|bits| (f64::from(bits), bits.to_string())).collect();
        // Room above for the marks of pins and groups.
        let y = Scale::with_ticks(false, ticks, (area.bottom, area.top + 20.0));
        self.chart.y_axis(&area, &y);
        for (index, choice) in plan.choices.iter().enumerate().take(self.report.layers.len()) {
            let (left, right) = self.edges(index);
            self.draw(index, bar(left, y.floor(), right, y.at(f64::from(choice.weight_bits))).series(0));
        }
        let other = second.map(|plan| plan.choices.as_slice()).unwrap_or_default();
        for (index, choice) in other.iter().enumerate().take(self.report.layers.len()) {
            let (at, half) = (y.at(f64::from(choice.weight_bits)), 0.5 * self.band.width());
            let center = self.band.center(index);
            self.draw(index, line(center - half, at, center + half, at).class("second"));
        }
        for (index, choice) in plan.choices.iter().enumerate().take(self.report.layers.len()) {
            let (x, at) = (self.band.center(index), y.at(f64::from(choice.activation_bits)));
            self.draw(index, dot(Shape::Diamond, x, at, self.radius()).series(1).open());
        }
        self.bindings(area.top + 7.0);
    }

    /// Marks of pinned and grouped layers in a row.
    fn bindings(&mut self, at: f64) {
        let report = self.report;
        let radius = self.radius();
        for (index, layer) in report.layers.iter().enumerate() {
            let x = self.band.center(index);
            if layer.pinned.is_some() {
                self.draw(index, dot(Shape::Down, x, at, radius).series(3));
            } else if let Some(group) = layer.group {
                self.draw(index, dot(Shape::Star, x, at, radius).series(4));
                if self.band.width() >= 30.0 {
                    self.draw(index, text(x + 7.0, at + 4.2, &(group + 1).to_string(), Anchor::Start));
                }
            }
        }
    }

    fn sensitivity(&mut self, plan: Option<&PlanRow>) {
        let Some(values) = sensitivities(self.report, plan) else { return };
        let label =
            if plan.is_some() { "Sensitivity Ω of the choice" } else { "Sensitivity Ω at the narrowest candidate" };
        self.points(label, 0, &values, None);
    }

    fn trace(&mut self) {
        let of = |layer: &LayerRow| layer.average_trace.map(|trace| (trace, layer.trace_stderr));
        let values: Vec<Option<Measured>> = self.report.layers.iter().map(of).collect();
        if values.iter().any(Option::is_some) {
            self.points("Average trace t̄ of the loss's curvature, per weight", 7, &values, Some(Shape::Triangle));
        }
    }

    /// A panel of dots with standard errors on a logarithmic axis.
    fn points(&mut self, label: &str, series: usize, values: &[Option<Measured>], shape: Option<Shape>) {
        let area = self.panel(label, 110.0);
        let ends = |(value, error): Measured| {
            let error = error.unwrap_or(0.0);
            // An error as large as the value would pull the axis to zero: the bar then ends at the floor.
            [value, value + error, if value > 2.0 * error { value - error } else { value }]
        };
        let y = Scale::log(values.iter().flatten().flat_map(|&value| ends(value)), area.upward()).padded(5.0);
        self.chart.y_axis(&area, &y);
        let shape = shape.unwrap_or(Shape::of(series));
        let mut floored = 0;
        for (index, &(value, error)) in values.iter().enumerate().filter_map(|(i, v)| v.as_ref().map(|v| (i, v))) {
            let x = self.band.center(index);
            if let Some(error) = error.filter(|&error| error > 0.0) {
                let cap = (0.25 * self.band.width()).min(3.0);
                self.draw(index, error_bar(x, y.at(value + error), y.at(value - error), cap).series(series));
            }
            let mark = dot(shape, x, y.at(value), self.radius().max(2.6)).series(series);
            let shown = y.shows(value);
            floored += usize::from(!shown);
            self.draw(index, if shown { mark } else { mark.open() });
        }
        if floored > 0 {
            let layers = units::plural(floored as u64, "layer");
            self.notes.push(format!("Open marks at the bottom of “{label}”: {layers} without a positive value."));
        }
    }

    /// A panel of bars; of dots on a logarithmic axis where the bars of most layers could not be seen.
    fn bars(&mut self, quantity: &str, label: &str, series: usize, value: fn(&LayerRow) -> u64) {
        let mut sizes: Vec<u64> = self.report.layers.iter().map(value).collect();
        let values: Vec<Option<Measured>> = sizes.iter().map(|&v| Some((v as f64, None))).collect();
        sizes.sort_unstable();
        let (median, largest) = (sizes.get(sizes.len() / 2).copied().unwrap_or(0), sizes.last().copied().unwrap_or(0));
        if largest > FAR_APART.saturating_mul(median) {
            return self.points(&format!("{label}, logarithmic"), series, &values, Some(Shape::Square));
        }
        let (unit, name) = units::axis_unit(quantity, largest as f64);
        let name = match name {
            "M" => ", millions",
            "k" => ", thousands",
            "G" => ", billions",
            "T" => ", trillions",
            _ => "",
        };
        let area = self.panel(&format!("{label}{name}"), 64.0);
        let y =
            Scale::linear_from_zero(self.report.layers.iter().map(|layer| value(layer) as f64 / unit), area.upward());
        self.chart.y_axis(&area, &y);
        for (index, layer) in self.report.layers.iter().enumerate() {
            let (left, right) = self.edges(index);
            let mark = bar(left, y.floor(), right, y.at(value(layer) as f64 / unit)).series(series);
            self.chart.draw(mark.layer(index));
        }
    }

    /// Names below the last panel, and what a layer says when it is pointed at: the whole column is its mark.
    fn names(&mut self) {
        let (Some(top), Some(bottom)) = (self.top, self.bottom) else { return };
        let names: Vec<String> = self.report.layers.iter().map(|layer| layer.name.clone()).collect();
        self.chart.categories(&bottom, &self.band, &names, "Layers in graph order");
        for (index, layer) in self.report.layers.iter().enumerate() {
            let column = bar(self.band.start(index), top.top, self.band.start(index + 1), bottom.bottom);
            self.chart.draw(column.class("hit").tip(&tip(self.report, index, layer)).layer(index));
        }
        self.notes.iter().for_each(|note| self.chart.note(note));
    }
}

/// `Ω` and its standard error for each layer: of the plan's choice, otherwise of the narrowest candidate.
fn sensitivities(report: &Report, plan: Option<&PlanRow>) -> Option<Vec<Option<Measured>>> {
    if let Some(plan) = plan {
        return Some(plan.choices.iter().map(|choice| Some((choice.sensitivity, choice.stderr))).collect());
    }
    let narrowest = |layer: &LayerRow| {
        let known = layer.candidates.iter().filter(|candidate| candidate.sensitivity.is_some());
        let candidate = known.min_by_key(|candidate| (candidate.weight_bits, candidate.activation_bits))?;
        Some((candidate.sensitivity?, candidate.stderr))
    };
    let values: Vec<_> = report.layers.iter().map(narrowest).collect();
    values.iter().any(Option::is_some).then_some(values)
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
