use std::collections::BTreeSet;

use super::*;
use crate::table::fixtures::Uniform;
use crate::table::{RawCandidate, RawLayer, RawTable};

/// Layers with these candidate ids, named `a`, `b`, …
fn table(layers: &[&[&str]], groups: &[&[&str]], pins: &[(&str, &str)]) -> PlanningTable {
    let candidate = |id: &&str| RawCandidate {
        id: id.to_string(),
        weight_bits: None,
        activation_bits: None,
        sensitivity: 0.0,
        stderr: None,
        cost: Default::default(),
    };
    let layer = |(name, ids): (char, &&[&str])| RawLayer {
        name: name.into(),
        parameters: None,
        candidates: ids.iter().map(candidate).collect(),
    };
    let raw = RawTable {
        format: crate::table::TABLE_FORMAT.into(),
        name: String::new(),
        layers: ('a'..='z').zip(layers).map(layer).collect(),
        groups: groups.iter().map(|g| g.iter().map(|n| n.to_string()).collect()).collect(),
        pins: pins.iter().map(|(l, id)| (l.to_string(), id.to_string())).collect(),
    };
    PlanningTable::check(raw, "test").unwrap()
}

fn choices(table: &PlanningTable) -> Vec<(String, Vec<usize>)> {
    uniform_choices(table).collect()
}

#[test]
fn every_free_layer_takes_the_id_and_the_others_what_they_must() {
    let plain = table(&[&["w4", "w8"], &["w8", "w4", "w2"]], &[], &[]);
    assert_eq!(choices(&plain), [("w4".into(), vec![0, 1]), ("w8".into(), vec![1, 0])]);
    assert_eq!(uniform_choice(&plain, "w2"), Err(0));
    // A single candidate and a pin; ids in the order in which the table names them first.
    let mixed = table(&[&["w8"], &["w4", "w8"], &["w4", "w8", "fp"]], &[], &[("c", "fp")]);
    assert_eq!(choices(&mixed), [("w8".into(), vec![0, 1, 2]), ("w4".into(), vec![0, 0, 2])]);
    assert_eq!(uniform_choice(&mixed, "fp"), Err(1));
    // Tied to a pinned layer; tied layers with one id in common.
    let tied = table(&[&["w4", "w8"], &["w8", "w4"], &["w2", "w4"]], &[&["a", "b"]], &[("b", "w8")]);
    assert_eq!(choices(&tied), [("w4".into(), vec![1, 0, 1]), ("w2".into(), vec![1, 0, 0])]);
    let narrow = table(&[&["w4", "w8"], &["w8", "w2"], &["w2", "w4"]], &[&["a", "b"]], &[]);
    assert_eq!(choices(&narrow), [("w4".into(), vec![1, 0, 1]), ("w2".into(), vec![1, 0, 0])]);
}

#[test]
fn without_a_common_id_there_is_none_and_without_a_choice_there_is_one() {
    let none = table(&[&["w4", "w8"], &["w2", "w3"]], &[], &[]);
    assert_eq!(choices(&none), []);
    assert_eq!((uniform_choice(&none, "w4"), uniform_choice(&none, "w3")), (Err(1), Err(0)));
    let fixed = table(&[&["w4"], &["w2", "w8"]], &[], &[("b", "w8")]);
    assert_eq!(choices(&fixed), [("w4".into(), vec![0, 1])]);
    assert_eq!((uniform_choice(&fixed, "w8"), uniform_choice(&fixed, "w2")), (Ok(vec![0, 1]), Err(0)));
}

/// The definition, by enumeration: plans that keep pins and ties and give `id` to every layer that could take another;
/// and whether there is such a layer.
fn enumerated(table: &PlanningTable, id: &str) -> (Vec<Vec<usize>>, bool) {
    let sizes: Vec<usize> = table.layers().iter().map(|l| l.candidates.len()).collect();
    let ids = |plan: &[usize], l: usize| table.layers()[l].candidates[plan[l]].id.clone();
    let mut plans: Vec<Vec<usize>> = vec![vec![]];
    for &size in &sizes {
        plans = plans.iter().flat_map(|p| (0..size).map(move |c| [&p[..], &[c]].concat())).collect();
    }
    plans.retain(|p| table.pins().iter().all(|(&l, &c)| p[l] == c));
    plans.retain(|p| table.groups().iter().all(|g| g.iter().all(|&l| ids(p, l) == ids(p, g[0]))));
    let free: Vec<usize> =
        (0..sizes.len()).filter(|&l| plans.iter().map(|p| p[l]).collect::<BTreeSet<_>>().len() > 1).collect();
    plans.retain(|p| free.iter().all(|&l| ids(p, l) == id) && (0..p.len()).any(|l| ids(p, l) == id));
    (plans, !free.is_empty())
}

#[test]
fn random_tables_have_the_uniform_choices_of_the_definition() {
    let mut u = Uniform(7);
    let all = ["w2", "w4", "w8"];
    let (mut found, mut refused) = (0, 0);
    for _ in 0..2000 {
        let sets: Vec<Vec<&str>> = (0..4)
            .map(|_| {
                let mut ids: Vec<&str> = all.into_iter().filter(|_| u.next() < 0.75).collect();
                let by = (u.next() * ids.len() as f64) as usize;
                ids.rotate_left(by);
                if ids.is_empty() { vec!["w4"] } else { ids }
            })
            .collect();
        let layers: Vec<&[&str]> = sets.iter().map(Vec::as_slice).collect();
        let tied: &[&[&str]] = if u.next() < 0.5 { &[&["b", "d"]] } else { &[] };
        if !tied.is_empty() && !sets[1].iter().any(|id| sets[3].contains(id)) {
            continue;
        }
        let pins: Vec<(&str, &str)> = if u.next() < 0.3 { vec![("a", sets[0][0])] } else { vec![] };
        let table = table(&layers, tied, &pins);
        let mut expected_ids = Vec::new();
        let mut any_free = false;
        for id in all {
            let (plans, free) = enumerated(&table, id);
            any_free |= free;
            assert!(plans.len() <= 1);
            assert_eq!(uniform_choice(&table, id).ok(), plans.first().cloned(), "{sets:?} {tied:?} {pins:?} {id}");
            if plans.is_empty() {
                refused += 1
            } else {
                found += 1
            }
            expected_ids.extend((!plans.is_empty()).then(|| id.to_string()));
        }
        let mut listed: Vec<String> = choices(&table).into_iter().map(|(id, _)| id).collect();
        listed.sort();
        if any_free { assert_eq!(listed, expected_ids) } else { assert_eq!(listed.len(), 1) }
    }
    assert!(found > 500 && refused > 500, "{found} {refused}");
}
