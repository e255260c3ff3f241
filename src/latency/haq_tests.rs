use std::io::Cursor;

use npyz::WriterBuilder;
use proptest::prelude::*;

use super::*;
use crate::latency::fixtures::{bound, chain, scheme};
use crate::space::BudgetName;

const GOLDEN: &str = include_str!("../../tests/golden/haq_mobilenetv2_cycles.json");

/// The cube as an int64 array, written with npyz.
fn npy(shape: &[u64], numbers: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(shape).writer(&mut bytes).begin_nd().unwrap();
    writer.extend(numbers.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

fn from_bytes(bytes: Vec<u8>, said: Option<TimeUnit>) -> Result<Measured> {
    parse_npy(Input::new(Box::new(Cursor::new(bytes)), Path::new("t.npy"), "t.npy".into()), said)
}

#[test]
fn the_published_table_gives_the_sums_of_its_entries() {
    let cube: serde_json::Value = serde_json::from_str(GOLDEN).unwrap();
    let layers = cube["cycles"].as_array().unwrap();
    let names: Vec<String> = (0..53).map(|l| format!("layer{l}")).collect();
    let graph = chain(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let scheme = scheme(&graph, "{candidates: [w8a8, w8a4, w4a8, w2a3]}");
    let measured = parse_json(GOLDEN, "golden", None).unwrap();
    let latency = bound(&measured, &scheme, "[]").unwrap();
    assert_eq!(latency.cost, BudgetName::Cycles);
    for (c, (w, a)) in [(8, 8), (8, 4), (4, 8), (2, 3)].into_iter().enumerate() {
        let sum: u64 = layers.iter().map(|layer| layer[w - 1][a - 1].as_u64().unwrap()).sum();
        let ours: f64 = latency.values.iter().map(|layer| layer[c]).sum();
        assert_eq!(ours, sum as f64, "w{w}a{a}");
    }
    // The two axes are told apart: by this much, weights and activations exchanged would be another table.
    assert_ne!(latency.values[0][1], latency.values[0][2]);
    // The authors' own form is the same table.
    let numbers: Vec<i64> = layers
        .iter()
        .flat_map(|l| {
            l.as_array().unwrap().iter().flat_map(|r| r.as_array().unwrap().iter().map(|n| n.as_i64().unwrap()))
        })
        .collect();
    let array = from_bytes(npy(&[53, 8, 8], &numbers), Some(TimeUnit::Cycles)).unwrap();
    assert_eq!((&array.rows, array.unit, &array.names), (&measured.rows, measured.unit, &measured.names));
}

#[test]
fn layers_may_be_named_and_units_chosen() {
    let text = r#"{"layers": ["b", "a"], "latency_us": [[[1, 2], [3, 4.5]], [[5, 6], [7, 8]]]}"#;
    let measured = parse_json(text, "t.json", None).unwrap();
    assert_eq!((measured.unit, measured.rows[0][&(2, 2)], measured.rows[1][&(1, 2)]), (TimeUnit::Us, 4.5, 6.0));
    let scheme = scheme(&chain(&["a", "b"]), "{candidates: [w2a2]}");
    assert_eq!(bound(&measured, &scheme, "[]").unwrap().values, [[8e-3], [4.5e-3]]);
}

#[test]
fn documents_of_another_form_are_refused() {
    for (text, part) in [
        ("", "t.json: line 1, column 0: found EOF"),
        ("[]", "expected a table of the form haq"),
        ("{}", "found numbers of none or of several units"),
        (r#"{"cycles": [[[1]]], "latency_ms": [[[1]]]}"#, "found numbers of none or of several units"),
        (r#"{"cycles": [[1]]}"#, "t.json: line 1, column"),
        (r#"{"cycles": [[["1"]]]}"#, "t.json: line 1, column"),
        (r#"{"cycle": [[[1]]]}"#, "unknown field `cycle`"),
        (r#"{"cycles": [[[1]]], "layers": ["a", "b"]}"#, "found 2 names for 1 layers, expected one name for each"),
    ] {
        let message = parse_json(text, "t.json", None).unwrap_err().to_string();
        assert!(message.contains(part), "{text}\n{message}");
    }
    let wide = format!("{{\"cycles\": [[[{}1]]]}}", "1,".repeat(64));
    assert!(parse_json(&wide, "t.json", None).unwrap_err().to_string().contains("expected 1 to 64 bits"));
    assert!(parse_json(r#"{"cycles": [[[1]]]}"#, "t.json", Some(TimeUnit::Ms)).is_err());
}

#[test]
fn arrays_of_another_form_are_refused() {
    let cycles = Some(TimeUnit::Cycles);
    for (bytes, said, part) in [
        (
            npy(&[4, 2], &[1; 8]),
            cycles,
            "t.npy: found the shape [4, 2], expected [layers, weight bits, activation bits]",
        ),
        (npy(&[1, 65, 1], &[1; 65]), cycles, "expected 1 to 64 bits"),
        (npy(&[2, 0, 3], &[]), cycles, "expected 1 to 64 bits"),
        (npy(&[2, 2, 2], &[1; 8]), None, "t.npy: found numbers without a unit"),
        (npy(&[2, 2, 2], &[1; 8])[..150].to_vec(), cycles, "t.npy: byte 150"),
        (b"PK\x03\x04abcdef".to_vec(), cycles, "expected the first bytes of an .npy array"),
    ] {
        let message = from_bytes(bytes, said).unwrap_err().to_string();
        assert!(message.contains(part), "{message}\n{part}");
    }
}

#[test]
fn every_number_type_is_read() {
    let bytes = npy(&[1, 1, 2], &[258, -1]);
    let header: Vec<u8> = bytes[..bytes.len() - 16].to_vec();
    for (descr, element) in [
        ("<i8", vec![2, 1, 0, 0, 0, 0, 0, 0]),
        (">i2", vec![1, 2]),
        ("<u4", vec![2, 1, 0, 0]),
        ("<f4", 258f32.to_le_bytes().to_vec()),
        (">f8", 258f64.to_be_bytes().to_vec()),
    ] {
        let mut array = String::from_utf8_lossy(&header[10..]).replace("<i8", descr).into_bytes();
        array.splice(0..0, header[..10].iter().copied());
        array.extend(element.iter().chain(&element));
        let measured = from_bytes(array, Some(TimeUnit::Ms)).unwrap();
        assert_eq!(measured.rows, [BTreeMap::from([((1, 1), 258.0), ((1, 2), 258.0)])], "{descr}");
    }
}

proptest! {
    #[test]
    fn damaged_tables_are_read_or_refused(at in 0.0..1.0f64, length in 0usize..9, patch in prop::collection::vec(any::<u8>(), 0..9)) {
        let mut array = npy(&[2, 2, 2], &[1, 2, 3, 4, 5, 6, 7, 8]);
        let mut text = br#"{"source": "s", "layers": ["a", "b"], "cycles": [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]}"#.to_vec();
        for bytes in [&mut array, &mut text] {
            let start = (bytes.len() as f64 * at) as usize;
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, patch.iter().copied());
        }
        let check = |result: Result<Measured>| match result {
            Ok(measured) => measured.rows.iter().all(|row| row.keys().all(|&(w, a)| w.max(a) as usize <= MAX_BITS)),
            Err(Error::Input(error)) => !error.place.is_empty(),
            Err(_) => false,
        };
        prop_assert!(check(from_bytes(array, Some(TimeUnit::Cycles))));
        prop_assert!(check(parse_json(&String::from_utf8_lossy(&text), "t.json", None)));
    }
}
