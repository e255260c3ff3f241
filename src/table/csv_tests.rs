use proptest::prelude::*;

use crate::table::{PlanningTable, RawTable};

const GOOD: &str = "layer,candidate,sensitivity,stderr,weight_bits,activation_bits,parameters,group,cost.t,cost.m
a,w4,-0.5,0.01,4,8,1000,x,2,1.5
a,w8,0,,8,,1000,x,4,3
b,w8,1e-9,,8,,,x,4,3
c,w8,0.25,,,,20,,4,3
";

/// [`GOOD`] as a document.
const DOCUMENT: &str = r#"{"format": "bitplan.table/1", "layers": [
  {"name": "a", "parameters": 1000, "candidates": [
    {"id": "w4", "weight_bits": 4, "activation_bits": 8, "sensitivity": -0.5, "stderr": 0.01,
     "cost": {"m": 1.5, "t": 2}},
    {"id": "w8", "weight_bits": 8, "sensitivity": 0, "cost": {"m": 3, "t": 4}}]},
  {"name": "b", "candidates": [{"id": "w8", "weight_bits": 8, "sensitivity": 1e-9, "cost": {"m": 3, "t": 4}}]},
  {"name": "c", "parameters": 20, "candidates": [{"id": "w8", "sensitivity": 0.25, "cost": {"m": 3, "t": 4}}]}],
 "groups": [["a", "b"]]}"#;

fn read(text: &str) -> PlanningTable {
    PlanningTable::parse_csv(text, "t.csv").unwrap()
}

#[test]
fn a_csv_file_says_the_same_as_its_document() {
    let document = PlanningTable::parse(DOCUMENT, "t.json").unwrap();
    assert_eq!(read(GOOD), document);
    assert_ne!(read(&GOOD.replace("0.25", "0.26")), document);
}

#[test]
fn the_form_of_the_text_does_not_matter() {
    let lines: Vec<&str> = GOOD.lines().collect();
    let reversed = |line: &str| line.split(',').rev().collect::<Vec<_>>().join(",");
    let quoted = |line: &str| line.split(',').map(|f| format!("\"{f}\"")).collect::<Vec<_>>().join(" , ");
    for text in [
        format!("\u{feff}{GOOD}"),
        GOOD.replace('\n', "\r\n"),
        lines.join("\n"),
        lines.join("\n\n\n") + "\n\n",
        lines.join("\r\n\r\n"),
        lines.iter().map(|l| reversed(l)).collect::<Vec<_>>().join("\n"),
        GOOD.replace(',', ", "),
        lines.iter().map(|l| quoted(l)).collect::<Vec<_>>().join("\n").replace(" , ", ","),
        GOOD.replace(",4,8,1000,", ",4.0,8.0,1e3,"),
        // Stated in one row of the layer, and the rows of a layer apart.
        format!("{}\n{}\n{}\n{}\n{}\n", lines[0], lines[1], lines[3], lines[2].replace("1000,x", ","), lines[4]),
    ] {
        assert_eq!(read(&text), read(GOOD), "{text:?}");
    }
    let name = "a, \"b\"\nc";
    let text = "layer,candidate,sensitivity\n\"a, \"\"b\"\"\nc\",x,1\n";
    assert_eq!(read(text).layers()[0].name, name);
    assert_eq!(read(text).cost_names(), [""; 0]);
}

