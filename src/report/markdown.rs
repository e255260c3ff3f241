//! The report as Markdown.

use crate::report::Report;

/// A table whose first `left` columns are text.
fn table((heading, rows): (Vec<String>, Vec<Vec<String>>), left: usize) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|c| c.replace('|', "\\|")).collect();
        format!("| {} |", cells.join(" | "))
    };
    let rule: Vec<&str> = (0..heading.len()).map(|i| if i < left { "-" } else { "-:" }).collect();
    let rule = format!("|{}|", rule.join("|"));
    std::iter::once(line(&heading)).chain([rule]).chain(rows.iter().map(|r| line(r))).collect::<Vec<_>>().join("\n")
}

/// The whole report.
pub fn markdown(report: &Report) -> String {
    let mut parts = vec![format!("# {}", report.name), report.preamble().join("  \n")];
    parts.extend(["## Accuracy".into(), table(report.accuracy_cells(), 1)]);
    parts.extend(["## Budgets".into(), table(report.budget_cells(), 3)]);
    parts.extend(["## Layers".into(), "Shares are of the first plan.".into(), table(report.layer_cells(), 1)]);
    let remarks: Vec<String> = report.remarks().iter().map(|w| format!("* {w}")).collect();
    if !remarks.is_empty() {
        parts.push(remarks.join("\n"));
    }
    parts.join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_with_bars_do_not_break_a_table() {
        let cells = |c: &[&str]| c.iter().map(|c| c.to_string()).collect::<Vec<_>>();
        let shown = table((cells(&["a", "b"]), vec![cells(&["x|y", "1"])]), 1);
        assert_eq!(shown, "| a | b |\n|-|-:|\n| x\\|y | 1 |");
    }
}
