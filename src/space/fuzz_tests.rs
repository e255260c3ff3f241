//! Files with damage: whatever stands in one, reading ends in a search space or in an error at a place.

use proptest::prelude::*;

use super::*;
use crate::error::Error;

const FILES: [&str; 3] = [
    include_str!("../../search_spaces/fashion_mnist_resnet8.yaml"),
    include_str!("../../search_spaces/cifar10_resnet8.yaml"),
    include_str!("../../search_spaces/cifar10_resnet20.yaml"),
];

/// What YAML, numbers or this schema could stumble over.
const SPLINTERS: [&str; 44] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ": ",
    ",",
    "- ",
    "? ",
    "\t",
    "\n",
    "\n  ",
    "#",
    "'",
    "\"",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<: *a",
    "!!binary ",
    "!x ",
    "%",
    "---\n",
    "...\n",
    "~",
    "null",
    ".nan",
    "-.inf",
    "1e999",
    "-1",
    "0",
    "18446744073709551616",
    "w9a9",
    "fp32",
    "*",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "epochs: 1\n",
    "name: x\n",
    "\r",
    "true",
];

/// One act of damage: what, where (as a share of the length), and how much.
fn damage(text: &mut String, (kind, at, splinter): (u8, f64, usize)) {
    let mut at = (text.len() as f64 * at) as usize;
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let length = text[at..].chars().take(splinter).map(char::len_utf8).sum::<usize>();
    match kind {
        0 => text.insert_str(at, SPLINTERS[splinter % SPLINTERS.len()]),
        1 => text.replace_range(at..at + length, SPLINTERS[splinter % SPLINTERS.len()]),
        2 => text.replace_range(at..at + length, ""),
        3 => text.truncate(at),
        4 => {
            let copy = text[at..at + length].to_string();
            text.insert_str(at, &copy);
        }
        _ => {
            // A line as a whole: moved to the end, so that keys change their section.
            let line = text[at..].lines().next().unwrap_or_default().to_string();
            text.push_str(&line);
            text.push('\n');
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn damaged_files_are_read_or_refused_at_a_place(
        file in 0usize..2,
        acts in prop::collection::vec((0u8..6, 0.0..1.0f64, 0usize..88), 1..6),
    ) {
        let mut text = FILES[file].to_string();
        acts.into_iter().for_each(|act| damage(&mut text, act));
        match Space::parse(&text, Path::new("s.yaml")) {
            Ok(space) => {
                prop_assert!(serde_json::to_string(&space).is_ok() && !space.plans.is_empty());
                let names = ["stem.conv".to_string(), "fc".to_string()];
                let _ = (space.search.resolve(&names), space.search.resolve_groups(&names, &[]));
            }
            Err(Error::Input(error)) => {
                prop_assert!(error.place.starts_with("s.yaml") && !error.found.is_empty() && !error.expected.is_empty());
                prop_assert!(error.to_string().len() < 1500 && !error.to_string().contains('\u{0}'), "{}", error);
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        prop_assert!(Space::parse(&text, Path::new("s.yaml")).is_err());
    }
}
