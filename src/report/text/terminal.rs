//! Blocks for a terminal.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, TableStyle, Width};

use super::block::{Block, Table};
use super::plain::plain;
use crate::report::units::together;

/// Rules above, below, and under the heading; none between rows.
const RULES: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// Characters of a line of sentences.
const LINE: usize = 100;

/// Columns of a terminal that a column of words may take with the spaces around it; longer cells wrap.
const WORDS: u16 = 46;

/// The same for a column of numbers: its heading can be a name.
const NUMBERS: u16 = 28;

/// Characters of a cell that are shown: longer names are cut, as no reader and no terminal has room for them.
const CELL: usize = 400;

/// The whole text, with a line end.
pub(super) fn write(blocks: &[Block]) -> String {
    let mut text = String::new();
    let mut before: Option<&Block> = None;
    for block in blocks {
        // Headings and sentences stand on their tables.
        let close =
            matches!((before, block), (None, _) | (Some(Block::Heading(_) | Block::Paragraph(_)), Block::Table(_)));
        if !close {
            text.push('\n');
        }
        match block {
            Block::Title(title) => text.push_str(&underlined(title)),
            Block::Heading(title) => text.push_str(&wrapped("", &plain(title))),
            Block::Paragraph(sentences) => text.push_str(&wrapped("", &plain(sentences))),
            Block::List(items) => items.iter().for_each(|item| text.push_str(&wrapped("* ", &plain(item)))),
            Block::Table(table) => {
                text.push_str(&write_table(table));
                text.push('\n');
            }
        }
        before = Some(block);
    }
    text
}

fn underlined(title: &str) -> String {
    let title = wrapped("", &plain(title));
    let length = title.lines().map(|line| line.chars().count()).max().unwrap_or(0);
    format!("{title}{}\n", "=".repeat(length))
}

/// A table, without a line end.
pub(super) fn write_table(content: &Table) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(RULES).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(content.columns.iter().map(|column| cell(&column.title)));
    for row in &content.rows {
        table.add_row(row.iter().map(|text| cell(text)));
    }
    for (index, column) in content.columns.iter().enumerate() {
        let Some(shown) = table.column_mut(index) else { continue };
        let most = if column.words { WORDS } else { NUMBERS };
        shown.set_constraint(ColumnConstraint::UpperBoundary(Width::Fixed(most)));
        if !column.words {
            shown.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.to_string().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn cell(text: &str) -> String {
    let whole = plain(text);
    match whole.char_indices().nth(CELL) {
        Some((end, _)) => format!("{}…", whole.get(..end).unwrap_or_default()),
        None => whole,
    }
}

/// Words on lines of about [`LINE`] characters, each with a line end; the second and later lines stand under the first. A
/// number and its unit stay together.
fn wrapped(mark: &str, text: &str) -> String {
    let (mut lines, mut line, mut used) = (String::new(), mark.to_string(), mark.len());
    let mut begun = false;
    for word in together(text).split(' ') {
        let length = word.chars().count();
        if begun && used + 1 + length > LINE {
            lines.push_str(line.trim_end());
            lines.push('\n');
            (line, used, begun) = (" ".repeat(mark.len()), mark.len(), false);
        }
        if begun {
            line.push(' ');
            used += 1;
        }
        line.push_str(&word.replace('\u{a0}', " "));
        (used, begun) = (used + length, true);
    }
    lines.push_str(line.trim_end());
    lines.push('\n');
    lines
}
