use std::path::Path;

use super::*;
use crate::graph::{Conv2d, GraphBuilder};
use crate::latency::fixtures::scheme;

/// 1 GMAC/s at 8 bits and 2 at 4 bits, 1 MB/s, 1 ms of overhead.
fn hardware(bandwidth: &str) -> Hardware {
    let text = format!(
        "format: bitplan.hardware/1\nname: n\nmacs_per_second: {{w8a8: 1G, w4a4: 2G}}\nmemory_bytes_per_second: {bandwidth}\n\
         overhead_seconds: 1e-3\nefficiency: {{depthwise: 0.25, linear: 0.5}}\n"
    );
    Hardware::parse(&text, Path::new("h.yaml")).unwrap()
}

/// A convolution 3→5 of 3×3 on 8×8, a depthwise one, a dense layer 5→10.
fn network() -> Graph {
    let mut b = GraphBuilder::new("n", [3, 8, 8]).unwrap();
    let c = b.conv("c", b.input(), 5, 3, 1).unwrap();
    let d = b.conv_general("d", c, Conv2d::square(5, 3, 1).grouped(5)).unwrap();
    let p = b.global_average_pool("p", d).unwrap();
    b.linear("fc", p, 10).unwrap();
    b.finish()
}

fn milliseconds(hardware: &Hardware, search: &str) -> Result<Vec<Vec<f64>>> {
    let graph = network();
    Ok(latency(hardware, "h.yaml", &graph, &scheme(&graph, search))?.values)
}

fn assert_close(found: &[Vec<f64>], expected: &[&[f64]]) {
    for (found, expected) in found.iter().flatten().zip(expected.iter().copied().flatten()) {
        assert!((found - expected).abs() <= 1e-12 * expected, "{found} {expected}");
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn with_ample_bandwidth_the_work_decides() {
    // MACs: 135·64 = 8640 at 1 and 2 per ns; 45·64 = 2880 at a quarter of that; 50 at half.
    let found = milliseconds(&hardware("1T"), "{candidates: [w8a8, w4a4]}").unwrap();
    let (conv, depthwise, dense) = (8640e-6, 2880e-6 * 4.0, 50e-6 * 2.0);
    let both = |t: f64| [1.0 + t, 1.0 + t / 2.0];
    assert_close(&found, &[&both(conv), &both(depthwise), &both(dense)]);
}

#[test]
fn with_little_bandwidth_the_bytes_decide() {
    // At 8 bits: weights and scales 135 + 20, 45 + 20, 50 + 40; maps of 192, 320, 320; 5, 10 elements.
    // At 4 bits: 68 + 20, 23 + 20, 25 + 40; 96, 160, 160; 3, 5.
    let found = milliseconds(&hardware("1K"), "{candidates: [w8a8, w4a4]}").unwrap();
    let bytes: [&[f64]; 3] =
        [&[155.0 + 192.0 + 320.0, 88.0 + 96.0 + 160.0], &[65.0 + 640.0, 43.0 + 320.0], &[105.0, 73.0]];
    let expected: Vec<Vec<f64>> = bytes.iter().map(|layer| layer.iter().map(|b| 1.0 + b).collect()).collect();
    assert_close(&found, &expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

#[test]
fn a_pair_that_is_not_listed_runs_at_the_fastest_wider_one() {
    let found = milliseconds(&hardware("1T"), "{candidates: [w8a4, w4a4, w3a3, w2a8]}").unwrap();
    let conv = 8.640e-3;
    assert_close(&found[..1], &[&[1.0 + conv, 1.0 + conv / 2.0, 1.0 + conv / 2.0, 1.0 + conv]]);
    let error = milliseconds(&hardware("1T"), "{candidates: [w8a8], pins: {fc: fp32}}").unwrap_err().to_string();
    let start = "h.yaml: found no rate for fp32, which layer `fc` may take, expected a pair";
    assert!(error.starts_with(start), "{error}");
}

#[test]
fn of_an_embedding_only_the_rows_that_are_looked_up_are_loaded() {
    let mut b = GraphBuilder::new("n", [6]).unwrap();
    b.embedding("wte", b.input(), 50_000, 16).unwrap();
    let graph = b.finish();
    let cost = LayerCost::of(&graph)[0];
    let t = seconds(&hardware("1K"), &graph.nodes()[1].op, &cost, Candidate::new(4, 8).unwrap()).unwrap();
    // 6 tokens of 4 bytes; 96 elements at 4 bits out of the table, at 8 bits into the network.
    assert!((t - (1e-3 + (24.0 + 48.0 + 96.0) / 1e3)).abs() < 1e-12, "{t}");
}

#[test]
fn float_activations_move_sixteen_bits_and_need_a_rate_of_their_own() {
    let error = milliseconds(&hardware("1K"), "{candidates: [w8a8, w4a16]}").unwrap_err().to_string();
    assert!(error.starts_with("h.yaml: found no rate for w4a16, which layer `c` may take"), "{error}");
    let text = "format: bitplan.hardware/1\nname: n\nmacs_per_second: {w8a16: 1G}\nmemory_bytes_per_second: 1K\n";
    let hardware = Hardware::parse(text, Path::new("h.yaml")).unwrap();
    let found = milliseconds(&hardware, "{candidates: [w4a16]}").unwrap();
    // At 4 bits 68 + 20, 23 + 20, 25 + 40 of weights and scales; maps of 192, 320, 320 and 5, 10 elements at 2 bytes.
    let bytes = [88.0 + 384.0 + 640.0, 43.0 + 640.0 + 640.0, 65.0 + 10.0 + 20.0];
    assert_close(&found, &bytes.each_ref().map(std::slice::from_ref));
}
