//! Names, lists and shares in sentences.

use crate::error::fault::turns;
use crate::report::units::percent;

/// Most characters of a name in a sentence.
const LONGEST: usize = 40;
/// Most names in a list.
const MOST: usize = 3;

/// A name in backticks, on one line, without marks that turn the direction of text, and not too long.
pub(super) fn short(name: &str) -> String {
    let plain: String = name.chars().filter(|&c| !turns(c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    match plain.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("`{}…`", &plain[..end]),
        None => format!("`{plain}`"),
    }
}

/// `a`; `a` and `b`; `a`, `b` and `c`; `a`, `b`, `c` and 4 more.
pub(super) fn list(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(MOST).map(|n| short(n)).collect();
    if names.len() > MOST {
        shown.push(format!("{} more", names.len() - MOST));
    }
    joined(&shown)
}

/// `a`; `a and b`; `a, b and c`.
pub(super) fn joined(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// A part of something as per cent, also where it is too small for digits.
pub(super) fn share(part: f64) -> String {
    if part > 0.0 && part < 5e-5 { "less than 0.01 %".into() } else { percent(part) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_on_one_line_and_short() {
        assert_eq!(short("a\nb\r"), "`a b `");
        assert_eq!(short("x\u{202e}y"), "`xy`");
        assert_eq!(short(&"é".repeat(41)), format!("`{}…`", "é".repeat(40)));
        assert_eq!(short(&"é".repeat(40)), format!("`{}`", "é".repeat(40)));
    }

    #[test]
    fn lists_read_as_people_write_them() {
        let of = |n: usize| list(&["a", "b", "c", "d", "e"].map(String::from)[..n]);
        assert_eq!([of(1), of(2), of(3)], ["`a`", "`a` and `b`", "`a`, `b` and `c`"]);
        assert_eq!([of(0), of(5)], ["", "`a`, `b`, `c` and 2 more"]);
        assert_eq!([share(4e-5), share(6e-5), share(0.0)], ["less than 0.01 %", "0.01 %", "0.0 %"]);
    }
}
