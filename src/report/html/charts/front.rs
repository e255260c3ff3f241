//! The exact front of the objective against one cost, with uniform precisions, plans and budgets beside it.

use svg::Document;

use super::front_words::{description, keys, landmark_tip, look, point_tip};
use super::networks::draw_labels;
use crate::report::plot::{
    Anchor, Area, Chart, FONT, Label, Scale, Shape, along, dot, line, one_line, place_labels, steps, text, width,
};
use crate::report::{FrontSection, LandmarkKind, units};

/// Above so many points, the tab key stops only at the supported ones.
const TABBED: usize = 64;

/// The chart of the `number`-th front; none without points and landmarks.
pub fn front(number: usize, section: &FrontSection) -> Option<Document> {
    if section.points.is_empty() && section.landmarks.is_empty() {
        return None;
    }
    let cost = one_line(&units::cost_title(&section.cost));
    let title = format!("Objective against {cost}: the {} front", if section.whole { "exact" } else { "sampled" });
    let mut chart = Chart::new(&format!("chart-front-{number}"), &title, &description(section, &cost));
    chart.legend(&keys(section));
    let objectives = || section.points.iter().map(|p| p.objective).chain(section.landmarks.iter().map(|l| l.objective));
    let log = objectives().all(|objective| objective > 0.0);
    let label = format!("Objective: sum of the sensitivities Ω{}", if log { ", logarithmic" } else { "" });
    let area = chart.panel(&label, 330.0);
    let costs = || {
        section
            .points
            .iter()
            .map(|p| p.cost)
            .chain(section.landmarks.iter().flat_map(|l| [Some(l.cost), l.limit].into_iter().flatten()))
    };
    let (unit, unit_name) = units::axis_unit(&section.cost, costs().fold(0.0, f64::max));
    let x = Scale::linear(costs().map(|cost| cost / unit), area.across()).padded(7.0);
    let y = if log { Scale::log(objectives(), area.upward()) } else { Scale::linear(objectives(), area.upward()) };
    chart.y_axis(&area, &y);
    let unit_name = if unit_name.is_empty() { String::new() } else { format!(", {unit_name}") };
    chart.x_axis(&area, &x, &format!("{cost}{unit_name}"));
    Drawing { section, area, unit, x, y }.draw(&mut chart);
    Some(chart.finish())
}

struct Drawing<'a> {
    section: &'a FrontSection,
    area: Area,
    unit: f64,
    x: Scale,
    y: Scale,
}

impl Drawing<'_> {
    fn place(&self, cost: f64, objective: f64) -> (f64, f64) {
        (self.x.at(cost / self.unit), self.y.at(objective))
    }

    fn draw(&self, chart: &mut Chart) {
        let points: Vec<(f64, f64)> = self.section.points.iter().map(|p| self.place(p.cost, p.objective)).collect();
        chart.draw(steps(&points).series(0).class("thin"));
        // What no label may cover: points and the staircase between them, networks, limits.
        let mut taken = points.clone();
        for pair in points.windows(2) {
            if let [a, b] = *pair {
                taken.extend(along(a, (b.0, a.1)).chain(along((b.0, a.1), b)));
            }
        }
        // Plans are drawn above uniform precisions that they equal, and named first.
        let kinds = [LandmarkKind::Uniform, LandmarkKind::Plan];
        let of = |kind| self.section.landmarks.iter().filter(move |landmark| landmark.kind == kind);
        let mut wishes = Vec::new();
        for landmark in kinds.into_iter().flat_map(of) {
            let (x, y) = self.place(landmark.cost, landmark.objective);
            let (shape, series) = look(landmark.kind);
            chart.draw(dot(shape, x, y, 5.0).series(series).tip(&landmark_tip(self.section, landmark)));
            taken.push((x, y));
            wishes.push(Label { x, y, text: one_line(&landmark.name) });
        }
        // Above the networks, whose marks are larger: each can be pointed at.
        let radius = if points.len() > 150 { 2.4 } else { 3.6 };
        for (index, (point, &(x, y))) in self.section.points.iter().zip(&points).enumerate() {
            let supported = point.supported != Some(false);
            let mark = dot(Shape::Circle, x, y, radius).series(0).tip(&point_tip(self.section, point));
            let mark = mark.front(&self.section.cost, index);
            let mark = if points.len() > TABBED && !supported { mark.untabbed() } else { mark };
            chart.draw(if supported { mark } else { mark.open() });
        }
        let plans = of(LandmarkKind::Plan).count();
        wishes.rotate_right(plans);
        self.limits(chart, &mut taken);
        draw_labels(chart, &wishes, &taken, &self.area);
    }

    /// A line at every plan's limit, named at its upper end if there is room; plans that share a limit share a line.
    fn limits(&self, chart: &mut Chart, taken: &mut Vec<(f64, f64)>) {
        let mut limits: Vec<(f64, Vec<String>)> = Vec::new();
        for landmark in &self.section.landmarks {
            let Some(limit) = landmark.limit else { continue };
            match limits.iter_mut().find(|(other, _)| *other == limit) {
                Some((_, names)) => names.push(one_line(&landmark.name)),
                None => limits.push((limit, vec![one_line(&landmark.name)])),
            }
        }
        let (top, bottom) = (self.area.top, self.area.bottom);
        let mut wishes = Vec::new();
        for (limit, names) in limits {
            let x = self.x.at(limit / self.unit);
            chart.draw_behind(line(x, top, x, bottom).class("budget"));
            taken.extend(along((x, top), (x, bottom)));
            // "limit" stands last: the end of a text that is cut stays.
            wishes.push(Label { x, y: top + 10.0, text: format!("{} limit", names.join(", ")) });
        }
        for label in place_labels(&wishes, taken, self.area.edges()).into_iter().filter(|label| !label.far) {
            let wide = if label.anchor == Anchor::End { -width(&label.text, FONT) } else { width(&label.text, FONT) };
            taken.extend(along((label.x, label.y - 4.0), (label.x + wide, label.y - 4.0)));
            chart.draw(text(label.x, label.y, &label.text, label.anchor).class("direct"));
        }
    }
}

#[cfg(test)]
#[path = "front_tests.rs"]
mod tests;
