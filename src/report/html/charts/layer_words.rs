//! The words of the chart of the layers: legend, tips, description.

use crate::report::plot::{Key, Shape, named, one_line};
use crate::report::{LayerRow, PlanRow, Report, units};

/// The legend: of what is drawn only.
pub(super) fn keys(report: &Report) -> Vec<Key> {
    let mut keys = Vec::new();
    if let Some(plan) = report.plans.first() {
        keys.push(Key::bars(0, "bits of weights"));
        keys.push(Key::shaped(Shape::Diamond, 1, "bits of activations").class("open"));
        if let Some(second) =
            report.plans.get(1).filter(|second| !second.choices.is_empty() && !plan.choices.is_empty())
        {
            keys.push(Key::role("second", &format!("bits of weights in plan {}", named(&second.name))));
        }
        if report.layers.iter().any(|layer| layer.pinned.is_some()) {
            keys.push(Key::shaped(Shape::Down, 3, "pinned"));
        }
        if report.layers.iter().any(|layer| layer.group.is_some() && layer.pinned.is_none()) {
            keys.push(Key::shaped(Shape::Star, 4, "in a group, which takes one candidate"));
        }
    }
    let error = |layer: &LayerRow| layer.trace_stderr.is_some_and(|error| error > 0.0);
    if report.layers.iter().any(error) {
        keys.push(Key::error(6, "± one standard error"));
    }
    keys
}

/// What a layer says when it is pointed at.
pub(super) fn tip(report: &Report, index: usize, layer: &LayerRow) -> String {
    let mut lines = vec![named(&layer.name)];
    for plan in report.plans.iter().take(2) {
        let Some(choice) = plan.choices.get(index) else { continue };
        let omega = units::plus_minus(choice.sensitivity, choice.stderr);
        lines.push(format!("{}: {}, Ω {omega}", named(&plan.name), one_line(&choice.candidate)));
    }
    if let Some(trace) = layer.average_trace {
        lines.push(format!("average trace {}", units::plus_minus(trace, layer.trace_stderr)));
    }
    lines.push(format!("{} weights, {} MACs", units::grouped(layer.parameters), units::grouped(layer.macs)));
    lines.extend(layer.pinned.as_ref().map(|pin| format!("pinned to {}", one_line(pin))));
    lines.extend(layer.group.map(|group| format!("group {}", group + 1)));
    lines.join("\n")
}

/// What the chart shows and its main finding.
pub(super) fn description(report: &Report, plan: Option<&PlanRow>) -> String {
    let layers = units::plural(report.layers.len() as u64, "layer");
    let Some(plan) = plan else {
        return format!(
            "Weights and multiply-accumulates of {layers}, and their sensitivities as far as they are known; there is no plan yet."
        );
    };
    let most = plan.choices.iter().enumerate().max_by(|a, b| a.1.sensitivity.total_cmp(&b.1.sensitivity));
    let most = most.and_then(|(index, choice)| Some((report.layers.get(index)?, choice)));
    let finding = most.map(|(layer, choice)| {
        let omega = units::significant(choice.sensitivity, 3);
        format!(" The most sensitive choice is {} of layer {}, with Ω {omega}.", choice.candidate, layer.name)
    });
    format!(
        "Plan {} over {layers}: bits of weights and activations, sensitivity of each choice, average trace, weights and multiply-accumulates. Mean bits of a weight: {}.{}",
        plan.name,
        units::significant(plan.mean_weight_bits, 3),
        finding.unwrap_or_default()
    )
}
