//! Text from elsewhere, made harmless for a terminal.

use crate::error::fault::turns;

/// Characters that move, hide or recolour text are written out (`\u{1b}`, `\n`): controls, line separators, marks of the
/// writing direction, and invisible characters. A mark of direction in a name could let a table show another name.
pub(in crate::report) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => plain.extend(c.escape_default()),
            c if c.is_control() || disturbing(c) => plain.extend(c.escape_unicode()),
            c => plain.push(c),
        }
    }
    plain
}

fn disturbing(c: char) -> bool {
    turns(c)
        || matches!(c,
            '\u{ad}' // soft hyphen
            | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{180e}' | '\u{200b}' | '\u{200c}' // invisible
            | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' // annotations, tags
            | '\u{2028}' | '\u{2029}' // line and paragraph separators
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_text_is_written_out() {
        assert_eq!(plain("a\nb\tc\r"), "a\\nb\\tc\\r");
        assert_eq!(plain("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(plain("\u{202e}gnp.exe \u{9b}2J"), "\\u{202e}gnp.exe \\u{9b}2J");
        assert_eq!(plain("层 🧨 café 1\u{202f}234"), "层 🧨 café 1\u{202f}234");
    }
}
