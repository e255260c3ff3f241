use proptest::prelude::*;

use super::*;
use crate::table::fixtures::{layer, raw};

const GOOD: &str = r#"{"format": "bitplan.table/1", "name": "n", "layers": [
  {"name": "a", "candidates": [
    {"id": "w4", "weight_bits": 4, "activation_bits": 8, "sensitivity": -0.5, "stderr": 0.01, "cost": {"m": 1.5, "t": 2}},
    {"id": "w8", "sensitivity": 0, "cost": {"m": 3, "t": 4}}]},
  {"name": "b", "candidates": [{"id": "w8", "sensitivity": 1e-9, "cost": {"m": 3, "t": 4}}]}],
 "groups": [["a", "b"]], "pins": {"b": "w8"}}"#;

fn refused(text: &str) -> String {
    let error = PlanningTable::parse(text, "t.json").expect_err(text);
    assert_eq!(error.exit_code(), 3, "{text}");
    error.to_string()
}

#[test]
fn a_table_is_read_and_written_without_loss() {
    let table = PlanningTable::parse(GOOD, "t.json").unwrap();
    assert_eq!(table.cost_names(), ["m", "t"]);
    assert_eq!(table.layers()[0].candidates[0].cost, [1.5, 2.0]);
    assert_eq!((table.groups(), table.pins().get(&1)), (&[vec![0, 1]][..], Some(&0)));
    assert_eq!(table.common_ids(&[0, 1]), ["w8"]);
    let text = RawTable::from(&table).to_json().unwrap();
    assert_eq!(PlanningTable::parse(&text, "again").unwrap(), table);
    assert!(text.ends_with("}\n"));
}

#[test]
fn every_fault_is_refused_with_its_place_and_what_was_found() {
    let cases = [
        ("bitplan.table/1", "bitplan.table/2", "t.json: format: found `bitplan.table/2`"),
        (r#""name": "n""#, r#""nom": "n""#, "line 1, column 35: found unknown field `nom`"),
        (r#""m": 1.5, "t": 2"#, r#""m": 1.5, "m": 2"#, "key `m` a second time"),
        (r#""m": 1.5, "t": 2"#, r#""m": 1.5"#, "layer `a`, candidate `w8`: found costs [\"m\", \"t\"]"),
        (r#""m": 1.5"#, r#""m": -1.5"#, "candidate `w4`, cost `m`: found -1.5"),
        (r#""m": 1.5"#, r#""m": 1e999"#, "number out of range"),
        (r#""stderr": 0.01"#, r#""stderr": -1"#, "stderr: found -1"),
        (r#""weight_bits": 4"#, r#""weight_bits": 0"#, "weight_bits: found 0, expected 1 to 64"),
        (r#""weight_bits": 4"#, r#""weight_bits": 4.5"#, "floating point `4.5`"),
        (r#""id": "w4""#, r#""id": "w8""#, "candidate `w8`: found `w8`, expected a new"),
        (r#""id": "w4""#, r#""id": """#, "candidate ``"),
        (r#""name": "b""#, r#""name": "a""#, "layers[1].name: found `a`"),
        (r#"["a", "b"]"#, r#"["a", "bb"]"#, "did you mean `b`?"),
        (r#"["a", "b"]"#, r#"["a", "a"]"#, "each layer in one group"),
        (r#"["a", "b"]"#, r#"[]"#, "no candidate id that all its layers have"),
        (r#"{"b": "w8"}"#, r#"{"b": "w4"}"#, "did you mean `w8`?"),
        (r#"{"b": "w8"}"#, r#"{"c": "w8"}"#, "pins, `c`"),
        (r#"{"b": "w8"}"#, r#"{"a": "w4"}"#, "one id for the whole of groups[0]"),
        (r#"{"b": "w8"}"#, r#"{"a": "w8", "a": "w8"}"#, "key `a` a second time"),
        (r#""sensitivity": 0,"#, r#""sensitivity": NaN,"#, "line 4"),
        (r#""sensitivity": 0,"#, r#""sensitivity": -2e300,"#, "found -2"),
    ];
    for (good, bad, message) in cases {
        assert_eq!(GOOD.matches(good).count(), 1, "{good}");
        let error = refused(&GOOD.replace(good, bad));
        assert!(error.contains(message), "{bad}: {error}");
    }
    assert!(refused(r#"{"format": "bitplan.table/1", "layers": []}"#).contains("0 layers"));
    assert!(
        refused(r#"{"format": "bitplan.table/1", "layers": [{"name": "a", "candidates": []}]}"#).contains("0 cand")
    );
    refused(&"[".repeat(100_000));
}

#[test]
fn not_a_number_is_refused_wherever_it_stands() {
    for field in 0..3 {
        let mut raw = raw(vec![layer("a", &[(0.0, vec![1.0])])]);
        let candidate = &mut raw.layers[0].candidates[0];
        match field {
            0 => candidate.sensitivity = f64::NAN,
            1 => candidate.stderr = Some(f64::NAN),
            _ => *candidate.cost.get_mut("cost0").unwrap() = f64::NAN,
        }
        assert!(PlanningTable::check(raw, "t").unwrap_err().to_string().contains("found NaN"), "{field}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = PlanningTable::read(Path::new("no/such/table.json")).unwrap_err();
    assert!(error.to_string().starts_with("no/such/table.json: "), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = PlanningTable::parse(&String::from_utf8_lossy(&bytes), "fuzz");
    }

    #[test]
    fn a_mutated_table_never_panics_and_is_written_as_it_was_read(
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(&b"{}[],:\"0159.eE-+ abwmtn"[..])), 1..6),
        removed in prop::option::of((any::<prop::sample::Index>(), 1usize..40)),
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte) in &edits {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if let Some((at, count)) = removed {
            let at = at.index(bytes.len());
            bytes.drain(at..(at + count).min(GOOD.len()));
        }
        if let Ok(table) = PlanningTable::parse(&String::from_utf8_lossy(&bytes), "fuzz") {
            let text = RawTable::from(&table).to_json().unwrap();
            prop_assert_eq!(PlanningTable::parse(&text, "again").unwrap(), table);
        }
    }
}
