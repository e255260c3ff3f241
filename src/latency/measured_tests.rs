use super::*;
use crate::latency::fixtures::{bound, chain, scheme, space};
use crate::latency::rows;
use crate::space::LatencySpec;

const SEARCH: &str = "{candidates: [w8a8, w4a4], pins: {fc: w8a8}}";

fn table(names: Names, rows: &[&[((u32, u32), f64)]]) -> Measured {
    let rows = rows.iter().map(|row| row.iter().copied().collect()).collect();
    Measured { place: "t.csv".into(), names, unit: TimeUnit::Us, rows }
}

fn given(names: &[&str]) -> Names {
    Names::Given(names.iter().map(|name| name.to_string()).collect())
}

#[test]
fn rows_find_their_layers_by_name_or_by_order_and_become_milliseconds() {
    let scheme = scheme(&chain(&["a", "b", "fc"]), SEARCH);
    let (a, b, fc) = ([((8, 8), 40.0), ((4, 4), 20.0)], [((8, 8), 70.0), ((4, 4), 50.0)], [((8, 8), 9.0)]);
    let expected = [vec![0.04, 0.02], vec![0.07, 0.05], vec![0.009]];
    let by_name = table(given(&["fc", "b", "a"]), &[&fc, &b, &a]);
    let latency = bound(&by_name, &scheme, "[]").unwrap();
    assert_eq!(latency.cost, BudgetName::LatencyMs);
    for (found, expected) in latency.values.iter().flatten().zip(expected.iter().flatten()) {
        assert!((found - expected).abs() < 1e-15, "{found} {expected}");
    }
    let by_order = table(Names::Order, &[&a, &b, &fc]);
    assert_eq!(bound(&by_order, &scheme, "[]").unwrap(), latency);
    let cycles = Measured { unit: TimeUnit::Cycles, ..by_order };
    let latency = bound(&cycles, &scheme, "[]").unwrap();
    assert_eq!((latency.cost, &latency.values[1]), (BudgetName::Cycles, &vec![70.0, 50.0]));
    // What is not measured counts as 0, and has no row.
    let inner = Measured { rows: cycles.rows[1..2].to_vec(), ..cycles };
    assert_eq!(bound(&inner, &scheme, "[a, fc]").unwrap().values, [vec![0.0, 0.0], vec![70.0, 50.0], vec![0.0]]);
}

#[test]
fn what_is_missing_or_too_much_is_named() {
    let scheme = scheme(&chain(&["a", "b", "fc"]), SEARCH);
    let row: &[((u32, u32), f64)] = &[((8, 8), 1.0), ((4, 4), 1.0)];
    let short: &[((u32, u32), f64)] = &[((8, 8), 1.0), ((6, 6), 1.0)];
    let negative: &[((u32, u32), f64)] = &[((8, 8), 1.0), ((4, 4), -1.0)];
    for (names, rows, unmeasured, message) in [
        (
            Names::Order,
            vec![row; 2],
            "[]",
            "t.csv: found 2 layers without names, expected one for each of the 3 layers that are measured",
        ),
        (Names::Order, vec![row; 3], "[a]", "expected one for each of the 2 layers"),
        (
            given(&["a", "b", "fcc"]),
            vec![row; 3],
            "[]",
            "t.csv: found layer `fcc`, expected a layer of the network\n  hint: did you mean `fc`?",
        ),
        (given(&["a", "b"]), vec![row; 2], "[]", "t.csv: found no layer `fc`, expected every layer that is planned"),
        (given(&["a", "b", "a"]), vec![row; 3], "[fc]", "t.csv: found layer `a` a second time"),
        (
            given(&["a", "b"]),
            vec![row, short],
            "[fc]",
            "t.csv: found nothing for layer `b`, candidate w4a4, expected a number for every candidate of every layer\n  \
             hint: measure it; the table has w6a6, w8a8 and no more",
        ),
        (given(&["a", "b"]), vec![row, negative], "[fc]", "t.csv: found -1 for layer `b`, candidate w4a4, expected a"),
        (
            given(&["a", "b"]),
            vec![row; 2],
            "[gc]",
            "s.yaml:6:45: found `gc`, expected the name of a layer\n  hint: did you mean `fc`?",
        ),
    ] {
        let text = bound(&table(names, &rows), &scheme, unmeasured).unwrap_err().to_string();
        assert!(text.contains(message), "{text}\n{message}");
    }
}

