//! Fronts of several runs against the same cost.

use svg::Document;

use super::networks::draw_labels;
use super::notes::notes;
use crate::report::plot::{Area, Chart, Key, Label, Scale, Shape, along, dot, one_line, steps};
use crate::report::{ComparedFront, Comparison, FrontCurve, Landmark, LandmarkKind, units};

/// Up to so many points of a front have markers.
const MARKED: usize = 60;

/// The chart of one cost, with a panel for each objective: sensitivities of different objectives have different units.
/// None if no run has points.
pub fn compared_front(comparison: &Comparison, front: usize) -> Option<Document> {
    let row = comparison.fronts.get(front)?;
    row.runs.iter().flatten().find(|curve| !curve.points.is_empty())?;
    let cost = one_line(&units::cost_title(&row.cost));
    let title = format!("Objective against {cost}");
    let mut chart = Chart::new(&format!("chart-compared-front-{front}"), &title, &description(comparison, row));
    let named = comparison.runs.iter().zip(&row.runs).enumerate().filter(|(_, (_, curve))| curve.is_some());
    let mut keys: Vec<Key> = named.map(|(series, (run, _))| Key::joined(series, &one_line(&run.name))).collect();
    keys.push(Key::shaped(Shape::Circle, 6, "large and open: plans").class("open"));
    chart.legend(&keys);
    let costs = || {
        row.runs.iter().flatten().flat_map(|curve| curve.points.iter().map(|p| p.0).chain(plans(curve).map(|l| l.cost)))
    };
    let (unit, unit_name) = units::axis_unit(&row.cost, costs().fold(0.0, f64::max));
    let groups = groups(comparison, row);
    for (objective, runs) in &groups {
        let curves: Vec<(usize, &FrontCurve)> =
            runs.iter().filter_map(|&run| Some((run, row.runs.get(run)?.as_ref()?))).collect();
        let objectives =
            || curves.iter().flat_map(|(_, c)| c.points.iter().map(|p| p.1).chain(plans(c).map(|l| l.objective)));
        let log = objectives().all(|objective| objective > 0.0);
        let label =
            format!("Objective{}{}", named_objective(objective, groups.len()), if log { ", logarithmic" } else { "" });
        let area = chart.panel(&label, if groups.len() > 1 { 200.0 } else { 300.0 });
        let x = Scale::linear(costs().map(|cost| cost / unit), area.across());
        let y = if log { Scale::log(objectives(), area.upward()) } else { Scale::linear(objectives(), area.upward()) };
        chart.y_axis(&area, &y);
        let unit_name = if unit_name.is_empty() { String::new() } else { format!(", {unit_name}") };
        chart.x_axis(&area, &x, &units::capital(&format!("{cost}{unit_name}")));
        Panel { comparison, row, area, unit, x, y }.draw(&mut chart, &curves);
    }
    if groups.len() > 1 {
        notes(
            &mut chart,
            "Sensitivities of different objectives have different units: the panels do not compare in height.",
        );
    }
    Some(chart.finish())
}

/// The runs that have this front, by their objectives.
fn groups(comparison: &Comparison, row: &ComparedFront) -> Vec<(Option<String>, Vec<usize>)> {
    let objectives =
        comparison.settings.iter().find(|setting| setting.name == "objective").map(|setting| &setting.runs);
    let mut groups: Vec<(Option<String>, Vec<usize>)> = Vec::new();
    for (run, _) in
        row.runs.iter().enumerate().filter(|(_, curve)| curve.as_ref().is_some_and(|c| !c.points.is_empty()))
    {
        let objective = objectives.and_then(|runs| runs.get(run)).cloned().flatten();
        match groups.iter_mut().find(|(other, _)| *other == objective) {
            Some((_, runs)) => runs.push(run),
            None => groups.push((objective, vec![run])),
        }
    }
    groups
}

fn named_objective(objective: &Option<String>, groups: usize) -> String {
    match objective {
        Some(objective) => format!(" ({})", one_line(objective)),
        None if groups > 1 => " (not known which)".into(),
        None => String::new(),
    }
}

fn plans(curve: &FrontCurve) -> impl Iterator<Item = &Landmark> {
    curve.landmarks.iter().filter(|landmark| landmark.kind == LandmarkKind::Plan)
}

struct Panel<'a> {
    comparison: &'a Comparison,
    row: &'a ComparedFront,
    area: Area,
    unit: f64,
    x: Scale,
    y: Scale,
}

impl Panel<'_> {
    fn draw(&self, chart: &mut Chart, curves: &[(usize, &FrontCurve)]) {
        let place = |cost: f64, objective: f64| (self.x.at(cost / self.unit), self.y.at(objective));
        let (mut wishes, mut taken) = (Vec::new(), Vec::new());
        // Below the points, whose marks are smaller: each can be pointed at.
        for &(run, curve) in curves {
            for plan in plans(curve) {
                let (x, y) = place(plan.cost, plan.objective);
                let mark = dot(Shape::of(run), x, y, 6.5).series(run).open();
                chart.draw(mark.tip(&self.tip(run, Some(plan), plan.cost, plan.objective)));
                wishes.push(Label { x, y, text: one_line(&plan.name) });
                taken.push((x, y));
            }
        }
        for &(run, curve) in curves {
            let places: Vec<(f64, f64)> =
                curve.points.iter().map(|&(cost, objective)| place(cost, objective)).collect();
            chart.draw(steps(&places).series(run));
            let radius = if places.len() <= MARKED { 3.2 } else { 1.8 };
            for (&(x, y), &(cost, objective)) in places.iter().zip(&curve.points) {
                let mark = dot(Shape::of(run), x, y, radius).series(run).tip(&self.tip(run, None, cost, objective));
                chart.draw(mark.untabbed());
            }
            for pair in places.windows(2) {
                if let [a, b] = pair {
                    taken.extend(along(*a, (b.0, a.1)).chain(along((b.0, a.1), *b)));
                }
            }
            taken.extend(places);
        }
        draw_labels(chart, &wishes, &taken, &self.area);
    }

    fn tip(&self, run: usize, plan: Option<&Landmark>, cost: f64, objective: f64) -> String {
        let run = self.comparison.runs.get(run).map(|run| one_line(&run.name)).unwrap_or_default();
        let plan = plan.map_or_else(String::new, |plan| format!(", plan {}", one_line(&plan.name)));
        format!("{run}{plan}\n{}\nobjective {}", units::cost(&self.row.cost, cost), units::significant(objective, 4))
    }
}

fn description(comparison: &Comparison, row: &ComparedFront) -> String {
    let each = comparison.runs.iter().zip(&row.runs).filter_map(|(run, curve)| {
        let curve = curve.as_ref()?;
        let (first, last) = (curve.points.first()?, curve.points.last()?);
        let end = |&(cost, objective): &(f64, f64)| {
            format!("{} at {}", units::significant(objective, 3), units::cost(&row.cost, cost))
        };
        Some(format!("{}: {} points from {} to {}", run.name, curve.points.len(), end(first), end(last)))
    });
    let each: Vec<String> = each.collect();
    format!(
        "The least objective within each limit of {}, for each run. {}.",
        units::cost_title(&row.cost),
        each.join("; ")
    )
}

#[cfg(test)]
#[path = "compared_front_tests.rs"]
mod tests;
