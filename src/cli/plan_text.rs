//! A plan as text.

use crate::cli::check::show;
use crate::plan::{Plan, PlanBudget, PlanLayer, Status};

/// Layers that are printed; a file has the others.
const MOST_LAYERS: usize = 400;

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
    lines.join("\n")
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

/// What one unit more of a budget is worth; nothing where it does not bind.
fn price(plan: &Plan, b: &PlanBudget) -> String {
    let binds = b.shadow_price * b.limit > 1e-9 * plan.objective.abs();
    if binds { format!("{:.4e}", b.shadow_price) } else { "0".into() }
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
