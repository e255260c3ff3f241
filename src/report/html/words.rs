//! Small pieces of text that several sections share.

use maud::{Markup, html};

use crate::plan::Status;
use crate::report::units::{grouped, percent, together};
use crate::report::{Kind, NetworkRow, PlanRow, Report};

/// `60 000 images`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}", grouped(number))
}

/// A name with places where a long one may go on in the next line.
pub fn breakable(name: &str) -> Markup {
    html! {
        bdi {
            @for piece in name.split_inclusive(['.', '/', '_', ':']) { (piece) wbr; }
        }
    }
}

/// How far a plan is proved.
pub fn proof(plan: &PlanRow) -> String {
    match plan.status {
        Status::Optimal => "proved optimal".into(),
        Status::Feasible => format!("within {} of the best", percent(plan.gap)),
        Status::Infeasible => "no plan".into(),
    }
}

/// A network's name for people: `FP32`, `uniform w4a4`, `plan small`.
pub fn network(kind: Kind, name: &str) -> Markup {
    html! {
        @match kind {
            Kind::Fp32 => "FP32",
            Kind::Uniform => { "uniform " bdi { (name) } }
            Kind::Plan if name == "plan" => "plan",
            Kind::Plan => { "plan " bdi { (name) } }
        }
    }
}

/// The row of a plan among the networks.
pub fn plan_network<'a>(report: &'a Report, plan: &PlanRow) -> Option<&'a NetworkRow> {
    report.networks.iter().find(|row| row.kind == Kind::Plan && row.name == plan.name)
}

/// The row of the network that is not quantised.
pub fn float_network(report: &Report) -> Option<&NetworkRow> {
    report.networks.iter().find(|row| row.kind == Kind::Fp32)
}

/// A layer's name; its number where the report has no such layer.
pub fn layer_name(report: &Report, index: usize) -> String {
    report.layers.get(index).map_or_else(|| format!("layer {index}"), |layer| layer.name.clone())
}

/// A paragraph in which names between backticks that the run knows are set as names; all else stays as it is.
pub fn named(text: &str, known: &[&str]) -> Markup {
    let (mut rest, mut pieces) = (text, Vec::new());
    while let Some((before, after)) = rest.split_once('`') {
        let ends_here = |name: &&&str| after.strip_prefix(**name).is_some_and(|tail| tail.starts_with('`'));
        pieces.push(html! { (together(before)) });
        // The longest one, as a name may have backticks too.
        match known.iter().filter(ends_here).max_by_key(|name| name.len()) {
            Some(name) => {
                pieces.push(html! { b { bdi { (name) } } });
                rest = after.get(name.len() + 1..).unwrap_or_default();
            }
            None => {
                pieces.push(html! { "`" });
                rest = after;
            }
        }
    }
    html! {
        @for piece in pieces { (piece) }
        (together(rest))
    }
}

/// Names that paragraphs may mention.
pub fn known_names(report: &Report) -> Vec<&str> {
    let plans = report.plans.iter().map(|plan| plan.name.as_str()).chain([report.network.as_str()]);
    plans.chain(report.layers.iter().map(|layer| layer.name.as_str())).collect()
}

/// The last line of a page.
pub fn footer(version: &str) -> Markup {
    html! { "Made by bitplan " (version) ". Everything is in this one file; it loads nothing from anywhere." }
}
