//! The report as Markdown.

use crate::report::Report;

fn table((heading, rows): (Vec<String>, Vec<Vec<String>>)) -> String {
    let line = |cells: &[String]| {
        format!("| {} |", cells.iter().map(|c| c.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))
    };
    let rule = format!(
        "|{}|",
        heading.iter().enumerate().map(|(i, _)| if i == 0 { "-" } else { "-:" }).collect::<Vec<_>>().join("|")
    );
    std::iter::once(line(&heading)).chain([rule]).chain(rows.iter().map(|r| line(r))).collect::<Vec<_>>().join("\n")
}

/// The whole report.
pub fn markdown(report: &Report) -> String {
    let mut parts = vec![format!("# {}", report.name), report.preamble().join("  \n")];
    parts.extend(["## Accuracy".into(), table(report.accuracy_cells())]);
    parts.extend(["## Budgets".into(), table(report.budget_cells())]);
    parts.extend(["## Layers".into(), "Shares are of the first plan.".into(), table(report.layer_cells())]);
    parts.extend(report.warnings.iter().map(|w| format!("> {w}")));
    parts.join("\n\n") + "\n"
}
