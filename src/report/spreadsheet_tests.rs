use proptest::prelude::*;

use super::*;
use crate::report::fixture;
use crate::report::golden::assert_golden;

fn read(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let texts = |record: &::csv::StringRecord| record.iter().map(String::from).collect::<Vec<_>>();
    let heading = texts(reader.headers().unwrap());
    (heading, reader.records().map(|record| texts(&record.unwrap())).collect())
}

#[test]
fn tables_are_the_golden_ones() {
    let report = fixture::report();
    assert_golden("layers.csv", &layers_csv(&report).unwrap());
    assert_golden("networks.csv", &networks_csv(&report).unwrap());
    assert_golden("front.csv", &front_csv(&report).unwrap());
    assert_golden("training.csv", &training_csv(&report).unwrap());
    assert_golden("partial_layers.csv", &layers_csv(&fixture::partial()).unwrap());
}

#[test]
fn what_a_run_has_not_reached_has_no_table() {
    let mut report = fixture::partial();
    assert_eq!(front_csv(&report), None);
    report.training.clear();
    report.networks.clear();
    report.layers.clear();
    assert_eq!((layers_csv(&report), networks_csv(&report), training_csv(&report)), (None, None, None));
}

#[test]
fn every_number_is_read_back_exactly() {
    let report = fixture::report();
    let (heading, rows) = read(&layers_csv(&report).unwrap());
    let column = |name: &str| heading.iter().position(|h| h == name).unwrap();
    assert_eq!(rows.len(), report.layers.len() * report.plans.len());
    for (index, row) in rows.iter().enumerate() {
        let choice = &report.plans[index % 2].choices[index / 2];
        assert_eq!(row[column("sensitivity")].parse::<f64>().unwrap(), choice.sensitivity);
        assert_eq!(row[column("cost_bitops")].parse::<f64>().unwrap(), choice.cost["bitops"]);
    }
    for value in [0.0, -0.0, 1.0 / 3.0, 1e-300, f64::MIN_POSITIVE, f64::MAX, -2.5e-7, 5e-324] {
        assert_eq!(number(Some(value)).parse::<f64>().unwrap().to_bits(), value.to_bits());
        assert!(number(Some(value)).len() < 26, "{}", number(Some(value)));
    }
}

#[test]
fn no_name_is_a_formula() {
    let mut report = fixture::hostile();
    report.layers[0].name = "=cmd|' /C calc'!A0".into();
    report.layers[1].name = "\t@SUM(A1)".into();
    report.plans[0].name = "+1".into();
    report.plans[1].name = "-1".into();
    let (_, rows) = read(&layers_csv(&report).unwrap());
    assert_eq!(rows[0][1], "'=cmd|' /C calc'!A0");
    assert_eq!(rows[2][1], "\\t@SUM(A1)", "the tab is written out: the cell begins with a backslash");
    assert_eq!((rows[0][8].as_str(), rows[1][8].as_str()), ("'+1", "'-1"));
}

proptest! {
    #[test]
    fn any_names_keep_the_table_rectangular(names in prop::collection::vec(any::<String>(), 5)) {
        let mut report = fixture::report();
        report.layers.iter_mut().zip(&names).for_each(|(layer, name)| layer.name.clone_from(name));
        report.networks.iter_mut().zip(&names).for_each(|(row, name)| row.name.clone_from(name));
        for text in [layers_csv(&report), networks_csv(&report), front_csv(&report)].into_iter().flatten() {
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
            let (heading, rows) = read(&text);
            prop_assert!(rows.iter().all(|row| row.len() == heading.len()));
            let lines = text.lines().count();
            prop_assert_eq!(lines, rows.len() + 1, "a name broke a line");
            for cell in rows.iter().flatten() {
                prop_assert!(!cell.starts_with(['=', '+', '@']) && (!cell.starts_with('-') || cell.parse::<f64>().is_ok()));
            }
        }
    }
}
