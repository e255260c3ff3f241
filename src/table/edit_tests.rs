use super::*;
use crate::table::RawTable;
use crate::table::fixtures::{layer, raw};

/// Layers `a`, `b`, `c`, `d` with two, three, three and two candidates; `b` and `c` tied, `c` pinned.
fn document() -> RawTable {
    let sizes = [("a", 2), ("b", 3), ("c", 3), ("d", 2)];
    let mut raw = raw(sizes.iter().map(|&(name, n)| layer(name, &vec![(1.0, vec![1.0]); n])).collect());
    raw.groups.push(vec!["b".into(), "c".into()]);
    raw.pins.insert("c".into(), "c1".into());
    raw
}

fn checked(raw: RawTable) -> PlanningTable {
    PlanningTable::check(raw, "test").unwrap()
}

#[test]
fn an_edited_table_is_the_one_that_the_edited_document_gives() {
    let table = checked(document());
    let mut pinned = document();
    pinned.pins.insert("a".into(), "c1".into());
    assert_eq!(table.clone().with_pin("a", "c1").unwrap(), checked(pinned));
    let mut moved = document();
    moved.pins.insert("c".into(), "c2".into());
    assert_eq!(table.clone().with_pin("c", "c2").unwrap(), checked(moved), "an earlier pin of the layer is replaced");
    let mut both = document();
    both.pins.insert("b".into(), "c1".into());
    assert_eq!(table.clone().with_pin("b", "c1").unwrap(), checked(both));
    let mut free = document();
    free.pins.clear();
    assert_eq!(table.without_pin(2), checked(free));
    let mut apart = document();
    apart.groups.clear();
    assert_eq!(table.without_group(0), checked(apart));
    assert_eq!((table.without_pin(0), table.without_group(7)), (table.clone(), table));
}

#[test]
fn pins_that_no_plan_could_keep_are_refused_with_a_hint() {
    let mut uneven = document();
    uneven.groups[0].push("d".into());
    for (raw, layer, id, words) in [
        (document(), "A", "c1", "did you mean `a`?"),
        (document(), "zzz", "c1", "use a name from the table"),
        (document(), "a", "c11", "did you mean `c1`?"),
        (document(), "a", "c2", "expected one of [\"c0\", \"c1\"]"),
        (document(), "b", "c0", "tied layer `c` pinned to another candidate"),
        (uneven, "b", "c2", "an id that a tied layer lacks"),
    ] {
        let error = checked(raw).with_pin(layer, id).unwrap_err();
        assert!(error.to_string().contains(words) && error.exit_code() == 2, "{error}");
        assert!(error.to_string().starts_with(&format!("pin `{layer}={id}`: found")), "{error}");
    }
}

#[test]
fn replaced_sensitivities_stay_within_what_a_table_may_have() {
    let mut table = checked(document());
    table.set_sensitivities(|l, c, _| if (l, c) == (0, 0) { f64::INFINITY } else { 10.0 * l as f64 + c as f64 });
    assert_eq!(table.layers()[0].candidates[0].sensitivity, MAX_VALUE);
    assert_eq!(table.layers()[2].candidates[1].sensitivity, 21.0);
    assert_eq!(checked(RawTable::from(&table)), table);
}
