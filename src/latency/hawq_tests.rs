use proptest::prelude::*;

use super::*;
use crate::latency::fixtures::{bound, chain, scheme};

const LISTS: &str = r#"{"source": "s", "latency_int4": [0.21, 0.14], "latency_int8": [0.36, 0.25]}"#;

#[test]
fn weights_and_activations_share_the_width_of_a_list() {
    let scheme = scheme(&chain(&["first", "a", "b"]), "{candidates: [w8a8, w4a4], pins: {first: w8a8}}");
    let measured = parse(LISTS, "t.json", Some(TimeUnit::Ms)).unwrap();
    let latency = bound(&measured, &scheme, "[first]").unwrap();
    assert_eq!(latency.values, [vec![0.0], vec![0.36, 0.21], vec![0.25, 0.14]]);
    let named = LISTS.replace("{\"source\": \"s\"", "{\"layers\": [\"b\", \"a\"]");
    let latency = bound(&parse(&named, "t.json", Some(TimeUnit::Ms)).unwrap(), &scheme, "[first]").unwrap();
    assert_eq!(latency.values, [vec![0.0], vec![0.25, 0.14], vec![0.36, 0.21]]);
}

#[test]
fn documents_of_another_form_are_refused() {
    for (from, to, part) in [
        ("latency_int4", "latency_int", "t.json: `latency_int`: found an unknown key, expected layers, source"),
        ("latency_int4", "latency_int65", "t.json: `latency_int65`: found an unknown key"),
        ("latency_int4", "latency_int8", "key `latency_int8` a second time"),
        ("[0.21, 0.14]", "[0.21]", "t.json: `latency_int8`: found 2 entries, expected 1, as in the other lists"),
        ("[0.21, 0.14]", "[0.21, \"x\"]", "t.json: `latency_int4`: found [0.21,\"x\"], expected a list of numbers"),
        ("\"source\": \"s\"", "\"layers\": [1]", "t.json: `layers`: found [1], expected a list of names"),
        (
            "\"source\": \"s\"",
            "\"layers\": [\"a\"]",
            "t.json: `layers`: found 1 entries, expected 2, as in the other lists",
        ),
        (LISTS, "{}", "t.json: found no measurements"),
        (LISTS, "[1]", "t.json: line 1"),
    ] {
        assert!(LISTS.contains(from), "{from}");
        let message = parse(&LISTS.replacen(from, to, 1), "t.json", Some(TimeUnit::Ms)).unwrap_err().to_string();
        assert!(message.contains(part), "{to}\n{message}");
    }
    assert!(parse(LISTS, "t.json", None).unwrap_err().to_string().contains("found numbers without a unit"));
}

proptest! {
    #[test]
    fn damaged_lists_are_read_or_refused(at in 0.0..1.0f64, length in 0usize..9, patch in "\\PC{0,9}") {
        let mut text: Vec<char> = LISTS.chars().collect();
        let start = (text.len() as f64 * at) as usize;
        let end = (start + length).min(text.len());
        text.splice(start..end, patch.chars());
        match parse(&text.into_iter().collect::<String>(), "t.json", Some(TimeUnit::Ms)) {
            Ok(measured) => prop_assert!(!measured.rows.is_empty()),
            Err(Error::Input(error)) => prop_assert!(error.place.starts_with("t.json")),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
