use super::super::reading::{at, close, drawn, path, ticks};
use super::*;
use crate::report::fixture;
use crate::report::plot::oracle::Read;

#[test]
fn stairs_have_the_height_of_the_bytes_and_the_width_of_the_nodes() {
    let report = fixture::report();
    let elements = drawn(|| memory(&report));
    let y = ticks(&elements, false);
    let panel = elements.iter().position(|e| e.has("axis-title")).unwrap();
    let stairs = |class: &str| {
        path(elements[panel..].iter().find(|e| e.has("line") && e.has(class) && e.get("d").contains('H')).unwrap())
    };
    let (plan, area) = (stairs("s0"), stairs("area"));
    let rows = report.memory.as_ref().unwrap();
    let strips: Vec<&Read> = elements.iter().filter(|e| e.has("hit")).collect();
    assert_eq!(strips.len(), rows.nodes.len());
    for (node, strip) in strips.iter().enumerate() {
        let middle = strip.number("x") + strip.number("width") / 2.0;
        let height = |places: &[(f64, f64)]| places.iter().rfind(|place| place.0 <= middle).unwrap().1;
        close(height(&plan), at(&y, false, rows.profiles[1].bytes[node] as f64 / 1024.0));
        close(height(&area), at(&y, false, rows.profiles[0].bytes[node] as f64 / 1024.0));
    }
    assert_eq!(area.first().unwrap().1, area.last().unwrap().1, "the area is closed along the axis");
}

#[test]
fn the_peak_is_marked_and_said_with_what_exists_then() {
    let report = fixture::report();
    let elements = drawn(|| memory(&report));
    assert!(elements.iter().any(|e| e.has("direct") && e.text == "fp32 192.0 KiB"));
    let notes: String = elements.iter().filter(|e| e.has("note")).map(|e| format!("{} ", e.text)).collect();
    let said =
        "plan: peak 48.0 KiB while block1.conv2 runs; outputs that exist then: stem, block1.conv1, block1.conv2.";
    assert!(notes.contains(said), "{notes}");
}

#[test]
fn every_node_says_all_networks_and_lights_up_its_layer() {
    let report = fixture::report();
    let elements = drawn(|| memory(&report));
    let strip = elements.iter().find(|e| e.has("mark") && e.get("data-tip").starts_with("fc\n")).unwrap();
    assert_eq!(
        (strip.get("data-layer"), strip.get("data-tip")),
        ("4", "fc\nfp32 4.0 KiB\nplan 1.0 KiB\nsmall 0.5 KiB")
    );
    let pool = elements.iter().find(|e| e.has("mark") && e.get("data-tip").starts_with("pool\n")).unwrap();
    assert_eq!(pool.get("data-layer"), "", "no layer is called so");
}

#[test]
fn without_a_profile_there_is_no_chart_and_indices_out_of_range_are_harmless() {
    assert!(memory(&fixture::partial()).is_none());
    let mut report = fixture::report();
    let rows = report.memory.as_mut().unwrap();
    (rows.profiles[0].peak, rows.profiles[0].live) = (99, vec![98]);
    rows.profiles[1].bytes.truncate(2);
    drawn(|| memory(&report));
    report.memory.as_mut().unwrap().nodes.clear();
    assert!(memory(&report).is_none());
    drawn(|| memory(&fixture::hostile()));
}
