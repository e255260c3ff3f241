//! Latencies from a model or a table, up to the plan.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

use std::path::Path;

use bitplan::graph::GraphBuilder;
use bitplan::latency::{Latency, hawq};
use bitplan::plan::{Provenance, Search, Status, optimize};
use bitplan::run::{Outline, planning_table, resolve_budget};
use bitplan::scheme::Scheme;
use bitplan::space::{BudgetName, Space, TimeUnit};
use bitplan::table::{Budget, PlanningTable, RawTable};
use serde_json::{Value, json};

const GOLDEN: &str = include_str!("golden/hawqv3_resnet18.json");

fn space(search: &str, sections: &str, folder: &Path) -> Space {
    let text = format!(
        "format: bitplan.space/1\nname: n\nmodel: {{zoo: resnet8, input: [1, 28, 28], classes: 10}}\n\
         data: {{train: {{npy: {{images: a, labels: b}}}}, test: {{npy: {{images: a, labels: b}}}}}}\n\
         search: {search}\n{sections}"
    );
    Space::parse(&text, &folder.join("s.yaml")).unwrap()
}

#[test]
fn published_latencies_read_from_their_lists_give_the_published_optima() {
    let golden: Value = serde_json::from_str(GOLDEN).unwrap();
    let layers = golden["table"]["layers"].as_array().unwrap();
    let names: Vec<&str> = layers.iter().map(|layer| layer["name"].as_str().unwrap()).collect();
    let list = |candidate: usize| -> Vec<f64> {
        layers.iter().map(|layer| layer["candidates"][candidate]["cost"]["latency_ms"].as_f64().unwrap()).collect()
    };
    // By name in another order, and by the order of the network.
    let reversed = |mut list: Vec<f64>| {
        list.reverse();
        list
    };
    let by_order = json!({"latency_int4": list(0), "latency_int8": list(1)});
    let backwards: Vec<&str> = names.iter().rev().copied().collect();
    let by_name = json!({"layers": backwards, "latency_int4": reversed(list(0)), "latency_int8": reversed(list(1))});
    let mut b = GraphBuilder::new("chain", [2]).unwrap();
    let mut x = b.input();
    for name in &names {
        x = b.linear(name, x, 2).unwrap();
    }
    let graph = b.finish();
    let space = space("{candidates: [w8a8, w4a4]}", "", Path::new(""));
    let scheme = Scheme::new(&space.search, &space.quantizer, &graph).unwrap();
    for lists in [by_order, by_name] {
        let measured = hawq::parse(&lists.to_string(), "lists", Some(TimeUnit::Ms)).unwrap();
        let Latency { cost, values } = measured.bind(&scheme, &[]).unwrap();
        assert_eq!(cost, BudgetName::LatencyMs);
        let mut raw = RawTable::parse(&golden["table"].to_string(), "golden").unwrap();
        for (layer, values) in raw.layers.iter_mut().zip(values) {
            for candidate in &mut layer.candidates {
                // The scheme has the widest first.
                let value = values[usize::from(candidate.id == "w4a4")];
                *candidate.cost.get_mut("latency_ms").unwrap() = value;
            }
        }
        let table = PlanningTable::parse(&raw.to_json().unwrap(), "with latencies").unwrap();
        let mut solved = 0;
        for case in golden["cases"].as_array().unwrap() {
            let Some(limit) = case["budget"]["latency_ms"].as_f64() else { continue };
            let budgets = [Budget::new("latency_ms", limit)];
            let (plan, _) = optimize(&table, &budgets, Search::default(), Provenance::default()).unwrap();
            let expected = case["objective"].as_f64().unwrap();
            assert_eq!(plan.status, Status::Optimal);
            assert!((plan.objective - expected).abs() <= 1e-9 * expected, "{case}: {}", plan.objective);
            solved += 1;
        }
        assert_eq!(solved, 3);
    }
}

#[test]
fn a_hardware_model_becomes_a_cost_that_a_budget_can_limit() {
    let hardware = concat!(env!("CARGO_MANIFEST_DIR"), "/hardware/example_edge_npu.yaml");
    let sections = format!(
        "latency: {{hardware: {hardware}}}\nplans: [{{name: a, budgets: {{latency_ms: 90%}}}}, {{name: b, budgets: \
         {{latency_ms: 0.25}}}}, {{name: c, budgets: {{latency_ms: w4a4}}}}]"
    );
    let outline = Outline::new(space("{candidates: [w8a8, w4a4]}", &sections, Path::new(""))).unwrap();
    let table = planning_table(&outline, None).unwrap();
    let at = table.cost_names().iter().position(|name| name == "latency_ms").unwrap();
    let sum = |c: usize| -> f64 { table.layers().iter().map(|layer| layer.candidates[c].cost[at]).sum() };
    assert!(sum(1) < sum(0), "fewer bits are faster: {} {}", sum(1), sum(0));
    let limits: Vec<f64> = outline.budgets().unwrap().iter().map(|(_, budgets)| budgets[0].limit).collect();
    for (found, expected) in limits.iter().zip([0.9 * sum(0), 0.25, sum(1)]) {
        assert!((found - expected).abs() <= 1e-12, "{found} {expected}");
    }
    let (_, smallest, largest) = outline.ranges().unwrap().into_iter().find(|(name, ..)| name == "latency_ms").unwrap();
    assert!((smallest - sum(1)).abs() < 1e-12 && (largest - sum(0)).abs() < 1e-12);
    let cycles = resolve_budget(&outline, &"cycles=5".parse().unwrap()).unwrap_err();
    assert!(cycles.expected.contains("latency_ms, the unit"), "{cycles}");
}

#[test]
fn a_measured_table_is_found_beside_the_search_space_and_must_be_whole() {
    let folder = tempfile::tempdir().unwrap();
    let sections = "latency: {table: t.csv, form: csv, unmeasured: [fc]}\nplans: [{name: a, budgets: {cycles: 50%}}]";
    let outline = || Outline::new(space("{candidates: [w8a8, w4a4]}", sections, folder.path()));
    assert!(outline().unwrap_err().to_string().contains("t.csv"));
    let plain = Outline::new(space("{candidates: [w8a8, w4a4]}", "", folder.path())).unwrap();
    let mut csv = "layer,candidate,cycles\n".to_string();
    for layer in plain.scheme().layers.iter().filter(|layer| layer.name != "fc") {
        csv += &format!("{0},w8a8,100\n{0},w4a4,30\n", layer.name);
    }
    let write = |text: &str| std::fs::write(folder.path().join("t.csv"), text).unwrap();
    write(&csv);
    let measured = (plain.scheme().layers.len() - 1) as f64;
    assert_eq!(outline().unwrap().budgets().unwrap()[0].1, [Budget::new("cycles", 50.0 * measured)]);
    write(csv.trim_end().rsplit_once('\n').unwrap().0);
    let error = outline().unwrap_err().to_string();
    assert!(error.contains("t.csv: found nothing for layer") && error.contains("candidate w4a4"), "{error}");
}

#[test]
fn without_the_section_there_is_no_such_cost() {
    let outline = Outline::new(space("{candidates: [w8a8, w4a4]}", "", Path::new(""))).unwrap();
    assert_eq!(outline.latency, None);
    let table = planning_table(&outline, None).unwrap();
    assert_eq!(table.cost_names().len(), 5);
    let request = "latency_ms=3".parse().unwrap();
    assert!(resolve_budget(&outline, &request).unwrap_err().expected.contains("a section `latency`"));
}