#[test]
fn every_fault_is_refused_with_its_line_and_its_column() {
    let row = "line 3, column `";
    let cases = [
        ("a,w8,0,", "a,w8,NaN,", "sensitivity` (layer `a`, candidate `w8`): found `NaN`, expected a finite number"),
        ("a,w8,0,", "a,w8,-inf,", "sensitivity` (layer `a`, candidate `w8`): found `-inf`"),
        ("a,w8,0,", "a,w8,1e999,", "sensitivity` (layer `a`, candidate `w8`): found `1e999`"),
        ("a,w8,0,", "a,w8,,", "sensitivity` (layer `a`, candidate `w8`): found an empty field"),
        ("a,w8,0,", "a,w8,\"0,1\",", "hint: write a decimal point"),
        ("a,w8,0,", "a,w8,2e300,", "sensitivity` (layer `a`, candidate `w8`): found 2"),
        ("a,w8,0,,", "a,w8,0,-1,", "stderr` (layer `a`, candidate `w8`): found -1"),
        ("x,4,3\nb", "x,,3\nb", "cost.t` (layer `a`, candidate `w8`): found an empty field, expected a finite number"),
        ("x,4,3\nb", "x,4,-3\nb", "cost.m` (layer `a`, candidate `w8`): found -3"),
        ("8,,1000,x,4", "0,,1000,x,4", "weight_bits` (layer `a`, candidate `w8`): found 0, expected 1 to 64"),
        ("8,,1000,x,4", "4.5,,1000,x,4", "weight_bits` (layer `a`, candidate `w8`): found `4.5`, expected a whole"),
        ("8,,1000,x,4", "8,5e9,1000,x,4", "activation_bits` (layer `a`, candidate `w8`): found `5e9`"),
        ("8,,1000,x,4", "8,,1001,x,4", "parameters` (layer `a`, candidate `w8`): found `1001`, expected 1000, as in"),
        ("8,,1000,x,4", "8,,1e17,x,4", "parameters` (layer `a`, candidate `w8`): found `1e17`"),
        ("8,,1000,x,4", "8,,1000,y,4", "group` (layer `a`, candidate `w8`): found `y`, expected `x`, as in"),
        ("a,w8,0,", "a,w4,0,", "candidate` (layer `a`, candidate `w4`): found `w4`, expected a new"),
        ("a,w8,0,", "a,,0,", "candidate` (layer `a`, candidate ``)"),
        ("a,w8,0,", ",w8,0,", "layer`: found ``"),
    ];
    for (good, bad, message) in cases {
        assert_eq!(GOOD.matches(good).count(), 1, "{good}");
        let text = GOOD.replace(good, bad);
        let message = if message.starts_with("hint") { message.to_string() } else { format!("t.csv: {row}{message}") };
        for text in [&text, &text.replace('\n', "\r\n")] {
            let error = PlanningTable::parse_csv(text, "t.csv").expect_err(text);
            assert_eq!(error.exit_code(), 3);
            assert!(error.to_string().contains(&message), "{bad}: {error}");
        }
        let error = PlanningTable::parse_csv(&text.replace('\n', "\n\n"), "t.csv").unwrap_err().to_string();
        assert!(error.contains(&message.replace("line 3", "line 5")), "with empty lines between, {bad}: {error}");
    }
}

