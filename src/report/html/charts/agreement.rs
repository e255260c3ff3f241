//! Predicted against measured increases of the loss.

use svg::Document;

use super::notes::notes;
use super::precisions::{layer_name, precisions, series, tail};
use crate::report::plot::{
    Area, Chart, Key, Label, Scale, Shape, dot, error_bar, line, one_line, place_labels, text, together,
};
use crate::report::{Agreement, AgreementPoint, RankRow, Report, units};

/// Increases within so many standard errors are not told from zero.
const CLEAR: f64 = 2.0;

/// Of more points than this, the tab key stops at the named ones only.
const TABBED: usize = 120;

/// Room for a name.
const NAME: f64 = 150.0;

/// The points furthest from the diagonal that are named.
const NAMED: usize = 6;

/// The chart; none if nothing was measured.
pub fn agreement(report: &Report) -> Option<Document> {
    let rows = report.agreement.as_ref()?;
    let points: Vec<&AgreementPoint> =
        rows.points.iter().filter(|point| point.predicted.is_finite() && point.measured.is_finite()).collect();
    points.first()?;
    let ids = precisions(report);
    let mut chart =
        Chart::new("chart-agreement", "Predicted and measured increases of the loss", &description(rows, &points));
    chart = chart.margins(62.0, 24.0);
    let used = |id: &&String| points.iter().any(|point| point.candidate == **id);
    let mut keys: Vec<Key> = ids.iter().filter(used).map(|id| Key::dots(series(&ids, id), id)).collect();
    keys.push(Key::role("reference", "as predicted"));
    if points.iter().any(|point| !clear(point)) {
        keys.push(Key::shaped(Shape::Circle, 6, "open: no increase beyond two standard errors").class("open"));
    }
    chart.legend(&keys);
    let area = chart.panel("Measured increase of the loss, nats", 430.0);
    let (x, y) = axes(&points, &area);
    chart.y_axis(&area, &y);
    chart.x_axis(&area, &x, "Predicted increase of the loss, nats");
    chart.draw_behind(line(area.left, area.bottom, area.right, area.top).class("reference"));
    let place = |point: &AgreementPoint| (x.at(point.predicted), y.at(point.measured));
    let far = furthest(&points);
    for point in &points {
        let of = series(&ids, &point.candidate);
        let (px, py) = place(point);
        let mut marks = Vec::new();
        if point.stderr > 0.0 && point.stderr.is_finite() {
            let (low, high) = (y.at(point.measured - point.stderr), y.at(point.measured + point.stderr));
            marks.push(error_bar(px, low, high, 2.5).series(of).class("faint"));
        }
        if !y.shows(point.measured) {
            // What has no place on the axis lies on its floor, with an arrow that points on.
            marks.push(line(px, py + 4.0, px, py + 7.5).series(of).class("below"));
        }
        let marker = dot(Shape::of(of), px, py, 4.0).series(of);
        marks.push(if clear(point) { marker } else { marker.open() });
        let mark = together(marks).layer(point.layer).tip(&tip(report, point));
        let stop = points.len() <= TABBED || far.iter().any(|other| std::ptr::eq(*other, *point));
        chart.draw(if stop { mark } else { mark.untabbed() });
    }
    name_furthest(&mut chart, report, (&points, &far), &area, place);
    let below = points.iter().filter(|point| !y.shows(point.measured)).count();
    if below > 0 {
        notes(
            &mut chart,
            &format!("{below} measured increases are zero, negative or too small for the axis: they lie on its floor."),
        );
    }
    for rank in ranks(rows) {
        notes(&mut chart, &rank);
    }
    Some(chart.finish())
}

/// Whether an increase was measured at all.
fn clear(point: &AgreementPoint) -> bool {
    point.measured > CLEAR * point.stderr
}

