//! How far the quantisers' scales moved in multi- and mixed-precision training.

use std::collections::BTreeMap;

use svg::Document;

use super::line_ends::{End, name_ends};
use super::precisions::{layer_name, tail};
use crate::report::plot::{Anchor, Area, Chart, FONT, Scale, line, one_line, polyline, text, together, width};
use crate::report::{Phase, Report, units};

/// Layers that are told apart; the others are thin lines that the pointer names.
const NAMED: usize = 8;

/// Room for a name.
const NAME: f64 = 190.0;

/// Activation panels beside each other.
const BESIDE: usize = 3;

/// Values of one quantiser's scale: (epochs since the beginning, `log₂` of the scale over its first value).
struct Trajectory {
    layer: usize,
    first: f64,
    last: f64,
    points: Vec<(f64, f64)>,
}

/// The chart; none before scales were recorded twice.
pub fn scales(report: &Report) -> Option<Document> {
    let phases: Vec<&Phase> = report.training.iter().filter(|phase| !phase.scales.is_empty()).collect();
    let weights = trajectories(&phases, None);
    let mut widths: Vec<u32> = phases
        .iter()
        .flat_map(|phase| &phase.scales)
        .flat_map(|scale| &scale.activations)
        .map(|(bits, _)| *bits)
        .collect();
    widths.sort_unstable_by(|a, b| b.cmp(a));
    widths.dedup();
    let activations: Vec<(u32, Vec<Trajectory>)> = widths
        .into_iter()
        .map(|bits| (bits, trajectories(&phases, Some(bits))))
        .filter(|(_, lines)| !lines.is_empty())
        .collect();
    let any = || weights.iter().chain(activations.iter().flat_map(|(_, lines)| lines));
    any().next()?;
    let epochs: usize = phases.iter().map(|phase| phase.epochs.len()).sum();
    if epochs < 2 {
        return None;
    }
    let named = named(if weights.is_empty() { &activations.first()?.1 } else { &weights });
    let drawing = Drawing { report, phases: &phases, epochs: epochs.max(1) as u64, named: &named };
    let mut chart =
        Chart::new("chart-scales", "Scales of the quantisers", &description(report, &weights, &activations));
    if !weights.is_empty() {
        let names = named.keys().map(|&layer| width(&layer_name(report, layer), FONT)).fold(40.0, f64::max);
        chart = chart.margins(52.0, names.min(NAME) + 26.0);
        let area = chart.panel("Weight scales: log₂ of the scale over its first value (+1: doubled)", 246.0);
        // The names of the phases stand above the frame.
        let area = Area { top: area.top + 16.0, ..area };
        drawing.panel(&mut chart, &area, &weights, &range(&weights, &area), true);
    }
    chart = chart.margins(52.0, 14.0);
    // Rows of equal length where that is possible.
    let beside = activations.len().div_ceil(activations.len().div_ceil(BESIDE).max(1)).max(1);
    for row in activations.chunks(beside) {
        let labels: Vec<String> = row.iter().map(|(bits, _)| format!("Activation scales, {bits} bits")).collect();
        let areas = chart.panels(&labels.iter().map(String::as_str).collect::<Vec<_>>(), 150.0);
        for ((_, lines), area) in row.iter().zip(&areas) {
            let y = Scale::linear(
                activations.iter().flat_map(|(_, lines)| lines).flat_map(|t| &t.points).map(|p| p.1).chain([0.0]),
                area.upward(),
            );
            drawing.panel(&mut chart, area, lines, &y, false);
        }
    }
    Some(chart.finish())
}

/// One trajectory for each layer that has any, phases one after another; of weights, or of activations of some bits.
fn trajectories(phases: &[&Phase], activation: Option<u32>) -> Vec<Trajectory> {
    let mut values: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    let mut before = 0;
    for phase in phases {
        for scale in &phase.scales {
            let list = match activation {
                None => Some(&scale.weight),
                Some(bits) => scale.activations.iter().find(|(of, _)| *of == bits).map(|(_, list)| list),
            };
            let usable = list.into_iter().flatten().enumerate().filter(|(_, value)| value.is_finite() && **value > 0.0);
            let placed = usable.map(|(epoch, &value)| ((before + epoch + 1) as f64, value));
            values.entry(scale.layer).or_default().extend(placed);
        }
        before += phase.epochs.len();
    }
    let relative = |(layer, values): (usize, Vec<(f64, f64)>)| {
        let (first, last) = (values.first()?.1, values.last()?.1);
        let points = values.iter().map(|(epoch, value)| (*epoch, (value / first).log2())).collect();
        Some(Trajectory { layer, first, last, points })
    };
    values.into_iter().filter_map(relative).collect()
}