#[test]
fn a_wrong_header_or_row_is_named() {
    let header = "layer,candidate,sensitivity";
    let cases = [
        (String::new(), "t.csv: line 1: found no column `layer`"),
        ("layer,candidate\na,b".into(), "line 1: found no column `sensitivity`"),
        ("layer,candidate,sensitivty\na,b,1".into(), "line 1, column 3: found `sensitivty`"),
        ("layer,candidate,sensitivty\na,b,1".into(), "did you mean `sensitivity`?"),
        ("layer,candidate,sensitivity,latency\na,b,1,2".into(), "hint: a cost is named `cost.<name>`"),
        ("layer,candidate,sensitivity,cost.\na,b,1,2".into(), "column 4: found `cost.`"),
        ("layer,candidate,sensitivity,layer\na,b,1,a".into(), "column 4: found `layer`, expected every column once"),
        ("cost.m,layer,candidate,sensitivity,cost.m\n1,a,b,1,2".into(), "column 5: found `cost.m`, expected every"),
        ("layer;candidate;sensitivity\na;b;1,5".into(), "separated by ';', expected commas"),
        ("layer\tcandidate\tsensitivity\na\tb\t1".into(), "separated by '\\t', expected commas"),
        (header.into(), "t.csv: layers: found 0 layers"),
        (format!("{header}\n\na,b,1\na,c\n"), "line 4: found 2 fields, expected 3, as in the header"),
        (format!("{header}\na,b,1\n\"a,c,1\nd,e,1\n"), "line 3: found 1 fields, expected 3"),
        (DOCUMENT.into(), "name the file `.json`"),
        (
            "layer,candidate,sensitivity,group\na,b,1,g\nc,d,1,g".into(),
            "line 2, column `group` (group `g`): found no cand",
        ),
    ];
    for (text, message) in cases {
        let error = PlanningTable::parse_csv(&text, "t.csv").expect_err(&text).to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn too_many_layers_or_candidates_are_refused_where_they_begin() {
    let rows = |n: usize, row: fn(usize) -> String| -> String {
        "layer,candidate,sensitivity\n".to_string() + &(0..n).map(row).collect::<String>()
    };
    let candidates = |n| PlanningTable::parse_csv(&rows(n, |i| format!("a,c{i},0\n")), "t.csv");
    let layers = |n| PlanningTable::parse_csv(&rows(n, |i| format!("l{i},c,0\n")), "t.csv");
    assert!(candidates(4096).is_ok() && layers(65_536).is_ok());
    assert!(candidates(4097).unwrap_err().to_string().contains("line 4098, column `candidate`"));
    assert!(layers(65_537).unwrap_err().to_string().contains("line 65538, column `layer`"));
}

#[test]
fn a_file_is_read_by_its_extension_and_the_wrong_one_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        PlanningTable::read(&path)
    };
    let table = read(GOOD);
    // A CSV file has no field for its name; it is that of the file.
    let named = |name: &str| PlanningTable { name: name.into(), ..table.clone() };
    assert_eq!(write("t.csv", GOOD).unwrap(), named("t"));
    assert_eq!(write("T.CSV", GOOD).unwrap(), named("T"));
    assert_eq!(write("t", DOCUMENT).unwrap(), table);
    for header in [GOOD, "\"layer\";\"candidate\"\n"] {
        assert!(write("t.txt", header).unwrap_err().to_string().ends_with("hint: name it `.csv`"), "{header}");
    }
    assert!(write("u.csv", DOCUMENT).unwrap_err().to_string().ends_with("hint: name the file `.json`"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
    #[test]
    fn arbitrary_text_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), header in any::<bool>()) {
        let text = String::from_utf8_lossy(&bytes);
        let text = if header { format!("layer,candidate,sensitivity\n{text}") } else { text.into_owned() };
        let _ = PlanningTable::parse_csv(&text, "fuzz");
    }

    #[test]
    fn a_mutated_file_never_panics_and_is_written_as_it_was_read(
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), prop::sample::select(&b",,\n\r\";01589.eE-+ abwxmt"[..])),
            1..5,
        ),
        removed in prop::option::of((any::<prop::sample::Index>(), 1usize..40)),
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte) in &edits {
            let header = GOOD.lines().next().unwrap().len(); // a wrong one is refused before any row
            bytes[header + at.index(GOOD.len() - header)] = *byte;
        }
        if let Some((at, count)) = removed {
            let at = at.index(bytes.len());
            bytes.drain(at..(at + count).min(GOOD.len()));
        }
        if let Ok(table) = PlanningTable::parse_csv(&String::from_utf8_lossy(&bytes), "fuzz") {
            let text = RawTable::from(&table).to_json().unwrap();
            prop_assert_eq!(PlanningTable::parse(&text, "again").unwrap(), table);
        }
    }

    #[test]
    fn a_random_table_survives_being_written_as_rows(
        layers in prop::collection::vec(
            (
                "[a-z\"=, ;%\n]{0,6}[a-z]",
                prop::option::of(0u64..1 << 53),
                prop::collection::vec((any::<i32>(), any::<u8>()), 1..4),
            ),
            1..5,
        ),
    ) {
        // The writer is the crate's own, so quoting is not ours to get wrong.
        let mut out = csv::Writer::from_writer(Vec::new());
        out.write_record(["cost.z", "layer", "parameters", "candidate", "cost.a=1", "sensitivity"]).unwrap();
        let mut expected = Vec::new();
        for (l, (name, parameters, candidates)) in layers.iter().enumerate() {
            let name = format!("{}{l}", name.trim());
            let parameters = parameters.map_or(String::new(), |n| n.to_string());
            for (c, (sensitivity, cost)) in candidates.iter().enumerate() {
                let sensitivity = f64::from(*sensitivity) / 3.0;
                let (z, a) = (f64::from(*cost) / 7.0, f64::from(*cost));
                let numbers = [z, a, sensitivity].map(|number| number.to_string());
                let [z_text, a_text, sensitivity_text] = &numbers;
                out.write_record([z_text, &name, &parameters, &format!("c{c}"), a_text, sensitivity_text]).unwrap();
                expected.push((name.clone(), parameters.clone(), format!("c{c}"), sensitivity, vec![a, z]));
            }
        }
        let table = read(&String::from_utf8(out.into_inner().unwrap()).unwrap());
        let mut found = Vec::new();
        for l in table.layers() {
            let parameters = l.parameters.map_or(String::new(), |n| n.to_string());
            for c in &l.candidates {
                found.push((l.name.clone(), parameters.clone(), c.id.clone(), c.sensitivity, c.cost.clone()));
            }
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(table.cost_names(), ["a=1", "z"]);
    }
}