#[test]
fn a_unit_is_said_once() {
    assert_eq!(unit_of("f", Some(TimeUnit::Ms), Some(TimeUnit::Ms)).unwrap(), TimeUnit::Ms);
    assert_eq!(unit_of("f", None, Some(TimeUnit::S)).unwrap(), TimeUnit::S);
    let text = unit_of("f", Some(TimeUnit::Ms), Some(TimeUnit::Us)).unwrap_err().to_string();
    assert!(text.starts_with("f: found `latency_ms`, expected `latency_us`, as `unit` says"), "{text}");
    assert!(unit_of("f", None, None).unwrap_err().to_string().starts_with("f: found numbers without a unit"));
}

#[test]
fn the_form_decides_the_reader_and_a_file_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let text = "layer,candidate,latency_us\na,w8a8,3\n";
    std::fs::write(&path, text).unwrap();
    let read = Measured::read(&path, TableForm::Csv, None).unwrap();
    assert_eq!(read, rows::parse(text, &path.display().to_string(), None).unwrap());
    assert!(
        Measured::read(&path, TableForm::Haq, None).is_err() && Measured::read(&path, TableForm::Hawq, None).is_err()
    );
    assert!(Measured::read(&folder.path().join("no.npy"), TableForm::Haq, None).is_err());
    assert!(Measured::read(&folder.path().join("no.csv"), TableForm::Csv, None).is_err());
}

#[test]
fn the_section_of_the_search_space_names_one_source() {
    let section = |text: &str| space("{candidates: [w8a8]}", &format!("latency: {text}")).map(|space| space.latency);
    assert_eq!(section("{hardware: h.yaml}").unwrap(), Some(LatencySpec::Hardware("h.yaml".into())));
    let table = section("{table: t.npy, form: haq, unit: cycles, unmeasured: [a]}").unwrap();
    let Some(LatencySpec::Table { file, form, unit, unmeasured }) = table else { panic!() };
    assert_eq!((file.to_str(), form, unit), (Some("t.npy"), TableForm::Haq, Some(TimeUnit::Cycles)));
    assert_eq!(unmeasured[0].value, "a");
    for (text, start) in [
        ("{}", "s.yaml:6:10: found neither a model nor a table"),
        ("{hardware: h, table: t, form: csv}", "s.yaml:6:10: found neither a model nor a table, or both"),
        ("{table: t}", "s.yaml:6:10: found a table without `form`"),
        ("{hardware: h, unit: ms}", "s.yaml:6:10: found keys of a table beside `hardware`"),
        ("{table: t, form: xls}", "s.yaml:6:27: found `xls`, expected haq, hawq or csv"),
        ("{table: t, form: csv, unit: min}", "s.yaml:6:38: found `min`, expected cycles, s, ms or us"),
        ("{table: '', form: csv}", "s.yaml:6:18: found ``, expected the path of a file"),
        ("{tabel: t}", "s.yaml:6:11: found the unknown key `tabel`"),
    ] {
        let error = section(text).unwrap_err().to_string();
        assert!(error.starts_with(start), "{text}\n{error}");
    }
}

#[test]
fn a_limit_of_a_latency_needs_a_section() {
    let plans = "plans: [{name: a, budgets: {latency_ms: 3.2}}]";
    let without = space("{candidates: [w8a8]}", plans).unwrap_err().to_string();
    assert!(without.starts_with("s.yaml:6:41: found a limit of latency_ms, expected a section `latency`"), "{without}");
    assert!(space("{candidates: [w8a8]}", &format!("latency: {{hardware: h}}\n{plans}")).is_ok());
}
