//! How often mixed-precision training drew each candidate of each layer, beside how often it was meant to.

use svg::Document;

use super::precisions::{layer_name, precisions, series, tail};
use crate::report::plot::{
    Anchor, Area, Band, Chart, FONT, Key, Scale, Shape, bar, dot, line, one_line, text, together, width,
};
use crate::report::{DrawCount, DrawLayer, Report, units};

/// A p-value below this is marked.
const DOUBTFUL: f64 = 0.05;

/// The chart; none if nothing was drawn.
pub fn draws(report: &Report) -> Option<Document> {
    let draws = report.draws.as_ref()?;
    let layers: Vec<&DrawLayer> = draws.layers.iter().filter(|layer| total(layer).0 > 0.0).collect();
    layers.first()?;
    let ids = precisions(report);
    let mut chart = Chart::new("chart-draws", "Drawn and intended candidates", &description(report, &layers));
    let names: Vec<String> = layers.iter().map(|layer| layer_name(report, layer.layer)).collect();
    let widest = names.iter().map(|name| width(name, FONT)).fold(40.0, f64::max).min(190.0);
    chart = chart.margins(widest + 14.0, 16.0);
    let used = |id: &&String| layers.iter().any(|layer| layer.candidates.iter().any(|count| count.candidate == **id));
    let mut keys: Vec<Key> = ids.iter().filter(used).map(|id| Key::dots(series(&ids, id), id)).collect();
    keys.push(Key::role("limit", "intended boundary"));
    chart.legend(&keys);
    let row = match layers.len() {
        0..=20 => 22.0,
        21..=60 => 16.0,
        _ => 13.0,
    };
    let area = chart.panel("Share of the draws, %, widest candidate first", row * layers.len() as f64);
    let band = Band::new(layers.len(), (area.top, area.bottom));
    let split = area.left + 0.56 * (area.right - area.left);
    let bars = Area { right: split, ..area };
    let difference = Area { left: split + 38.0, right: area.right - 62.0, ..area };
    name_rows(&mut chart, &area, &band, &layers, &names);
    let share =
        Scale::with_ticks(false, [0, 25, 50, 75, 100].map(|v| (f64::from(v), v.to_string())).to_vec(), bars.across());
    // Both axes stand below the same rows; the one with a title last, so that what follows is below it.
    chart.x_axis(&bars, &share, "");
    let gaps: Vec<f64> = layers.iter().flat_map(|layer| layer.candidates.iter().map(|c| points(layer, c))).collect();
    let reach = gaps.iter().filter(|gap| gap.is_finite()).fold(0.1, |most: f64, gap| most.max(gap.abs()));
    let x = Scale::linear([-reach, reach], difference.across());
    chart.x_axis(&difference, &x, "Drawn − intended, %");
    chart.draw_behind(line(x.at(0.0), area.top, x.at(0.0), area.bottom).class("reference"));
    chart.draw(text(area.right, area.top - 6.0, "p-value", Anchor::End).class("axis-title"));
    for (index, layer) in layers.iter().enumerate() {
        let inside = (band.start(index) + 0.12 * band.width(), band.start(index) + 0.88 * band.width());
        stack(&mut chart, report, &ids, layer, &share, inside);
        let mut order: Vec<&DrawCount> = layer.candidates.iter().collect();
        order.sort_by(|a, b| a.candidate.cmp(&b.candidate));
        for count in order {
            let gap = points(layer, count);
            if gap.is_finite() {
                let of = series(&ids, &count.candidate);
                let radius = (band.width() * 0.24).min(4.0);
                let mark = dot(Shape::of(of), x.at(gap), band.center(index), radius).series(of).layer(layer.layer);
                chart.draw(mark.tip(&tip(report, layer, count)).untabbed());
            }
        }
        let (word, class) = match layer.p_value {
            None => ("–".into(), "tick"),
            Some(p) if p < DOUBTFUL => (format!("▸ {}", units::significant(p, 2)), "alert"),
            Some(p) => (units::significant(p, 2), "tick"),
        };
        chart.draw(text(area.right, band.center(index) + 4.2, &word, Anchor::End).class(class).layer(layer.layer));
    }
    chart.note(&doubtful(&layers));
    Some(chart.finish())
}

