//! A plan as text.

use crate::cli::check::show;
use crate::plan::{Binding, BindingKind, Plan, PlanBudget, PlanLayer, Relief, Stability, Status};

/// Layers that are printed; a file has the others.
const MOST_LAYERS: usize = 400;
/// Changes of an alternative that are printed, and layers that do not keep their candidate.
const MOST_CHANGES: usize = 6;
const MOST_UNSTABLE: usize = 20;

pub(super) fn plan(plan: &Plan) -> String {
    let mut lines = vec![headline(plan), String::new()];
    let width = plan.layers.iter().map(|l| l.name.chars().count()).max().unwrap_or(0).max(8);
    lines.push(format!("{:width$}  {:10} {:>12}", "layer", "candidate", "sensitivity"));
    let layer = |l: &PlanLayer| format!("{:width$}  {:10} {:>12.4e}", l.name, l.candidate, l.sensitivity);
    lines.extend(plan.layers.iter().take(MOST_LAYERS).map(layer));
    if let Some(more) = plan.layers.len().checked_sub(MOST_LAYERS).filter(|&n| n > 0) {
        lines.push(format!("… and {more} more layers: `-o FILE` and `--json` have all"));
    }
    let width = plan.budgets.iter().map(|b| b.name.chars().count()).max().unwrap_or(0).max(8);
    lines.push(String::new());
    lines.push(format!(
        "{:width$}  {:>14} {:>14} {:>9} {:>14} {:>13}",
        "budget", "limit", "used", "share", "slack", "shadow price"
    ));
    lines.extend(plan.budgets.iter().map(|b| {
        let value = |x: f64| show(&b.name, x);
        let share = if b.limit > 0.0 { 100.0 * b.used / b.limit } else { 100.0 };
        let (limit, used, slack) = (value(b.limit), value(b.used), value(b.slack.max(0.0)));
        format!("{:width$}  {limit:>14} {used:>14} {share:>7.2} % {slack:>14} {:>13}", b.name, price(plan, b))
    }));
    lines.extend(reliefs(plan));
    lines.extend(alternatives(plan));
    lines.extend(plan.bindings.iter().enumerate().flat_map(|(i, b)| binding(plan, b, i == 0)));
    lines.extend(plan.stability.iter().flat_map(|s| stability(plan, s)));
    lines.join("\n")
}

fn alternatives(plan: &Plan) -> Vec<String> {
    let Some(proved) = plan.alternatives_proved else { return Vec::new() };
    let state = if proved { "" } else { " (not proved to be the next best)" };
    if plan.alternatives.is_empty() {
        return vec![format!("\nno other plan is within the budgets{state}")];
    }
    let mut lines = vec![format!("\nnext-best plans{state}: what they lose more, and what they change")];
    lines.extend(plan.alternatives.iter().map(|a| {
        let changes: Vec<String> = a.changes.iter().map(|(l, c)| format!("{l} {c}")).collect();
        let more = changes.len().saturating_sub(MOST_CHANGES);
        let shown = changes[..changes.len() - more].join(", ");
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{:>5}  +{:<12.4e} {shown}{rest}", a.rank, a.above)
    }));
    lines
}

/// What each limit costs.
fn reliefs(plan: &Plan) -> Vec<String> {
    let each = |b: &PlanBudget| {
        let (without, higher) = b.without.as_ref().zip(b.higher.as_ref())?;
        Some(format!("{}  1 % more of {}\n{}  without {}", gain(plan, higher), b.name, gain(plan, without), b.name))
    };
    let mut lines: Vec<String> = plan.budgets.iter().filter_map(each).collect();
    if let (Some(unlimited), 2..) = (&plan.unlimited, plan.budgets.len()) {
        lines.push(format!("{}  without any limit", gain(plan, unlimited)));
    }
    if !lines.is_empty() {
        lines.insert(0, "\nlimits: what the objective gains with more of each".into());
    }
    lines
}

