//! How wide a text is and how to shorten it, without the font: widths per class of character, a little too wide on purpose.

use crate::error::fault::turns;

/// Size of the text in a chart, in units of its `viewBox`; `charts.css` sets the same.
pub const FONT: f64 = 12.0;

/// Width of a text in units of the font size 1.
fn em(c: char) -> f64 {
    match c as u32 {
        0x300..=0x36f | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x2069 | 0xfe00..=0xfe0f | 0xfeff => 0.0,
        0x1100..=0x115f | 0x2600..=0x27bf | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff | 0xfe30..=0xfe6f => {
            1.1
        }
        0xff00..=0xff60 | 0xffe0..=0xffe6 => 1.1,
        0x1f000.. => 1.4,
        0x2190..=0x21ff | 0x2026 | 0x2014 => 1.0,
        0x2009 | 0x202f => 0.25,
        _ => match c {
            'i' | 'j' | 'l' | 't' | 'f' | 'I' | '.' | ',' | ':' | ';' | '|' | '!' | '\'' | '(' | ')' | '[' | ']'
            | ' ' | '/' => 0.36,
            'm' | 'w' | 'M' | 'W' | '@' | '%' | '&' => 0.95,
            'A'..='Z' => 0.73,
            'a'..='z' | '0'..='9' => 0.6,
            _ => 0.66,
        },
    }
}

/// Estimated width of a text at a font size.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

/// A name on one line: control characters become spaces; marks that would turn the text behind the name around are left out.
pub fn one_line(text: &str) -> String {
    let space = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    text.chars().filter(|&c| !turns(c)).map(space).collect()
}

/// A name on one line for a tip; one without a visible character is said to be so.
pub fn named(name: &str) -> String {
    let name = one_line(name);
    if width(name.trim(), 1.0) > 0.0 { name } else { "(no name)".into() }
}

/// A name on one line and not wider than `limit`: what is too much goes out of its middle, since names of layers differ at both ends.
pub fn cut(text: &str, size: f64, limit: f64) -> String {
    let text = one_line(text);
    if width(&text, size) <= limit {
        return text;
    }
    let chars: Vec<char> = text.chars().collect();
    let mut room = limit / size - em('…');
    let (mut head, mut tail) = (0, chars.len());
    // Two thirds are the tail: `blocks.3.attn.q_proj` and `blocks.3.attn.k_proj` differ there.
    while head < tail {
        let from_tail = chars.len() - tail <= 2 * head;
        let next = if from_tail { chars.get(tail - 1) } else { chars.get(head) };
        room -= next.copied().map_or(0.0, em);
        if room < 0.0 {
            break;
        }
        if from_tail { tail -= 1 } else { head += 1 }
    }
    let part = |range: &[char]| range.iter().collect::<String>();
    format!("{}…{}", part(chars.get(..head).unwrap_or_default()), part(chars.get(tail..).unwrap_or_default()))
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
