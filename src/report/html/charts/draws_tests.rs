use super::super::reading::{at, close, drawn, ticks};
use super::*;
use crate::report::fixture;
use crate::report::plot::oracle::Read;

#[test]
fn bars_are_shares_of_the_draws_and_ticks_the_intended_ones() {
    let report = fixture::report();
    let elements = drawn(|| draws(&report));
    let axis: Vec<(f64, f64)> = ticks(&elements, true).into_iter().take(5).collect();
    assert_eq!(axis[4].0, 100.0);
    let bars: Vec<&Read> = elements.iter().filter(|e| e.has("cell")).collect();
    let limits: Vec<&Read> = elements.iter().filter(|e| e.has("limit") && e.get("x1") == e.get("x2")).collect();
    let layers = &report.draws.as_ref().unwrap().layers;
    assert_eq!((bars.len(), limits.len()), (3 * layers.len(), 2 * layers.len()));
    for (row, layer) in layers.iter().enumerate() {
        let drawn: u64 = layer.candidates.iter().map(|c| c.drawn).sum();
        let intended: f64 = layer.candidates.iter().map(|c| c.intended).sum();
        let (mut sum, mut meant) = (0, 0.0);
        for (index, count) in layer.candidates.iter().enumerate() {
            let bar = bars[3 * row + index];
            close(bar.number("x"), at(&axis, false, 100.0 * sum as f64 / drawn as f64));
            sum += count.drawn;
            meant += count.intended;
            close(bar.number("x") + bar.number("width"), at(&axis, false, 100.0 * sum as f64 / drawn as f64));
            if index < 2 {
                close(limits[2 * row + index].number("x1"), at(&axis, false, 100.0 * meant / intended));
            }
        }
    }
    assert!((limits[0].number("x1") - bars[1].number("x")).abs() > 0.06, "drawn and intended shares differ");
}

#[test]
fn differences_have_an_axis_of_their_own_and_every_count_is_said() {
    let report = fixture::report();
    let elements = drawn(|| draws(&report));
    let axis: Vec<(f64, f64)> = ticks(&elements, true).into_iter().skip_while(|tick| tick.0 < 100.0).skip(1).collect();
    let dots: Vec<&Read> = elements.iter().filter(|e| e.has("mark") && e.has("s0") && e.has("dot")).collect();
    // Drawn 119 of 380, intended 120.5 of 380.
    close(dots[0].number("cx"), at(&axis, false, 100.0 * (119.0 - 120.5) / 380.0));
    let stops = elements.iter().filter(|e| e.get("tabindex") == "0");
    assert_eq!(stops.count(), 4, "one for each layer");
    let tip = "block1.conv1, w8a8\ndrawn 119 times, intended 120.5\n-0.39 percentage points\np-value of the layer 0.70";
    assert_eq!(elements.iter().filter(|e| e.get("data-tip") == tip).count(), 2, "once as a bar, once as a dot");
}

#[test]
fn doubtful_layers_are_marked_and_counted() {
    let mut report = fixture::report();
    report.draws.as_mut().unwrap().layers[1].p_value = Some(0.004);
    let elements = drawn(|| draws(&report));
    let marked: Vec<&str> = elements.iter().filter(|e| e.has("alert")).map(|e| e.text.as_str()).collect();
    assert_eq!(marked, ["▸ 0.0040"]);
    assert!(elements.iter().any(|e| e.text.starts_with("1 of 3 p-values below 0.05")));
}

#[test]
fn without_draws_there_is_no_chart_and_zero_counts_can_be_drawn() {
    assert!(draws(&fixture::partial()).is_none());
    let mut report = fixture::report();
    let layers = &mut report.draws.as_mut().unwrap().layers;
    for count in &mut layers[0].candidates {
        (count.drawn, count.intended) = (0, 0.0);
    }
    layers[1].candidates[0].drawn = 0;
    layers[2].candidates.iter_mut().for_each(|count| count.intended = 0.0);
    drawn(|| draws(&report));
    report.draws.as_mut().unwrap().layers.truncate(1);
    assert!(draws(&report).is_none(), "nothing was drawn");
    drawn(|| draws(&fixture::hostile()));
}
