//! The layers: what they are, how sensitive they are, what the plans give them, what holds them.

use maud::{Markup, html};

use crate::report::html::charts;
use crate::report::html::figure::figure;
use crate::report::html::shell::Section;
use crate::report::html::table::{Cell, Row, Table};
use crate::report::html::words::layer_name;
use crate::report::units::{grouped, percent, plan_title, plural, plus_minus, significant, trace};
use crate::report::{BindingRow, Choice, LayerRow, PlanRow, Report};

/// The section.
pub fn section(report: &Report) -> Section {
    let (id, title) = ("layers", "Layers");
    if report.layers.is_empty() {
        return Section::without(id, title, "The run's layers are not known yet.");
    }
    let body = html! {
        p {
            (plural(report.layers.len() as u64, "layer")) " in the order of the network. A trace t̄ is the curvature of the loss in \
            a layer's weights, per weight; a sensitivity Ω is what a plan minimises the sum of."
            @if report.layers.iter().all(|layer| layer.average_trace.is_none()) { " Sensitivities are not computed yet." }
        }
        (figure("Layer by layer", charts::layers(report)))
        (main_table(report))
        @for plan in report.plans.iter().skip(1) { (other_plan(report, plan)) }
        (bindings(report))
        (stability(report))
    };
    Section::new(id, title, body)
}

/// Every layer, with the choices of all plans and what the first one's mean.
fn main_table(report: &Report) -> Table {
    let mut table = Table::new("Every layer", "layers").numbers("#").words("Layer").numbers("Weights").numbers("MACs");
    table = table
        .hint("Multiply-accumulates of one inference")
        .numbers("Trace t̄ ± error")
        .hint("A trace that is not above its standard error is not resolved, and counts as the error");
    for plan in &report.plans {
        table = table.words(if report.plans.len() == 1 { "Choice".into() } else { plan.name.clone() });
        table = table.hint("What the plan chooses: bits of weights and of input activations");
    }
    let row = |(index, layer): (usize, &LayerRow)| {
        let mut cells = vec![
            Cell::number(index as f64, index + 1),
            Cell::name(&layer.name),
            Cell::number(layer.parameters as f64, grouped(layer.parameters)),
            Cell::number(layer.macs as f64, grouped(layer.macs)),
            Cell::measured(layer.average_trace, layer.trace_stderr, trace),
        ];
        cells.extend(report.plans.iter().map(|plan| plan.choices.get(index).map_or_else(Cell::missing, chosen)));
        cells.extend(effects(report.plans.first(), index));
        cells.push(notes(report, layer));
        Row { layer: Some(index), cells, ..Row::default() }
    };
    effect_columns(table).words("Notes").rows(report.layers.iter().enumerate().map(row))
}

/// The same of a further plan, folded.
fn other_plan(report: &Report, plan: &PlanRow) -> Markup {
    let row = |(index, choice): (usize, &Choice)| {
        let mut cells =
            vec![Cell::number(index as f64, index + 1), Cell::name(&layer_name(report, index)), chosen(choice)];
        cells.extend(effects(Some(plan), index));
        Row { layer: Some(index), cells, ..Row::default() }
    };
    let table = Table::new(format!("Choices of {}", plan_title(&plan.name)), &format!("choices-{}", plan.name))
        .numbers("#")
        .words("Layer")
        .words("Choice");
    html! {
        details {
            summary { "Sensitivities and shares of plan " bdi { (plan.name) } }
            (effect_columns(table).rows(plan.choices.iter().enumerate().map(row)))
        }
    }
}

fn effect_columns(table: Table) -> Table {
    table
        .numbers("Ω ± error")
        .hint("Sensitivity of the first plan's choice")
        .numbers("Stays")
        .hint("Share of the plans for resampled sensitivities that choose the same")
        .numbers("BitOPs, %")
        .hint("Share of the plan's BitOPs")
        .numbers("Bytes, %")
        .hint("Share of the plan's weight bytes")
}

/// Sensitivity, stability and shares of a plan's choice for a layer.
fn effects(plan: Option<&PlanRow>, index: usize) -> Vec<Cell> {
    let Some((plan, choice)) = plan.and_then(|plan| Some((plan, plan.choices.get(index)?))) else {
        return vec![Cell::missing(); 4];
    };
    let share = |cost: &str| Cell::optional(plan.share(index, cost), percent);
    vec![
        Cell::measured(choice.sensitivity, choice.stderr, plus_minus),
        Cell::optional(choice.stays, percent),
        share("bitops"),
        share("weight_bytes"),
    ]
}

/// A candidate with its bits.
fn chosen(choice: &Choice) -> Cell {
    let shown = html! { span.bits data-bits=(choice.weight_bits) { (choice.candidate) } };
    Cell::ranked(f64::from(choice.weight_bits), &choice.candidate, shown)
}

fn notes(report: &Report, layer: &LayerRow) -> Cell {
    let group = layer.group.and_then(|group| Some((group, report.groups.get(group)?)));
    let mut notes = Vec::new();
    notes.extend(layer.pinned.as_ref().map(|candidate| format!("pinned to {candidate}")));
    notes.extend(
        group.map(|(number, members)| format!("group {} of {}", number + 1, plural(members.len() as u64, "layer"))),
    );
    if notes.is_empty() { Cell::missing() } else { Cell::text(notes.join("; ")) }
}

/// What pins and groups cost.
fn bindings(report: &Report) -> Table {
    let several = report.plans.len() > 1;
    let row = |(plan, binding): (&PlanRow, &BindingRow)| {
        let held = match (&binding.candidate, binding.layers.len()) {
            (Some(candidate), _) => format!("pinned to {candidate}"),
            (None, count) => format!("group of {}", plural(count as u64, "layer")),
        };
        let least = if binding.proved { "" } else { "≥ " };
        let relative = (plan.objective > 0.0).then(|| binding.cost / plan.objective);
        Row::from(vec![
            if several { Cell::text(&plan.name) } else { Cell::missing() },
            Cell::name(&binding.layers.join(", ")),
            Cell::text(held),
            Cell::number(binding.cost, format!("{least}{}", significant(binding.cost, 3))),
            Cell::optional(relative, |share| format!("{least}{}", percent(share))),
        ])
    };
    let pairs = report.plans.iter().flat_map(|plan| plan.bindings.iter().map(move |binding| (plan, binding)));
    Table::new("What pins and groups cost", "pins-and-groups")
        .words("Plan")
        .words("Layers")
        .words("Held by")
        .numbers("Costs")
        .hint("The plan's objective minus the smallest without this pin or group")
        .numbers("Of the objective")
        .rows(pairs.map(row))
}

/// How the plans hold against the errors of the sensitivities.
fn stability(report: &Report) -> Table {
    let row = |plan: &PlanRow| {
        let stability = plan.stability.as_ref()?;
        Some(Row::from(vec![
            Cell::name(&plan.name),
            Cell::number(stability.draws as f64, grouped(stability.draws)),
            Cell::number(stability.same_plan, percent(stability.same_plan)),
            Cell::number(stability.regret_mean, percent(stability.regret_mean)),
            Cell::number(stability.regret_max, percent(stability.regret_max)),
        ]))
    };
    Table::new("Stability against the errors of the sensitivities", "stability")
        .words("Plan")
        .numbers("Draws")
        .hint("Times that all sensitivities were resampled within their standard errors")
        .numbers("Same plan")
        .hint("Share of the draws whose best plan is this one")
        .numbers("Mean regret")
        .hint("Mean loss of keeping this plan, above the best plan of a draw")
        .numbers("Largest regret")
        .rows(report.plans.iter().filter_map(row))
}
