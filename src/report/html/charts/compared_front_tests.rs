use super::super::reading::{at, close, drawn, path, ticks};
use super::*;
use crate::report::plot::oracle::Read;
use crate::report::{Report, fixture};

fn runs(objective: &str) -> (Report, Report) {
    let (first, mut second) = (fixture::report(), fixture::report());
    (second.name, second.objective) = ("other".into(), Some(objective.into()));
    for point in &mut second.fronts[0].points {
        point.objective *= 1.7;
    }
    (first, second)
}

fn marks<'a>(elements: &'a [Read], run: &str) -> Vec<&'a Read> {
    elements.iter().filter(|e| e.has("mark") && e.get("data-tip").starts_with(run)).collect()
}

#[test]
fn fronts_of_one_objective_share_their_axes() {
    let (first, second) = runs("hessian");
    let comparison = Comparison::new(vec![first, second]);
    let elements = drawn(|| compared_front(&comparison, 0));
    assert_eq!(elements.iter().filter(|e| e.has("axis-title") && e.text.starts_with("Objective")).count(), 1);
    let (x, y) = (ticks(&elements, true), ticks(&elements, false));
    for (run, curve) in comparison.fronts[0].runs.iter().enumerate() {
        let curve = curve.as_ref().unwrap();
        let stairs = elements.iter().rfind(|e| e.has("line") && e.has(&format!("s{run}")) && e.get("d").contains('H'));
        let places = path(stairs.unwrap());
        for (index, (cost, objective)) in curve.points.iter().enumerate() {
            close(places[2 * index].0, at(&x, false, cost / 1e6));
            close(places[2 * index].1, at(&y, true, *objective));
        }
    }
    assert_eq!(marks(&elements, "small\n").len(), 6);
    assert_eq!(marks(&elements, "other").len(), 6 + 2, "points and plans");
    let plans = marks(&elements, "small, plan ");
    assert!(plans.len() == 2 && plans.iter().all(|mark| mark.has("open")));
}

#[test]
fn other_objectives_have_panels_of_their_own_and_it_is_said_why() {
    let (first, second) = runs("measured");
    let comparison = Comparison::new(vec![first, second]);
    let elements = drawn(|| compared_front(&comparison, 0));
    let titles: Vec<&str> = elements
        .iter()
        .filter(|e| e.has("axis-title") && e.text.starts_with("Objective"))
        .map(|e| e.text.as_str())
        .collect();
    assert_eq!(titles, ["Objective (hessian), logarithmic", "Objective (measured), logarithmic"]);
    let notes: String = elements.iter().filter(|e| e.has("note")).map(|e| e.text.clone()).collect();
    assert!(notes.contains("different units"), "{notes}");
    let places =
        |run: &str| marks(&elements, run).iter().filter_map(|e| e.get("cy").parse::<f64>().ok()).collect::<Vec<_>>();
    assert!(places("small\n").iter().all(|y| *y < 300.0));
}

#[test]
fn a_run_without_the_front_is_left_out_and_without_fronts_there_is_no_chart() {
    let comparison = Comparison::new(vec![fixture::partial(), fixture::hostile()]);
    drawn(|| compared_front(&comparison, 0));
    assert!(compared_front(&comparison, 1).is_none());
    assert!(compared_front(&Comparison::new(vec![fixture::partial(), fixture::partial()]), 0).is_none());
}
