//! What the first plans of several runs choose for each layer: strips of cells one under another.

use svg::Document;

use super::precisions::tail;
use crate::report::plot::{
    Anchor, Area, Band, Chart, FONT, Key, Shape, bar, cut, dot, named, one_line, text, together, width,
};
use crate::report::{ComparedLayer, Comparison, LayerOfRun};

/// Layers beside each other before the strips go on below.
const BESIDE: usize = 40;

/// Room for a name, along its slope.
const NAME: f64 = 180.0;

/// Height of a strip.
const ROW: f64 = 22.0;

/// The chart; none before there is a plan.
pub fn compared_bits(comparison: &Comparison) -> Option<Document> {
    let layers = &comparison.layers;
    let chosen = || layers.iter().flat_map(|layer| &layer.runs).flatten().filter(|cell| cell.candidate.is_some());
    chosen().next()?;
    let mut cells: Vec<&LayerOfRun> = chosen().collect();
    cells.sort_by(|a, b| {
        (b.weight_bits, b.activation_bits, &a.candidate).cmp(&(a.weight_bits, a.activation_bits, &b.candidate))
    });
    let mut ids: Vec<&str> = cells.into_iter().filter_map(|cell| cell.candidate.as_deref()).collect();
    ids.dedup();
    let mut chart = Chart::new("chart-compared-bits", "Bits of the layers in each run", &description(comparison));
    let names = comparison.runs.iter().map(|run| width(&one_line(&run.name), FONT)).fold(40.0, f64::max).min(170.0);
    chart = chart.margins(names + 14.0, 14.0);
    let mut keys: Vec<Key> = ids.iter().enumerate().map(|(series, id)| Key::bars(series, &one_line(id))).collect();
    keys.push(Key::shaped(Shape::Down, 6, "other bits, or not in all runs"));
    keys.push(Key::bars(6, "framed: other than in the first run").class("open").class("other"));
    chart.legend(&keys);
    let blocks = layers.len().div_ceil(BESIDE);
    let each = layers.len().div_ceil(blocks);
    for (block, part) in layers.chunks(each).enumerate() {
        let label = if block == 0 { "Bits of a weight in the first plan" } else { "" };
        let strips = 14.0 + ROW * comparison.runs.len() as f64;
        let names = part.iter().map(|layer| width(&one_line(&layer.name), FONT)).fold(0.0, f64::max).min(NAME);
        let area = chart.panel(label, strips + names / std::f64::consts::SQRT_2 + 14.0);
        let area = Area { bottom: area.top + strips, ..area };
        let strips = Strips { comparison, ids: &ids, area, band: Band::new(each, area.across()), first: block * each };
        strips.draw(&mut chart, part);
    }
    Some(chart.finish())
}

struct Strips<'a> {
    comparison: &'a Comparison,
    ids: &'a [&'a str],
    area: Area,
    band: Band,
    first: usize,
}

impl Strips<'_> {
    fn draw(&self, chart: &mut Chart, layers: &[ComparedLayer]) {
        let area = &self.area;
        for (row, run) in self.comparison.runs.iter().enumerate() {
            let name = cut(&one_line(&run.name), FONT, area.left - 14.0);
            chart.draw(text(area.left - 7.0, self.row(row) + 0.5 * ROW + 4.2, &name, Anchor::End).class("tick"));
        }
        for (column, layer) in layers.iter().enumerate() {
            let index = self.first + column;
            let x = self.band.center(column);
            if layer.other_bits || layer.missing() {
                let radius = (0.3 * self.band.width()).clamp(2.0, 4.0);
                chart.draw(dot(Shape::Down, x, area.top + 6.0, radius).series(6).layer(index));
            }
            for (run, cell) in layer.runs.iter().enumerate() {
                self.cell(chart, index, column, run, cell.as_ref(), layer);
            }
        }
        self.names(chart, layers);
    }

    fn row(&self, run: usize) -> f64 {
        self.area.top + 14.0 + ROW * run as f64
    }

    fn cell(
        &self,
        chart: &mut Chart,
        index: usize,
        column: usize,
        run: usize,
        cell: Option<&LayerOfRun>,
        layer: &ComparedLayer,
    ) {
        let (left, right, top) = (self.band.start(column), self.band.start(column + 1), self.row(run));
        let shape = bar(left + 0.5, top + 1.0, right - 0.5, top + ROW - 1.0);
        let candidate = cell.and_then(|cell| cell.candidate.as_deref());
        let series = candidate.and_then(|id| self.ids.iter().position(|other| *other == id));
        let first = layer.runs.first().and_then(|first| first.as_ref()?.candidate.as_deref());
        let other = first.is_some() && candidate.is_some() && candidate != first;
        let bits = cell.and_then(|cell| cell.weight_bits).map_or_else(|| "–".into(), |bits| bits.to_string());
        let mut marks = vec![match series {
            Some(series) if other => shape.series(series).class("other"),
            Some(series) => shape.series(series).class("cell"),
            None => shape.open(),
        }];
        if width(&bits, FONT) < right - left {
            let number = text((left + right) / 2.0, top + 0.5 * ROW + 4.2, &bits, Anchor::Middle);
            marks.push(if series.is_some() { number.class("inside") } else { number.class("tick") });
        }
        let tip = self.tip(run, cell, layer);
        let mark = together(marks).layer(index).tip(&tip);
        // One stop of the tab key for each layer.
        chart.draw(if run == 0 { mark } else { mark.untabbed() });
    }

    /// Names below the strips, turned; of very many only some.
    fn names(&self, chart: &mut Chart, layers: &[ComparedLayer]) {
        let every = (15.0 / self.band.width()).ceil().max(1.0) as usize;
        for (column, layer) in layers.iter().enumerate().step_by(every) {
            let index = self.first + column;
            let (x, y) = (self.band.center(column) + 4.0, self.area.bottom + 12.0);
            let name = tail(&named(&layer.name), NAME.min((x - 14.0) * std::f64::consts::SQRT_2));
            chart.draw(text(x, y, &name, Anchor::End).class("tick").turned(-45.0, x, y).layer(index));
        }
    }

    fn tip(&self, run: usize, cell: Option<&LayerOfRun>, layer: &ComparedLayer) -> String {
        let run = self.comparison.runs.get(run).map(|run| one_line(&run.name)).unwrap_or_default();
        let choice = match cell {
            None => "this run has no such layer".into(),
            Some(cell) => match &cell.candidate {
                None => "no plan yet".into(),
                Some(id) if cell.pinned.is_some() => format!("{}, pinned", one_line(id)),
                Some(id) => one_line(id),
            },
        };
        format!("{}\n{run}: {choice}", named(&layer.name))
    }
}

fn description(comparison: &Comparison) -> String {
    let runs: Vec<&str> = comparison.runs.iter().map(|run| run.name.as_str()).collect();
    format!("The candidate of each layer in the first plan of {}. {}", runs.join(", "), comparison.layer_differences())
}

#[cfg(test)]
#[path = "compared_bits_tests.rs"]
mod tests;
