use proptest::prelude::*;

use super::*;

const TABLE: &str = "layer,weight_bits,activation_bits,latency_ms
conv1,8,8,0.36
conv1,4,4,0.21
\"fc, last\",8,8,0.25
";

#[test]
fn rows_are_grouped_by_layer_in_any_order_of_columns() {
    let measured = parse(TABLE, "t.csv", None).unwrap();
    assert_eq!(measured.names, Names::Given(vec!["conv1".into(), "fc, last".into()]));
    assert_eq!(measured.rows, [BTreeMap::from([((8, 8), 0.36), ((4, 4), 0.21)]), BTreeMap::from([((8, 8), 0.25)])]);
    let other = "\u{feff}cycles, candidate ,layer\r\n7,w8a8,a\r\n\r\n9,fp32,a\r\n";
    let measured = parse(other, "t.csv", Some(TimeUnit::Cycles)).unwrap();
    assert_eq!(
        (measured.unit, &measured.rows[0]),
        (TimeUnit::Cycles, &BTreeMap::from([((8, 8), 7.0), ((32, 32), 9.0)]))
    );
}

#[test]
fn every_fault_has_its_line() {
    for (from, to, part) in [
        ("latency_ms", "latency", "t.csv: line 1, column 4: found `latency`, expected layer, candidate, weight_bits"),
        ("latency_ms", "latency_mss", "did you mean `latency_ms`?"),
        ("activation_bits", "weight_bits", "t.csv: line 1, column 3: found `weight_bits` a second time"),
        (
            "activation_bits",
            "cycles",
            "t.csv: line 1, column 4: found `latency_ms`, expected one column of measurements",
        ),
        ("activation_bits", "candidate", "t.csv: found columns for other bits, expected `candidate`, or"),
        ("layer,", "candidate,", "t.csv: found no column `layer`"),
        ("latency_ms\n", "candidate\n", "t.csv: found no column of measurements"),
        ("conv1,4,4", "conv1,8,8", "t.csv: line 3: found layer `conv1`, w8a8 a second time"),
        ("conv1,4,4", "conv1,4.5,4", "t.csv: line 3: found `4.5`, expected a whole number from 1 to 64"),
        ("conv1,4,4", "conv1,0,4", "t.csv: line 3: found `0`, expected a whole number"),
        ("0.21", "-0.21", "t.csv: line 3: found `-0.21`, expected a finite number of 0 or more"),
        ("0.21", "inf", "t.csv: line 3: found `inf`"),
        ("0.21", "", "t.csv: line 3: found an empty field"),
        ("0.21", "0,21", "t.csv: line 3: found 5 fields, expected 4, as in the header"),
    ] {
        assert!(TABLE.contains(from), "{from}");
        let message = parse(&TABLE.replacen(from, to, 1), "t.csv", None).unwrap_err().to_string();
        assert!(message.contains(part), "{to}\n{message}\n{part}");
    }
    let message = parse("layer,candidate,cycles\na,w9a9,1\n", "t.csv", None).unwrap_err().to_string();
    assert!(message.starts_with("t.csv: line 2: found `w9a9`, expected from 2 to 8 bits"), "{message}");
    assert!(parse("", "t.csv", None).is_err());
    assert!(parse(TABLE, "t.csv", Some(TimeUnit::Us)).unwrap_err().to_string().contains("as `unit` says"));
}

proptest! {
    #[test]
    fn damaged_rows_are_read_or_refused(at in 0.0..1.0f64, length in 0usize..9, patch in "[\\PC\n\r\",]{0,9}") {
        let mut text: Vec<char> = TABLE.chars().collect();
        let start = (text.len() as f64 * at) as usize;
        let end = (start + length).min(text.len());
        text.splice(start..end, patch.chars());
        match parse(&text.into_iter().collect::<String>(), "t.csv", None) {
            Ok(measured) => {
                let Names::Given(names) = measured.names else { panic!() };
                prop_assert_eq!(names.len(), measured.rows.len());
            }
            Err(Error::Input(error)) => prop_assert!(error.place.starts_with("t.csv")),
            Err(error) => prop_assert!(false, "{}", error),
        }
    }
}
