//! The report for a terminal.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use crate::report::Report;

/// Rules above, below, and under the heading; none between rows.
const RULES: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

pub(super) fn table((heading, rows): (Vec<String>, Vec<Vec<String>>), left: usize) -> String {
    let mut table = Table::new();
    table.load_style(RULES).set_content_arrangement(ContentArrangement::Disabled);
    let columns = heading.len();
    table.set_header(heading);
    table.add_rows(rows);
    for column in left..columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The accuracy table.
pub fn accuracy_table(report: &Report) -> String {
    table(report.accuracy_cells(), 1)
}

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut lines = vec![report.name.clone(), "=".repeat(report.name.chars().count()), String::new()];
    lines.extend(report.preamble());
    lines.extend([String::new(), "Accuracy".into(), accuracy_table(report)]);
    lines.extend([String::new(), "Budgets".into(), table(report.budget_cells(), 3)]);
    lines.extend([String::new(), "Layers (shares are of the first plan)".into(), table(report.layer_cells(), 1)]);
    lines.extend(report.remarks());
    lines.join("\n") + "\n"
}
