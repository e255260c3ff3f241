use super::*;
use crate::table::fixtures::{layer, raw};
use crate::table::{PlanningTable, RawTable};

const TABLE: &str = r#"{"format": "bitplan.table/1", "layers": [
  {"name": "a", "candidates": [{"id": "x", "sensitivity": 0, "cost": {"t": 2, "m": 1}},
                               {"id": "y", "sensitivity": 0, "cost": {"m": 3, "t": 4}}]},
  {"name": "b", "candidates": [{"id": "x", "sensitivity": 0, "cost": {"t": 6, "m": 5}}]}]}"#;

#[test]
fn costs_are_sorted_by_name_however_they_are_stated() {
    let costs: Costs = [("t", 2.0), ("m", 1.0)].into_iter().collect();
    assert_eq!((costs.names(), costs.values()), (&["m".to_string(), "t".into()][..], &[1.0, 2.0][..]));
    assert_eq!((costs.get("t"), costs.get("x")), (Some(2.0), None));
    let raw = RawTable::parse(TABLE, "t").unwrap();
    assert_eq!(raw.layers[0].candidates[0].cost, costs);
    // As a map is written.
    let map = BTreeMap::from([("t", 2.0), ("m", 1.0)]);
    assert_eq!(serde_json::to_string(&costs).unwrap(), serde_json::to_string(&map).unwrap());
}

#[test]
fn candidates_of_a_file_share_the_list_of_names() {
    let raw = RawTable::parse(TABLE, "t").unwrap();
    let list = |l: usize, c: usize| raw.layers[l].candidates[c].cost.shared_names();
    assert!(Arc::ptr_eq(list(0, 0), list(0, 1)) && Arc::ptr_eq(list(0, 0), list(1, 0)));
    let other = RawTable::parse(&TABLE.replace(r#"{"m": 3, "#, r#"{"n": 3, "#), "t").unwrap();
    assert_eq!(other.layers[0].candidates[1].cost.names(), ["n", "t"]);
    assert_eq!(other.layers[1].candidates[0].cost.names(), ["m", "t"]);
    let error = PlanningTable::check(other, "t").unwrap_err().to_string();
    assert!(
        error.starts_with(r#"t: layer `a`, candidate `y`: found costs ["n", "t"], expected ["m", "t"]"#),
        "{error}"
    );
}

#[test]
fn a_cost_that_was_collected_twice_is_refused() {
    let mut table = raw(vec![layer("a", &[(0.0, vec![])])]);
    table.layers[0].candidates[0].cost = [("m", 1.0), ("m", 1.0)].into_iter().collect();
    let error = PlanningTable::check(table, "t").unwrap_err().to_string();
    assert!(error.starts_with("t: layer `a`: found cost `m` twice"), "{error}");
}