/// The bars of one layer from the left to the right, with ticks where they should meet.
fn stack(
    chart: &mut Chart,
    report: &Report,
    ids: &[String],
    layer: &DrawLayer,
    share: &Scale,
    (top, bottom): (f64, f64),
) {
    let (drawn, intended) = total(layer);
    let (mut from, mut meant) = (0.0, 0.0);
    let mut ticks = Vec::new();
    for count in &layer.candidates {
        let to = from + 100.0 * count.drawn as f64 / drawn;
        let of = series(ids, &count.candidate);
        let mut marks = vec![bar(share.at(from), top, share.at(to), bottom).series(of).class("cell")];
        let number = format!("{:.0}", to - from);
        if share.at(to) - share.at(from) > width(&number, FONT) + 8.0 && bottom - top >= 11.0 {
            let middle = ((share.at(from) + share.at(to)) / 2.0, (top + bottom) / 2.0 + 4.2);
            marks.push(text(middle.0, middle.1, &number, Anchor::Middle).class("inside"));
        }
        let mark = together(marks).layer(layer.layer).tip(&tip(report, layer, count));
        // One stop of the tab key for each layer.
        chart.draw(if ticks.is_empty() { mark } else { mark.untabbed() });
        meant += 100.0 * count.intended / intended;
        ticks.push(meant);
        from = to;
    }
    ticks.pop();
    for meant in ticks.into_iter().filter(|meant| meant.is_finite()) {
        chart.draw(line(share.at(meant), top - 1.5, share.at(meant), bottom + 1.5).class("limit"));
    }
}

fn name_rows(chart: &mut Chart, area: &Area, band: &Band, layers: &[&DrawLayer], names: &[String]) {
    for (index, (layer, name)) in layers.iter().zip(names).enumerate() {
        let name = tail(name, area.left - 14.0);
        chart
            .draw(text(area.left - 7.0, band.center(index) + 4.2, &name, Anchor::End).class("tick").layer(layer.layer));
    }
}

/// Draws, and what they should sum up to.
fn total(layer: &DrawLayer) -> (f64, f64) {
    let drawn = layer.candidates.iter().map(|count| count.drawn as f64).sum();
    (drawn, layer.candidates.iter().map(|count| count.intended).sum())
}

/// Drawn minus intended share of a layer's draws, percentage points.
fn points(layer: &DrawLayer, count: &DrawCount) -> f64 {
    let (drawn, intended) = total(layer);
    100.0 * (count.drawn as f64 / drawn - count.intended / intended)
}

fn tip(report: &Report, layer: &DrawLayer, count: &DrawCount) -> String {
    let p = layer.p_value.map_or_else(String::new, |p| format!("\np-value of the layer {}", units::significant(p, 2)));
    let points = points(layer, count);
    let points = if points.is_finite() { format!("\n{points:+.2} percentage points") } else { String::new() };
    format!(
        "{}, {}\ndrawn {} times, intended {}{points}{p}",
        layer_name(report, layer.layer),
        one_line(&count.candidate),
        units::grouped(count.drawn),
        units::significant(count.intended, 4),
    )
}

fn doubtful(layers: &[&DrawLayer]) -> String {
    let known: Vec<f64> = layers.iter().filter_map(|layer| layer.p_value).collect();
    if known.is_empty() {
        return "No p-values: too few draws for the chi-square test.".into();
    }
    let below = known.iter().filter(|&&p| p < DOUBTFUL).count();
    let chance = units::significant(DOUBTFUL * known.len() as f64, 2);
    format!("{below} of {} p-values below 0.05 (▸); about {chance} are to be expected by chance.", known.len())
}

fn description(report: &Report, layers: &[&DrawLayer]) -> String {
    let all = layers.iter().flat_map(|layer| layer.candidates.iter().map(move |count| (*layer, count)));
    let known = all.filter(|(layer, count)| points(layer, count).is_finite());
    let worst = known.max_by(|a, b| points(a.0, a.1).abs().total_cmp(&points(b.0, b.1).abs()));
    let worst = worst.map_or_else(String::new, |(layer, count)| {
        format!(" Furthest from the intended share: {}.", tip(report, layer, count).replace('\n', ", "))
    });
    format!(
        "For each searched layer the shares of its candidates among the draws, and the intended ones. {}{worst}",
        doubtful(layers)
    )
}

#[cfg(test)]
#[path = "draws_tests.rs"]
mod tests;
