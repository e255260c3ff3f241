//! The fronts of the objective against one cost.

use super::super::bars::thinned;
use super::super::block::{Block, Table, number, or_missing, words};
use crate::report::units::{accuracy, cost, cost_title, grouped, perplexity, plan_title, significant};
use crate::report::{FrontRow, FrontSection, Landmark, LandmarkKind, Report};

/// Points of a front that are shown.
const MOST_POINTS: usize = 12;

/// Candidates of a point that are counted one by one.
const MOST_COUNTS: usize = 4;

pub(super) fn fronts(report: &Report) -> Vec<Block> {
    report.fronts.iter().filter(|front| !front.points.is_empty()).flat_map(|front| section(report, front)).collect()
}

fn section(report: &Report, front: &FrontSection) -> Vec<Block> {
    let shown: Vec<&FrontRow> =
        thinned(front.points.len(), MOST_POINTS).into_iter().filter_map(|index| front.points.get(index)).collect();
    let all = grouped(front.points.len() as u64);
    let what = match (front.whole, front.limits) {
        (true, _) => format!("{all} plans that no other beats in both"),
        (false, Some(limits)) => format!("{all} plans that are the best within {limits} equally spaced limits"),
        (false, None) => format!("{all} plans that were found before the search was stopped"),
    };
    let points = match shown.len() == front.points.len() {
        true => format!("The {what}."),
        false => format!("{} of the {what}.", shown.len()),
    };
    let measured = front.landmarks.iter().any(|mark| mark.accuracy.is_some());
    let language = report.samples.language && front.landmarks.iter().any(|mark| mark.perplexity.is_some());
    let mut rows: Vec<(f64, bool, Vec<String>)> = Vec::new();
    for point in shown {
        rows.push((point.cost, false, point_cells(front, point)));
    }
    rows.extend(front.landmarks.iter().map(|mark| (mark.cost, true, mark_cells(front, mark))));
    rows.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut columns = vec![words("network"), number(cost_title(&front.cost)), number("sum of sensitivities")];
    columns.extend(measured.then(|| number("accuracy")));
    columns.extend(language.then(|| number("perplexity")));
    columns.push(words("layers"));
    let rows = rows.into_iter().map(|(_, _, cells)| {
        let mut cells = cells.into_iter();
        let mut row: Vec<String> = cells.by_ref().take(3).collect();
        let (right, perplexity) = (cells.next(), cells.next());
        row.extend(right.filter(|_| measured));
        row.extend(perplexity.filter(|_| language));
        row.extend(cells);
        row
    });
    vec![
        Block::Heading(format!("Sensitivity against {}", cost_title(&front.cost))),
        Block::Paragraph(format!("{points} Other networks stand between them; a plan can have other budgets too.")),
        Block::Table(Table { columns, rows: rows.collect() }),
    ]
}

fn point_cells(front: &FrontSection, point: &FrontRow) -> Vec<String> {
    let name = if point.proved { "best" } else { "best found" };
    let (cost, objective) = (cost(&front.cost, point.cost), significant(point.objective, 4));
    vec![name.into(), cost, objective, "–".into(), "–".into(), counts(front, point)]
}

fn mark_cells(front: &FrontSection, mark: &Landmark) -> Vec<String> {
    let name = match mark.kind {
        LandmarkKind::Uniform => format!("uniform {}", mark.name),
        LandmarkKind::Plan => plan_title(&mark.name),
    };
    let limit = mark.limit.map_or(String::new(), |limit| format!("limit {}", cost(&front.cost, limit)));
    vec![
        name,
        cost(&front.cost, mark.cost),
        significant(mark.objective, 4),
        or_missing(mark.accuracy, |share| accuracy(share, mark.accuracy_stderr)),
        or_missing(mark.perplexity, |p| perplexity(p, mark.perplexity_stderr)),
        limit,
    ]
}

/// How many layers take which candidate: `3 × w8a8, 2 × w4a4`.
fn counts(front: &FrontSection, point: &FrontRow) -> String {
    let count = |candidate: usize| point.layers.iter().filter(|&&layer| layer as usize == candidate).count();
    let mut counts: Vec<(usize, &String)> =
        front.candidates.iter().enumerate().map(|(index, id)| (count(index), id)).filter(|(n, _)| *n > 0).collect();
    if counts.len() > MOST_COUNTS {
        counts.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    }
    let more = counts.len().saturating_sub(MOST_COUNTS);
    let shown = counts.into_iter().take(MOST_COUNTS).map(|(n, id)| format!("{n} × {id}"));
    shown.chain((more > 0).then(|| "others".to_string())).collect::<Vec<_>>().join(", ")
}
