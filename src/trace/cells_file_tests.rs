use proptest::prelude::*;

use super::*;

fn example() -> Cells {
    let names = vec!["stem.conv".into(), "fc".into()];
    let mut cells = Cells::new("0123abcd", "hutchinson", names, vec![0.75, 0.25]).unwrap();
    for (round, block, values) in [(0, 0, [0.1 + 0.2, -0.0]), (1, 1, [f64::MIN_POSITIVE, 1e300]), (0, 1, [3.0, 5e-324])]
    {
        cells.insert(round, block, values.to_vec()).unwrap();
    }
    cells
}

const TEXT: &str = concat!(
    r#"{"format":"bitplan.traces/1","key":"0123abcd","estimator":"hutchinson","quantities":["stem.conv","fc"],"#,
    r#""shares":[0.75,0.25],"cells":[{"round":0,"block":0,"values":[0.30000000000000004,-0.0]},"#,
    r#"{"round":0,"block":1,"values":[3.0,5e-324]},{"round":1,"block":1,"values":[2.2250738585072014e-308,1e+300]}]}"#,
    "\n"
);

#[test]
fn the_document_has_these_bytes_and_comes_back_to_the_last_bit() {
    assert_eq!(example().to_json().unwrap(), TEXT);
    let back = Cells::parse(TEXT, "t.json").unwrap();
    assert_eq!(back, example());
    assert!(back.get(0, 0).unwrap()[1].is_sign_negative());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.json");
    example().write(&path).unwrap();
    assert_eq!(Cells::read(&path).unwrap(), example());
}

#[test]
fn every_fault_is_named_with_its_place() {
    for (from, to, place, found) in [
        ("traces/1", "traces/2", "t.json: format", "bitplan.traces/2"),
        (r#""fc""#, r#""stem.conv""#, "t.json: quantities", "stem.conv"),
        (r#""fc""#, r#""""#, "t.json: quantities", "``"),
        (r#"["stem.conv","fc"]"#, "[]", "t.json: quantities", "0 entries"),
        ("[0.75,0.25]", "[]", "t.json: shares", "0 entries"),
        ("0.25]", "0.3]", "t.json: shares", "the sum 1.05"),
        ("0.75,", "1.25,", "t.json: shares", "1.25"),
        ("0.75,0.25", "1.0,-0.0", "t.json: shares", "-0"),
        (r#""round":1,"#, r#""round":0,"#, "t.json: cells[2]", "round 0, block 1 a second time"),
        (r#""round":1,"#, r#""round":4294967296,"#, "t.json: cells[2].round", "4294967296"),
        (r#""round":1,"#, r#""round":-1,"#, "t.json: line 1", "-1"),
        (r#""block":0,"#, r#""block":2,"#, "t.json: cells[0].block", "2"),
        ("[3.0,5e-324]", "[3.0]", "t.json: cells[1].values", "1 values"),
        ("3.0,", "1e999,", "t.json: line 1", "number out of range"),
        ("3.0,", "null,", "t.json: line 1", "null"),
        (r#""key""#, r#""kex""#, "t.json: line 1", "unknown field `kex`"),
        ("]}]}", "]}]", "t.json: line 2", "EOF"),
    ] {
        assert!(TEXT.contains(from), "{from}");
        match Cells::parse(&TEXT.replacen(from, to, 1), "t.json") {
            Err(Error::Input(e)) => {
                assert!(e.place.starts_with(place) && e.found.contains(found), "{from} → {to}: {e}");
                assert!(!e.expected.is_empty() && !e.remedy.is_empty(), "{e}");
            }
            other => panic!("{from} → {to}: {other:?}"),
        }
    }
    // Numbers that JSON cannot write but memory has.
    assert!(Cells::new("k", "e", vec!["a".into()], vec![f64::NAN]).is_err());
    assert!(Cells::new("k", "e", vec!["a".into(); 2], vec![1.0]).is_err());
    assert!(Cells::new("k", "e", (0..65_537).map(|i| i.to_string()).collect(), vec![1.0]).is_err());
}

const SPLINTERS: [&str; 20] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "null",
    "-",
    "1e999",
    "18446744073709551616",
    "4294967295",
    "0",
    "\u{0}",
    "é",
    "0.75",
    "\"cells\":[],",
    "{\"round\":0,\"block\":0,\"values\":[1,2]},",
    "\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn damaged_documents_are_read_or_refused_at_a_place(
        acts in prop::collection::vec((0.0..1.0f64, 0usize..12, 0usize..SPLINTERS.len() + 1), 1..5),
    ) {
        let mut text = TEXT.to_string();
        for (at, length, splinter) in acts {
            let boundary = |mut at: usize, text: &str| { while !text.is_char_boundary(at) { at -= 1; } at };
            let start = boundary((text.len() as f64 * at) as usize, &text);
            let end = boundary((start + length).min(text.len()), &text).max(start);
            text.replace_range(start..end, SPLINTERS.get(splinter).copied().unwrap_or_default());
        }
        match Cells::parse(&text, "t.json") {
            Ok(cells) => {
                let rounds = cells.begun_rounds();
                prop_assert!(cells.complete_rounds() <= rounds && cells.missing(rounds).first.len() <= 8);
                prop_assert_eq!(Cells::parse(&cells.to_json().unwrap(), "again").unwrap(), cells);
            }
            Err(Error::Input(e)) => {
                prop_assert!(e.place.starts_with("t.json: ") && !e.found.is_empty() && !e.expected.is_empty());
                prop_assert!(e.to_string().len() < 1500, "{}", e);
            }
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
