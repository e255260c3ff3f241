//! Reading YAML: what the parser reports becomes place, found, expected and remedy.
//!
//! The parser refuses duplicate keys, bounds nesting and alias expansion, and knows line and column of every value.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_saphyr::{Error as Yaml, Location};

use crate::error::ValueFault;
use crate::error::fault::{did_you_mean, either, quoted, turns};
use crate::error::{Error, Result};

/// The longest file that is read; a search space of a thousand layers has a tenth of it.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// The deepest nesting; the format itself has seven levels.
const MAX_DEPTH: usize = 64;

/// The most values that aliases may repeat, so that a short file cannot become a long one.
const MAX_REPEATED: usize = 100_000;

/// The text of a file; `remedy` is for one that is no text.
///
/// # Errors
/// When it cannot be read, or is not UTF-8. No more than [`MAX_BYTES`] and one byte are read.
pub(super) fn read(path: &Path, remedy: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let most = MAX_BYTES as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| Error::io(path, error))?;
    String::from_utf8(bytes).map_err(|error| {
        let place = format!("{}: byte {}", path.display(), error.utf8_error().valid_up_to());
        Error::input(place, "bytes that are no text", "UTF-8", remedy)
    })
}

/// Reads `text`; `file` is for the messages.
///
/// # Errors
/// When the text is too long, not YAML, or not of the form of `T`.
pub(super) fn parse<T: DeserializeOwned>(text: &str, file: &Path) -> Result<T> {
    if text.len() > MAX_BYTES {
        let found = format!("{} bytes", text.len());
        return Err(Error::input(
            file.display().to_string(),
            found,
            format!("at most {MAX_BYTES}"),
            "is it this file?",
        ));
    }
    let options = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: MAX_DEPTH,
            max_aliases: MAX_REPEATED,
            // One anchor may well serve hundreds of overrides.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPEATED },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = innermost(&error);
        let location = error.location().unwrap_or(Location::UNKNOWN);
        let ValueFault { found, expected, remedy } = explain(error, &found_at(text, &location));
        Error::input(place(file, &location), found, expected, remedy)
    })
}

/// `file:line:column`, or the file alone where the position is unknown.
pub(super) fn place(file: &Path, location: &Location) -> String {
    match location.line() {
        0 => file.display().to_string(),
        line => format!("{}:{line}:{}", file.display(), location.column()),
    }
}

/// The error that an alias led to.
fn innermost(error: &Yaml) -> &Yaml {
    match error.without_snippet() {
        Yaml::AliasError { error, .. } => innermost(error),
        error => error,
    }
}

/// What stands at `location`: to the end of the line, to a comment, or to the end of the list it stands in.
fn found_at(text: &str, location: &Location) -> String {
    let index = |one_based: u64| usize::try_from(one_based.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text.lines().nth(index(location.line())).unwrap_or_default();
    let rest: String = line.chars().skip(index(location.column())).take(100).collect();
    let rest = rest.split(" #").next().unwrap_or_default();
    let end = match rest.chars().next() {
        Some('[') => rest.find(']').map(|end| end + 1),
        Some('{') => rest.find('}').map(|end| end + 1),
        _ => rest.find([',', ']', '}']),
    };
    let value = rest[..end.unwrap_or(rest.len())].trim_end();
    if value.is_empty() { "nothing".to_string() } else { quoted(value) }
}

fn explain(error: &Yaml, here: &str) -> ValueFault {
    match error {
        Yaml::SerdeUnknownField { field, expected, .. } => ValueFault::new(
            format!("the unknown key {}", quoted(field)),
            keys(expected),
            did_you_mean(field, expected.iter().copied(), "remove it"),
        ),
        Yaml::SerdeMissingField { field, .. } => ValueFault::new(
            format!("no key `{field}`"),
            format!("`{field}` in this section"),
            format!("add `{field}: …`"),
        ),
        Yaml::DuplicateMappingKey { key, .. } => ValueFault::new(
            format!(
                "{} a second time",
                key.as_deref().map_or("a key".to_string(), |key| format!("the key {}", quoted(key)))
            ),
            "every key once",
            "remove one of them",
        ),
        Yaml::SerdeUnknownVariant { variant, expected, .. } => ValueFault::new(
            quoted(variant),
            either(expected.iter().copied()),
            did_you_mean(variant, expected.iter().copied(), ""),
        ),
        Yaml::InvalidBooleanStrict { .. } => ValueFault::new(here, "true or false", ""),
        Yaml::NullIntoString { .. } => ValueFault::new("an empty value", "a value", "this key cannot be left out"),
        Yaml::Unexpected { expected, .. } => ValueFault::new(
            here,
            match *expected {
                "string scalar" => "a single value",
                "sequence start" => "a list, such as `[a, b]`",
                "mapping start" => "a section of `key: value`",
                other => other,
            },
            "check the indentation and the brackets",
        ),
        Yaml::ExternallyTaggedEnumExpectedScalarOrMapping { .. } | Yaml::UnexpectedValueForUnitEnumVariant { .. } => {
            ValueFault::new(here, "a single word", "")
        }
        Yaml::MultipleDocuments { .. } => {
            ValueFault::new("a second document", "one document in a file", "split the file")
        }
        Yaml::UnknownAnchor { .. } => ValueFault::new(here, "an alias of an anchor `&name` above", ""),
        Yaml::Budget { .. } | Yaml::AliasReplayLimitExceeded { .. } | Yaml::AliasReplayStackDepthExceeded { .. } => {
            let expected = format!("at most {MAX_DEPTH} levels of nesting and {MAX_REPEATED} repeated values");
            ValueFault::new(here, expected, "write the values out, without aliases")
        }
        other => {
            let message = other.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(before, _)| before);
            ValueFault::new(format!("{here}, not readable as YAML"), "a YAML document", printable(message))
        }
    }
}

/// "the key `a`", "one of the keys `a`, `b` or `c`".
fn keys(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let list = either(quoted.iter().map(String::as_str));
    if names.len() == 1 { format!("the key {list}") } else { format!("one of the keys {list}") }
}

/// The parser's own words on one line.
fn printable(message: &str) -> String {
    message.chars().take(200).map(|c| if c.is_control() || turns(c) { ' ' } else { c }).collect()
}
