//! Where the budget of a plan goes: from the widest candidates down to the plan, layer by layer.

use svg::Document;

use super::waterfall_steps::Steps;
use crate::report::plot::{Anchor, Area, Band, Chart, FONT, Key, Mark, Scale, bar, cut, line, one_line, text, width};
use crate::report::{BudgetRow, PlanRow, Report, units};

/// The chart of one budget of the first plan; none without a plan.
///
/// Where it is known what each layer costs at its widest candidate (bit operations and weight bytes), the bars fall from
/// the sum of these to the plan, each by what one layer saves; for other costs the layers pile up to what the plan uses.
pub fn waterfall(report: &Report, budget: usize) -> Option<Document> {
    let plan = report.plans.first()?;
    let budget = plan.budgets.get(budget)?;
    let fall = Fall { report, plan, budget, steps: Steps::new(report, plan, budget)? };
    Some(fall.draw())
}

struct Fall<'a> {
    report: &'a Report,
    plan: &'a PlanRow,
    budget: &'a BudgetRow,
    steps: Steps,
}

impl Fall<'_> {
    fn draw(&self) -> Document {
        let cost = one_line(&units::cost_title(&self.budget.name));
        let id = self.plan.budgets.iter().position(|budget| std::ptr::eq(budget, self.budget)).unwrap_or_default();
        let mut chart =
            Chart::new(&format!("chart-budget-{id}"), &format!("Where the budget of {cost} goes"), &self.description());
        let ends = [self.steps.start.as_ref().map(|(name, _)| name.clone()), Some(one_line(&self.plan.name))];
        let mut names: Vec<String> = Vec::new();
        names.extend(ends[0].clone());
        names.extend(self.steps.list.iter().map(|step| step.name.clone()));
        names.extend(ends[1].clone());
        let widest = names.iter().map(|name| width(name, FONT)).fold(40.0, f64::max).min(262.0);
        chart = chart.margins(widest + 14.0, 96.0);
        let mut keys = vec![Key::bars(6, "sum over the layers")];
        keys.push(Key::bars(
            if self.steps.start.is_some() { 2 } else { 0 },
            if self.steps.start.is_some() { "saved by a layer" } else { "used by a layer" },
        ));
        keys.push(Key::role("budget", "limit"));
        chart.legend(&keys);
        let area = chart.panel("", 21.0 * names.len() as f64 + 18.0);
        let band = Band::new(names.len(), (area.top + 18.0, area.bottom));
        let largest = self
            .steps
            .start
            .iter()
            .map(|(_, sum)| *sum)
            .chain([self.budget.limit, self.budget.used])
            .fold(0.0, f64::max);
        let (unit, unit_name) = units::axis_unit(&self.budget.name, largest);
        let x = Scale::linear_from_zero([largest / unit], area.across());
        chart.x_axis(
            &area,
            &x,
            &units::capital(&[cost.as_str(), unit_name].join(if unit_name.is_empty() { "" } else { ", " })),
        );
        let place = Place { area, band, x, unit };
        self.limit(&mut chart, &place);
        self.bars(&mut chart, &place, &names);
        chart.finish()
    }

    fn limit(&self, chart: &mut Chart, place: &Place) {
        let x = place.at(self.budget.limit);
        chart.draw_behind(line(x, place.area.top, x, place.area.bottom).class("budget"));
        let label = format!("limit {}", units::cost(&self.budget.name, self.budget.limit));
        // On the side where there is room.
        let (at, anchor) =
            if x + width(&label, FONT) < 752.0 { (x + 5.0, Anchor::Start) } else { (x - 5.0, Anchor::End) };
        chart.draw(text(at, place.area.top + 11.0, &label, anchor).class("direct"));
    }

    fn bars(&self, chart: &mut Chart, place: &Place, names: &[String]) {
        for (row, name) in names.iter().enumerate() {
            let name = cut(name, FONT, place.area.left - 14.0);
            let label = text(place.area.left - 7.0, place.band.center(row) + 4.2, &name, Anchor::End).class("tick");
            let layer = row
                .checked_sub(usize::from(self.steps.start.is_some()))
                .and_then(|step| self.steps.list.get(step)?.layer);
            chart.draw(layered(label, layer));
        }
        let mut row = 0;
        if let Some((name, sum)) = &self.steps.start {
            let shown = units::cost(&self.budget.name, *sum);
            place.total(chart, row, *sum, &shown, &format!("{name}\n{shown}"));
            row += 1;
        }
        let series = if self.steps.start.is_some() { 2 } else { 0 };
        for step in &self.steps.list {
            let (top, bottom) = place.rows(row);
            let (from, to) = (place.at(step.from), place.at(step.to));
            chart.draw(layered(bar(from, top, to, bottom).series(series).tip(&step.tip), step.layer));
            // A thin line carries the sum on to the next bar.
            chart.draw_behind(line(to, bottom, to, place.rows(row + 1).0).class("leader"));
            let change = format!(
                "{}{}",
                if step.to < step.from { "−" } else { "+" },
                units::cost(&self.budget.name, (step.to - step.from).abs())
            );
            chart.draw(text(from.max(to) + 5.0, place.band.center(row) + 4.2, &change, Anchor::Start).class("direct"));
            row += 1;
        }
        let shown = units::cost(&self.budget.name, self.budget.used);
        let free = units::cost(&self.budget.name, self.budget.limit - self.budget.used);
        place.total(
            chart,
            row,
            self.budget.used,
            &shown,
            &format!("{}\n{shown}\n{free} free", one_line(&self.plan.name)),
        );
    }

    fn description(&self) -> String {
        let cost = |value: f64| units::cost(&self.budget.name, value);
        let first = self.steps.list.first().map(|step| {
            let most = if self.steps.start.is_some() { "saves" } else { "uses" };
            format!(" {} {most} most: {}.", step.name, cost((step.to - step.from).abs()))
        });
        let start = self.steps.start.as_ref().map_or_else(
            || {
                format!(
                    "The {} of the {} layers pile up",
                    units::cost_title(&self.budget.name),
                    self.report.layers.len()
                )
            },
            |(name, sum)| format!("{}: from {} with {name} down", units::cost_title(&self.budget.name), cost(*sum)),
        );
        let (used, limit) = (cost(self.budget.used), cost(self.budget.limit));
        format!(
            "{start} to {used} of plan {}, within the limit of {limit}.{}",
            self.plan.name,
            first.unwrap_or_default()
        )
    }
}

