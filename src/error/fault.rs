//! What is wrong with one value, before it is known in which file it stands; and the words shared by all messages.

/// A value that cannot be accepted: what it is, what it may be, what to do.
///
/// The reader of files adds the place; the command line adds the name of the option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {found}, expected {expected}")]
pub struct ValueFault {
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
    /// What the user can do about it; empty when the rest says it all.
    pub remedy: String,
}

impl ValueFault {
    /// A fault from its three parts.
    pub fn new(found: impl Into<String>, expected: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { found: found.into(), expected: expected.into(), remedy: remedy.into() }
    }

    /// The fault, and on a line of its own what to do, if there is something.
    pub(crate) fn with_hint(&self) -> String {
        let hint = if self.remedy.is_empty() { String::new() } else { format!("\n  hint: {}", self.remedy) };
        format!("{self}{hint}")
    }
}

/// The most characters of a user's text that a message repeats.
const QUOTED_CHARS: usize = 60;

/// The longest text that is compared with known names: the comparison takes time proportional to both lengths.
const COMPARED_BYTES: usize = 128;

/// `text` in back quotes, on one line, control characters escaped, cut at 60 characters.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED_CHARS).flat_map(printable).collect();
    if text.chars().nth(QUOTED_CHARS).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// A character as itself, or escaped if a terminal could act on it.
fn printable(c: char) -> Vec<char> {
    if c.is_control() || turns(c) { c.escape_default().collect() } else { vec![c] }
}

/// Whether it is a mark that turns the writing direction: behind one, text can look like another.
pub(crate) fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The known name that was probably meant by `name`: equal but for case, a few typing errors away, or containing it.
pub(crate) fn closest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.is_empty() || name.len() > COMPARED_BYTES {
        return None;
    }
    let lower = name.to_lowercase();
    let allowed = 1 + lower.chars().count() / 4;
    let distance = |other: &str| {
        let other = other.to_lowercase();
        match strsim::damerau_levenshtein(&lower, &other) {
            typing if typing <= allowed => Some(typing),
            _ if lower.len() >= 3 && other.contains(&lower) => Some(allowed + 1),
            _ if other.len() >= 3 && lower.contains(&other) => Some(allowed + 2),
            _ => None,
        }
    };
    known.into_iter().filter_map(|other| Some((distance(other)?, other))).min().map(|(_, other)| other)
}

/// "did you mean `x`?", or `otherwise` when nothing known is close.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>, otherwise: &str) -> String {
    match closest(name, known) {
        Some(known) => format!("did you mean {}?", quoted(known)),
        None => otherwise.to_string(),
    }
}

/// "a", "a or b", "a, b or c".
pub(crate) fn either<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_string(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_name() {
        let known = ["epochs", "batch_size", "learning_rate"];
        assert_eq!(closest("epoch", known), Some("epochs"));
        assert_eq!(closest("Batch_Size", known), Some("batch_size"));
        assert_eq!(closest("rate", known), Some("learning_rate"));
        assert_eq!(closest("zzz", known), None);
        assert_eq!(closest("", known), None);
        assert_eq!(closest(&"x".repeat(1 << 20), known), None);
    }

    #[test]
    fn quotes_are_short_and_harmless() {
        assert_eq!(quoted("a\u{1b}[31m\nb"), "`a\\u{1b}[31m\\nb`");
        assert_eq!(quoted("a\u{202e}b"), "`a\\u{202e}b`");
        assert_eq!(quoted(&"x".repeat(100)).chars().count(), QUOTED_CHARS + 3);
    }

    #[test]
    fn alternatives_read_as_english() {
        assert_eq!(either([]), "");
        assert_eq!(either(["a"]), "a");
        assert_eq!(either(["a", "b", "c"]), "a, b or c");
    }
}
