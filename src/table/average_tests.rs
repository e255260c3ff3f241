use super::*;
use crate::table::RawTable;

const TABLE: &str = "layer,candidate,sensitivity,weight_bits,parameters,cost.b,cost.m
a,w4,1,4,100,1,2
a,w8,0,8,100,3,4
b,w4,1,4,300,5,6
b,w2,2,2,300,7,8
c,w8,0,8,0,9,10
";

fn table() -> PlanningTable {
    PlanningTable::parse_csv(TABLE, "t.csv").unwrap()
}

fn column(table: &PlanningTable, name: &str) -> Vec<f64> {
    let k = table.cost_names().iter().position(|n| n == name).unwrap();
    table.layers().iter().flat_map(|l| l.candidates.iter().map(move |c| c.cost[k])).collect()
}

#[test]
fn an_average_becomes_a_cost_in_its_sorted_place() {
    let by_weight = table().with_cost(AVG_WEIGHT_BITS).unwrap();
    assert_eq!(by_weight.cost_names(), ["avg_weight_bits", "b", "m"]);
    assert_eq!(column(&by_weight, AVG_WEIGHT_BITS), [1.0, 2.0, 3.0, 1.5, 0.0]);
    let both = by_weight.clone().with_cost(LAYER_AVG_WEIGHT_BITS).unwrap();
    assert_eq!(both.cost_names(), ["avg_weight_bits", "b", "layer_avg_weight_bits", "m"]);
    let third = |bits: f64| bits / 3.0;
    assert_eq!(column(&both, LAYER_AVG_WEIGHT_BITS), [4.0, 8.0, 4.0, 2.0, 8.0].map(third));
    assert_eq!((column(&both, "b"), column(&both, "m")), (column(&table(), "b"), column(&table(), "m")));
    // It is a table like any other: written, read and checked.
    let text = RawTable::from(&both).to_json().unwrap();
    assert_eq!(PlanningTable::parse(&text, "again").unwrap(), both);
    assert_eq!(both.clone().with_cost(AVG_WEIGHT_BITS).unwrap(), both);
}

#[test]
fn a_cost_that_the_table_states_is_its_own() {
    let own = PlanningTable::parse_csv(&TABLE.replace("cost.b", "cost.avg_weight_bits"), "t.csv").unwrap();
    assert_eq!(own.clone().with_cost(AVG_WEIGHT_BITS).unwrap(), own);
    assert_eq!(table().with_cost("m").unwrap(), table());
}

#[test]
fn the_first_layer_that_lacks_what_an_average_needs_is_named() {
    let error = |text: &str, name: &str| {
        let error = PlanningTable::parse_csv(text, "t.csv").unwrap().with_cost(name).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    let unknown_weights = TABLE.replace(",300,", ",,");
    assert!(error(&unknown_weights, AVG_WEIGHT_BITS).contains("layer `b` without parameters"));
    assert!(PlanningTable::parse_csv(&unknown_weights, "t").unwrap().with_cost(LAYER_AVG_WEIGHT_BITS).is_ok());
    let unknown_bits = TABLE.replace("w8,0,8,0,", "w8,0,,0,");
    for name in DERIVED {
        assert!(error(&unknown_bits, name).contains("layer `c` without weight_bits"));
    }
    assert!(
        error(&TABLE.replace("00,", "0,").replace(",10,", ",0,").replace(",30,", ",0,"), AVG_WEIGHT_BITS)
            .contains("without weights")
    );
    assert!(error(TABLE, "avg_bits").contains("found no such cost"));
    assert!(error(TABLE, "avg_weight_bit").contains("did you mean `avg_weight_bits`?"));
}