/// Where bars lie.
struct Place {
    area: Area,
    band: Band,
    x: Scale,
    unit: f64,
}

impl Place {
    fn at(&self, cost: f64) -> f64 {
        self.x.at(cost / self.unit)
    }

    fn rows(&self, row: usize) -> (f64, f64) {
        let start = self.band.start(row);
        (start + 0.14 * self.band.width(), start + 0.86 * self.band.width())
    }

    /// A bar from zero with its number.
    fn total(&self, chart: &mut Chart, row: usize, cost: f64, shown: &str, tip: &str) {
        let (top, bottom) = self.rows(row);
        let end = self.at(cost);
        chart.draw(bar(self.x.floor(), top, end, bottom).series(6).tip(tip));
        // Inside, where it cannot meet the line of the limit.
        let inside = width(shown, FONT) + 12.0 < end - self.x.floor();
        let (x, anchor, class) =
            if inside { (end - 6.0, Anchor::End, "inside") } else { (end + 5.0, Anchor::Start, "direct") };
        chart.draw(text(x, self.band.center(row) + 4.2, shown, anchor).class(class));
    }
}

fn layered(mark: Mark, layer: Option<usize>) -> Mark {
    match layer {
        Some(layer) => mark.layer(layer),
        None => mark,
    }
}

#[cfg(test)]
#[path = "waterfall_tests.rs"]
mod tests;
