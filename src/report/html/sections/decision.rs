//! What was decided, in words and in a few large figures.

use maud::{Markup, html};

use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::html::words::{count, float_network, known_names, named, plan_network, proof};
use crate::report::units::{accuracy, bytes, cost_title, of_limit, operations, perplexity, plural, significant};
use crate::report::{Kind, NetworkRow, PlanRow, Report};

/// Remarks that are not folded away.
const REMARKS: usize = 5;

/// The section.
pub fn section(report: &Report) -> Section {
    let known = known_names(report);
    let body = html! {
        @if let Some(plan) = report.plans.first() { (figures(report, plan)) }
        @for (index, decision) in report.decisions.iter().enumerate() {
            p.decision { (named(decision, &known)) }
            @if let Some(plan) = report.plans.get(index) { (notes(plan, index == 0, &known)) }
        }
        @if report.plans.len() > 1 { (plans(report)) }
        @if !report.remarks.is_empty() {
            h3 { "Remarks" }
            ul.remarks {
                @for remark in report.remarks.iter().take(REMARKS) { li { (named(remark, &known)) } }
            }
            @if report.remarks.len() > REMARKS {
                details {
                    summary { (plural((report.remarks.len() - REMARKS) as u64, "further remark")) }
                    ul.remarks {
                        @for remark in report.remarks.iter().skip(REMARKS) { li { (named(remark, &known)) } }
                    }
                }
            }
        }
    };
    Section::new("decision", "Decision", body)
}

/// What else there is to say of a plan; folded away for all but the first.
fn notes(plan: &PlanRow, open: bool, known: &[&str]) -> Markup {
    html! {
        @if !plan.notes.is_empty() {
            details.notes open[open] {
                summary { "More on plan " bdi { (plan.name) } }
                ul.remarks {
                    @for note in &plan.notes { li { (named(note, known)) } }
                }
            }
        }
    }
}

/// Before and after, how far it is proved, what binds: of the first plan.
fn figures(report: &Report, plan: &PlanRow) -> Markup {
    let (before, after) = (float_network(report), plan_network(report, plan));
    let both = before.zip(after);
    html! {
        dl.figures aria-label={ "Plan " (plan.name) " in figures" } {
            @if let Some((before, after)) = both {
                (change("Weights", bytes(before.weight_bytes), bytes(after.weight_bytes),
                    &smaller(before.weight_bytes, after.weight_bytes, "FP32")))
                @if let Some(widest) = report.networks.iter().find(|n| n.kind == Kind::Uniform) {
                    (change("BitOPs of one inference", operations(widest.bitops), operations(after.bitops),
                        &smaller(widest.bitops, after.bitops, &widest.name)))
                }
                (quality(report, before, after))
            }
            (figure("Mean bits of a weight", &format!("{:.2}", plan.mean_weight_bits), "FP32 has 32"))
            (figure("Proof", &proof(plan), &format!("objective {}", significant(plan.objective, 4))))
            (figure("What binds", &binding(plan), &slack(plan)))
        }
    }
}

fn quality(report: &Report, before: &NetworkRow, after: &NetworkRow) -> Markup {
    let held_out = format!("on {} held out", count(report.samples.held_out, &report.samples.noun));
    let unsure = |row: &NetworkRow| row.perplexity.map(|value| (value, row.perplexity_stderr));
    let share = |row: &NetworkRow| row.accuracy.map(|share| accuracy(share, row.accuracy_stderr));
    html! {
        @if let Some((before, after)) = unsure(before).zip(unsure(after)) {
            (change("Perplexity ± standard error", perplexity(before.0, before.1), perplexity(after.0, after.1), &held_out))
        } @else if let Some((before, after)) = share(before).zip(share(after)) {
            (change("Accuracy ± standard error", before, after, &held_out))
        }
    }
}

fn change(label: &str, before: String, after: String, note: &str) -> Markup {
    html! {
        div {
            dt { (label) }
            dd.big { span.from { (before) " →" } " " span.to { (after) } }
            dd.note { (note) }
        }
    }
}

fn figure(label: &str, value: &str, note: &str) -> Markup {
    html! {
        div {
            dt { (label) }
            dd.big { (value) }
            dd.note { (note) }
        }
    }
}

fn smaller(before: f64, after: f64, than: &str) -> String {
    if after > 0.0 { format!("{}× less than {than}", significant(before / after, 2)) } else { String::new() }
}

fn binding(plan: &PlanRow) -> String {
    let binding: Vec<String> =
        plan.budgets.iter().filter(|b| b.binds == Some(true)).map(|b| cost_title(&b.name)).collect();
    match plan.unlimited.and_then(|u| u.helps()) {
        _ if !binding.is_empty() => binding.join(", "),
        Some(false) => "no budget".into(),
        Some(true) if plan.budgets.len() > 1 => "the budgets together".into(),
        _ if plan.budgets.is_empty() => "no budget".into(),
        _ => "not settled".into(),
    }
}

fn slack(plan: &PlanRow) -> String {
    let used = plan.budgets.iter().filter(|b| b.limit > 0.0);
    let used: Vec<String> = used.map(|b| format!("{} of {}", of_limit(b.used, b.limit), cost_title(&b.name))).collect();
    if used.is_empty() { String::new() } else { format!("used: {}", used.join(", ")) }
}

/// The plans side by side.
fn plans(report: &Report) -> Table {
    let row = |(index, plan): (usize, &PlanRow)| {
        let network = plan_network(report, plan);
        let value = |of: fn(&NetworkRow) -> Option<f64>| network.and_then(of);
        Row {
            primary: index == 0,
            cells: vec![
                Cell::name(&plan.name),
                Cell::optional(value(|n| Some(n.weight_bytes)), bytes),
                Cell::optional(value(|n| Some(n.bitops)), operations),
                Cell::number(plan.mean_weight_bits, format!("{:.2}", plan.mean_weight_bits)),
                Cell::measured(value(|n| n.accuracy), value(|n| n.accuracy_stderr), accuracy),
                Cell::measured(value(|n| n.perplexity), value(|n| n.perplexity_stderr), perplexity),
                Cell::number(plan.objective, significant(plan.objective, 4)),
                Cell::text(proof(plan)),
                Cell::text(binding(plan)),
            ],
            ..Row::default()
        }
    };
    Table::new("Plans", "plans")
        .words("Plan")
        .numbers("Weights")
        .numbers("BitOPs")
        .numbers("Mean weight bits")
        .numbers("Accuracy")
        .numbers("Perplexity")
        .numbers("Objective")
        .hint("Sum of the sensitivities of the choices")
        .words("Proof")
        .words("What binds")
        .rows(report.plans.iter().enumerate().map(row))
}