/// The layers whose scales moved most, each with its series.
fn named(lines: &[Trajectory]) -> BTreeMap<usize, usize> {
    let mut order: Vec<&Trajectory> = lines.iter().collect();
    order.sort_by(|a, b| (b.last / b.first).log2().abs().total_cmp(&(a.last / a.first).log2().abs()));
    order.into_iter().take(NAMED).enumerate().map(|(series, line)| (line.layer, series)).collect()
}

fn range(lines: &[Trajectory], area: &Area) -> Scale {
    Scale::linear(lines.iter().flat_map(|t| &t.points).map(|p| p.1).chain([0.0]), area.upward())
}

struct Drawing<'a> {
    report: &'a Report,
    phases: &'a [&'a Phase],
    epochs: u64,
    named: &'a BTreeMap<usize, usize>,
}

impl Drawing<'_> {
    fn panel(&self, chart: &mut Chart, area: &Area, lines: &[Trajectory], y: &Scale, wide: bool) {
        let x = Scale::whole(1, self.epochs, area.across());
        chart.y_axis(area, y);
        chart.x_axis(area, &x, &if wide { self.epoch_title() } else { "Epoch".into() });
        chart.draw_behind(line(area.left, y.at(0.0), area.right, y.at(0.0)).class("reference"));
        self.phases(chart, area, &x, wide);
        let mut ends = Vec::new();
        // The named ones last, over the others.
        let mut order: Vec<&Trajectory> = lines.iter().collect();
        order.sort_by_key(|line| self.named.contains_key(&line.layer));
        for trajectory in order {
            let places: Vec<(f64, f64)> = trajectory.points.iter().map(|(epoch, v)| (x.at(*epoch), y.at(*v))).collect();
            let series = self.named.get(&trajectory.layer);
            let seen = match series {
                Some(&series) => polyline(&places).class("thin").series(series),
                None => polyline(&places).class("thin").class("faint"),
            };
            let mark = together(vec![polyline(&places).class("hit"), seen]);
            let mark = mark.layer(trajectory.layer).tip(&self.tip(trajectory));
            chart.draw(if wide && series.is_some() { mark } else { mark.untabbed() });
            let Some((&(x, y), _)) = places.last().zip(series).filter(|_| wide) else { continue };
            let name = tail(&layer_name(self.report, trajectory.layer), NAME);
            ends.push(End { x, y, layer: Some(trajectory.layer), name });
        }
        name_ends(chart, ends, (area.top, area.bottom));
    }

    fn epoch_title(&self) -> String {
        let each: Vec<String> =
            self.phases.iter().map(|phase| format!("{} of {}", phase.epochs.len(), one_line(&phase.title))).collect();
        format!("Epoch: {}", each.join(", then "))
    }

    /// Where one phase ends and the next begins.
    fn phases(&self, chart: &mut Chart, area: &Area, x: &Scale, wide: bool) {
        let mut before = 0.0;
        for phase in self.phases {
            let from = if before > 0.0 { (x.at(before) + x.at(before + 1.0)) / 2.0 } else { area.left };
            if before > 0.0 {
                chart.draw_behind(line(from, area.top, from, area.bottom).class("leader"));
            }
            if wide && self.phases.len() > 1 {
                let last = before + phase.epochs.len() as f64;
                let to = if last < self.epochs as f64 { (x.at(last) + x.at(last + 1.0)) / 2.0 } else { area.right };
                let title = one_line(&phase.title);
                if width(&title, FONT) < to - from - 8.0 {
                    chart.draw(text(from + 5.0, area.top - 5.0, &title, Anchor::Start).class("note"));
                }
            }
            before += phase.epochs.len() as f64;
        }
    }

    fn tip(&self, line: &Trajectory) -> String {
        let change = line.last / line.first;
        format!(
            "{}\nfrom {} to {}, × {} ({} epochs)",
            layer_name(self.report, line.layer),
            units::significant(line.first, 3),
            units::significant(line.last, 3),
            units::significant(change, 3),
            line.points.len()
        )
    }
}

fn description(report: &Report, weights: &[Trajectory], activations: &[(u32, Vec<Trajectory>)]) -> String {
    let most = |lines: &[Trajectory], what: &str| {
        let change = |line: &Trajectory| (line.last / line.first).log2().abs();
        let line = lines.iter().max_by(|a, b| change(a).total_cmp(&change(b)))?;
        let factor = units::significant(line.last / line.first, 3);
        Some(format!(" Of {what}, that of {} moved most: × {factor}.", layer_name(report, line.layer)))
    };
    let mut text = String::from("The scale of each quantiser at the end of each epoch, relative to its first value.");
    text.extend(most(weights, "the weight scales"));
    text.extend(
        activations.iter().filter_map(|(bits, lines)| most(lines, &format!("the activation scales of {bits} bits"))),
    );
    text
}

#[cfg(test)]
#[path = "scales_tests.rs"]
mod tests;
