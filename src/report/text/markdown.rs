//! Blocks as Markdown, with tables as GitHub and most others read them.

use super::block::{Block, Table};
use super::plain::plain;

/// The whole text, with a line end.
pub(super) fn write(blocks: &[Block]) -> String {
    let blocks: Vec<String> = blocks.iter().map(write_block).collect();
    blocks.join("\n\n") + "\n"
}

fn write_block(block: &Block) -> String {
    match block {
        Block::Title(title) => format!("# {}", escaped(title)),
        Block::Heading(title) => format!("## {}", escaped(title)),
        Block::Paragraph(sentences) => first_safe(with_code(sentences)),
        Block::List(items) => {
            items.iter().map(|item| format!("* {}", first_safe(with_code(item)))).collect::<Vec<_>>().join("\n")
        }
        Block::Table(table) => write_table(table),
    }
}

fn write_table(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let heading = line(table.columns.iter().map(|column| escaped(&column.title)).collect());
    let rule: Vec<&str> = table.columns.iter().map(|column| if column.words { "-" } else { "-:" }).collect();
    let rows = table.rows.iter().map(|row| line(row.iter().map(|cell| escaped(cell)).collect()));
    [heading, format!("|{}|", rule.join("|"))].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

/// Text that shows as it is: no markup, no HTML, no new cells.
fn escaped(text: &str) -> String {
    let text: Vec<char> = plain(text).chars().collect();
    let word = |index: Option<usize>| index.and_then(|i| text.get(i)).is_some_and(|c| c.is_alphanumeric());
    let mut escaped = String::with_capacity(text.len());
    for (index, &c) in text.iter().enumerate() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // Inside a word an underscore means nothing: `block1_conv2` stays readable.
            '_' if word(index.checked_sub(1)) && word(Some(index + 1)) => escaped.push('_'),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '$' | '{' | '}' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Whether a text can stand in a code span, where nothing can be escaped, with every reader of Markdown.
fn harmless(code: &str) -> bool {
    !code.trim().is_empty() && !code.contains(['<', '>', '&', '|'])
}

/// Sentences, in which names between backticks stay code. A backtick without a partner is one that shows.
fn with_code(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let mut shown = String::new();
    let mut index = 0;
    while let Some(part) = parts.get(index) {
        shown.push_str(&escaped(part));
        match parts.get(index + 1) {
            Some(code) if index + 2 < parts.len() => {
                match harmless(code) {
                    true => shown.push_str(&format!("`{}`", plain(code))),
                    false => shown.push_str(&format!("\\`{}\\`", escaped(code))),
                }
                index += 2;
            }
            Some(_) => {
                shown.push_str("\\`");
                index += 1;
            }
            None => break,
        }
    }
    shown
}

/// A paragraph must not begin like a list, a heading or a rule.
fn first_safe(text: String) -> String {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let numbered = digits > 0 && text.chars().nth(digits).is_some_and(|c| c == '.' || c == ')');
    match text.chars().next() {
        Some('#' | '-' | '+' | '=') => format!("\\{text}"),
        Some(_) if numbered => text.chars().take(digits).chain(['\\']).chain(text.chars().skip(digits)).collect(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::block::{number, words};
    use super::*;

    #[test]
    fn cells_with_bars_do_not_break_a_table() {
        let table = Table { columns: vec![words("a"), number("b")], rows: vec![vec!["x|y".into(), "1".into()]] };
        assert_eq!(write_table(&table), "| a | b |\n|-|-:|\n| x\\|y | 1 |");
    }

    #[test]
    fn markup_in_names_shows_as_it_is() {
        assert_eq!(escaped("<b>|&_x_ a_b *c*"), "&lt;b&gt;\\|&amp;\\_x\\_ a_b \\*c\\*");
        assert_eq!(escaped("a\n\n# b"), "a\\\\n\\\\n# b");
        assert_eq!(first_safe("1. a".into()), "1\\. a");
        assert_eq!(first_safe("# a".into()), "\\# a");
    }

    #[test]
    fn names_between_backticks_stay_code() {
        assert_eq!(with_code("plan `half_` <b>"), "plan `half_` &lt;b&gt;");
        assert_eq!(with_code("a ` b"), "a \\` b");
        assert_eq!(with_code("`` `a`"), "\\`\\` `a`");
        assert_eq!(with_code("`<i>` `x"), "\\`&lt;i&gt;\\` \\`x");
    }
}