/// Both axes show the same numbers, so that the diagonal is where both are equal. What is lost in the noise does not
/// widen them.
fn axes(points: &[&AgreementPoint], area: &Area) -> (Scale, Scale) {
    let predicted = points.iter().map(|point| point.predicted);
    let measured = points.iter().filter(|point| clear(point)).map(|point| point.measured);
    let hidden = points.iter().map(|point| point.measured).filter(|&measured| measured <= 0.0);
    let values: Vec<f64> = predicted.chain(measured).chain(hidden).collect();
    (Scale::log(values.iter().copied(), area.across()), Scale::log(values.iter().copied(), area.upward()))
}

/// The clear points that are furthest from their prediction.
fn furthest<'a>(points: &[&'a AgreementPoint]) -> Vec<&'a AgreementPoint> {
    let far = |point: &AgreementPoint| (point.measured / point.predicted).ln().abs();
    let mut order: Vec<&AgreementPoint> = points.iter().copied().filter(|p| clear(p) && p.predicted > 0.0).collect();
    order.sort_by(|a, b| far(b).total_cmp(&far(a)));
    order.truncate(NAMED);
    order
}

/// Names some of the points.
fn name_furthest(
    chart: &mut Chart,
    report: &Report,
    (points, order): (&[&AgreementPoint], &[&AgreementPoint]),
    area: &Area,
    place: impl Fn(&AgreementPoint) -> (f64, f64),
) {
    let wishes: Vec<Label> = order
        .iter()
        .map(|point| {
            let (x, y) = place(point);
            Label { x, y, text: tail(&layer_name(report, point.layer), NAME) }
        })
        .collect();
    let taken: Vec<(f64, f64)> = points.iter().map(|point| place(point)).collect();
    for placed in place_labels(&wishes, &taken, area.edges()) {
        if let Some(wish) = wishes.get(placed.index).filter(|_| placed.far) {
            chart.draw(line(wish.x, wish.y, placed.x, placed.y - 4.0).class("leader"));
        }
        let label = text(placed.x, placed.y, &placed.text, placed.anchor).class("direct");
        chart.draw(match order.get(placed.index) {
            Some(point) => label.layer(point.layer),
            None => label,
        });
    }
}

fn tip(report: &Report, point: &AgreementPoint) -> String {
    format!(
        "{}, {}\npredicted {}\nmeasured {}",
        layer_name(report, point.layer),
        one_line(&point.candidate),
        units::significant(point.predicted, 3),
        units::plus_minus(point.measured, Some(point.stderr))
    )
}

/// The rank correlations as sentences: over all, then of the candidates.
fn ranks(rows: &Agreement) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(|| "–".into(), |value| format!("{value:.2}"));
    let pair = |rank: &RankRow| format!("ρ {}, τ {}", number(rank.spearman), number(rank.kendall));
    let mut sentences = Vec::new();
    if let Some(all) = rows.ranks.iter().find(|rank| rank.candidate.is_none()) {
        let (rho, tau) = (number(all.spearman), number(all.kendall));
        sentences.push(format!("Order of all {} increases: Spearman’s ρ {rho}, Kendall’s τ {tau}.", all.count));
    }
    let each =
        rows.ranks.iter().filter_map(|rank| Some(format!("{} {}", one_line(rank.candidate.as_ref()?), pair(rank))));
    let each: Vec<String> = each.collect();
    if !each.is_empty() {
        sentences.push(format!("Among the layers at one candidate: {}.", each.join("; ")));
    }
    sentences
}

fn description(rows: &Agreement, points: &[&AgreementPoint]) -> String {
    let lost = points.iter().filter(|point| !clear(point)).count();
    format!(
        "Each point is one layer at one candidate: the predicted increase of the loss from left to right, the \
         measured one on {} samples from below to above, both logarithmic. {lost} of {} are no \
         increase beyond two standard errors. {}",
        units::grouped(rows.samples),
        points.len(),
        ranks(rows).join(" ")
    )
}

#[cfg(test)]
#[path = "agreement_tests.rs"]
mod tests;