fn gain(plan: &Plan, relief: &Relief) -> String {
    gained(plan, relief.gain, relief.proved)
}

/// What the objective gains, in numbers and of the plan's.
fn gained(plan: &Plan, gain: f64, proved: bool) -> String {
    let share = if plan.objective > 0.0 { format!(" ({:.2} %)", 100.0 * gain / plan.objective) } else { String::new() };
    format!("{}{gain:>12.4e}{share}", if proved { "" } else { "at least " })
}

fn binding(plan: &Plan, b: &Binding, first: bool) -> Vec<String> {
    let name = match (&b.kind, &b.candidate) {
        (BindingKind::Pin, Some(candidate)) => format!("pin {}={candidate}", b.layers.join(", ")),
        (BindingKind::Pin, None) => format!("pin {}", b.layers.join(", ")),
        (BindingKind::Group, _) => format!("tie {}", b.layers.join(", ")),
    };
    let heading = first.then(|| "\npins and ties: what the objective gains without each".to_string());
    heading.into_iter().chain([format!("{}  {name}", gained(plan, b.cost, b.proved))]).collect()
}

fn stability(plan: &Plan, s: &Stability) -> Vec<String> {
    let mut lines = vec![format!(
        "\nstability over {} draws of the sensitivities: the same plan in {:.1} %, regret {} on average, {} at most",
        s.draws,
        100.0 * s.same_plan,
        percent(s.regret_mean),
        percent(s.regret_max)
    )];
    let unstable = s.layers.iter().zip(&plan.layers).filter(|(s, _)| s.stays < 1.0);
    let mut unstable: Vec<_> = unstable.collect();
    unstable.sort_by(|a, b| a.0.stays.total_cmp(&b.0.stays));
    lines.extend(unstable.iter().take(MOST_UNSTABLE).map(|(s, layer)| {
        let shares: Vec<String> = s.shares.iter().map(|(id, share)| format!("{id} {:.1} %", 100.0 * share)).collect();
        format!("{:28} keeps {} in {:>5.1} %: {}", s.name, layer.candidate, 100.0 * s.stays, shares.join(", "))
    }));
    if unstable.len() > MOST_UNSTABLE {
        lines.push(format!("… and {} more layers that do not always keep theirs", unstable.len() - MOST_UNSTABLE));
    }
    lines
}

fn headline(plan: &Plan) -> String {
    let proof = match plan.status {
        Status::Optimal => "the best there is, proved".to_string(),
        _ => format!("not proved: within {} of the best", percent(plan.gap)),
    };
    let seconds = plan.solver.seconds.map(|s| format!(" in {}", duration(s))).unwrap_or_default();
    format!(
        "objective {:.9} ({proof}); {} layers, solver {}{seconds}",
        Number(plan.objective),
        plan.layers.len(),
        plan.solver.name
    )
}

/// The slope of the bound; 0 where it is rounding.
fn price(plan: &Plan, b: &PlanBudget) -> String {
    let counts = b.shadow_price * b.limit > 1e-9 * plan.objective.abs();
    if counts { format!("{:.4e}", b.shadow_price) } else { "0".into() }
}

/// A number in plain digits where they are few, with an exponent otherwise.
struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = f.precision().unwrap_or(6);
        match self.0.abs() {
            0.0 => write!(f, "0"),
            1e-4..1e7 => write!(f, "{:.*}", digits, self.0),
            _ => write!(f, "{:.*e}", digits, self.0),
        }
    }
}

/// A share as per cent, however small.
pub(super) fn percent(share: f64) -> String {
    match 100.0 * share {
        percent if percent >= 0.01 => format!("{percent:.2} %"),
        percent => format!("{percent:.1e} %"),
    }
}

/// A wall time.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.1 => format!("{:.1} ms", 1e3 * s),
        s => format!("{s:.2} s"),
    }
}
