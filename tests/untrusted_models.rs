//! ONNX files written by an adversary: the reader refuses them without a panic and without memory that the file does
//! not pay for. One test only, because the allocator counts for the whole process.

#![allow(clippy::unwrap_used)] // the helpers of a test are test code too

#[path = "support/watching.rs"]
mod watching;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use bitplan::numeric::rng::Stream;
use bitplan::onnx::lower::lower;
use bitplan::onnx::{LoadOptions, OnnxGraph, Tensor, fold};
use watching::LARGEST;

/// Small valid models: a network, all element types, external data, constant expressions.
const MODELS: [&[u8]; 6] = [
    include_bytes!("data/onnx/network.onnx"),
    include_bytes!("data/onnx/element_types.onnx"),
    include_bytes!("data/onnx/external.onnx"),
    include_bytes!("data/onnx/fold_7.onnx"),
    include_bytes!("data/onnx/fold_11.onnx"),
    include_bytes!("data/onnx/fold_18.onnx"),
];

/// Files of each model.
const ROUNDS: u64 = 4000;

/// Files of each small network, which are lowered to graphs where they are still models.
const NETWORK_ROUNDS: u64 = 25;

/// Memory at once for each byte of a file: an empty message has two bytes there and up to 400 here, and a list of them
/// that grows has twice its length.
const PER_BYTE: usize = 400;

/// Buffers that do not depend on the file, as those of messages.
const FIXED: usize = 1 << 12;

/// Reads a file, checks the promise about memory, and gives the graph if it is one.
fn read(bytes: &[u8], folder: &std::path::Path, what: &str) -> Option<OnnxGraph> {
    let owned = bytes.to_vec();
    LARGEST.store(0, Ordering::Relaxed);
    let graph = OnnxGraph::from_bytes(owned, "model.onnx", Some(folder));
    let (largest, allowed) = (LARGEST.load(Ordering::Relaxed), PER_BYTE * bytes.len() + FIXED);
    assert!(largest <= allowed, "{what}: {largest} bytes at once for a file of {}", bytes.len());
    graph.ok()
}

/// Folds whatever can be folded, results into the constants; they may be large, but not above the limit.
fn fold_all(graph: OnnxGraph, what: &str) {
    let mut constants: BTreeMap<String, Tensor> = graph.initializers;
    LARGEST.store(0, Ordering::Relaxed);
    for node in &graph.nodes {
        let inputs: Vec<Option<&Tensor>> = node.inputs.iter().map(|name| constants.get(name)).collect();
        let complete = inputs.iter().zip(&node.inputs).all(|(tensor, name)| tensor.is_some() || name.is_empty());
        if let Some(results) = complete.then(|| fold::fold(node, graph.opset, &inputs)).and_then(Result::ok).flatten() {
            constants.extend(node.outputs.iter().cloned().zip(results));
        }
    }
    // Elements of 8 bytes, in a vector that may have grown.
    let largest = LARGEST.load(Ordering::Relaxed);
    assert!(largest <= 16 * fold::MAX_ELEMENTS, "{what}: {largest} bytes at once");
}

#[test]
fn no_changed_model_makes_the_reader_panic_or_reserve_more_than_the_file_pays_for() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("external.bin"), include_bytes!("data/onnx/external.bin")).unwrap();
    let mut graphs = 0;
    for (case, original) in MODELS.into_iter().enumerate() {
        assert!(read(original, folder.path(), "original").is_some());
        for round in 0..ROUNDS {
            let mut random = Stream::new(7, "untrusted models", &[case as u64, round]);
            let mut bytes = original.to_vec();
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len() as u64) as usize;
                match random.below(6) {
                    0 => bytes[at] = 0xff,
                    1 => bytes[at] = random.u32() as u8,
                    2 => bytes[at] = bytes[at].wrapping_add(1),
                    3 => bytes[at] ^= 1 << random.below(8),
                    4 if round % 8 == 0 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, random.u32() as u8),
                }
            }
            let what = format!("case {case}, round {round}");
            if let Some(graph) = read(&bytes, folder.path(), &what) {
                graphs += 1;
                fold_all(graph, &what);
            }
        }
    }
    assert!(graphs > 1000, "only {graphs} changed models are still models: the test does not reach the graph");

    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/onnx/cases");
    let (mut lowered, mut refused) = (0, 0);
    for (case, entry) in std::fs::read_dir(&cases).unwrap().enumerate() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|kind| kind != "onnx") {
            continue;
        }
        let original = std::fs::read(&path).unwrap();
        for round in 0..NETWORK_ROUNDS {
            let mut random = Stream::new(7, "untrusted networks", &[case as u64, round]);
            let mut bytes = original.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len() as u64) as usize;
                bytes[at] = if random.below(2) == 0 { random.u32() as u8 } else { bytes[at] ^ (1 << random.below(8)) };
            }
            if let Some(graph) = read(&bytes, &cases, &path.display().to_string()) {
                match lower(&graph, &LoadOptions::default()) {
                    Ok(_) => lowered += 1,
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(lowered > 1000 && refused > 100, "{lowered} networks and {refused} refused: the test does not reach both");

    for round in 0..ROUNDS {
        let mut random = Stream::new(7, "random bytes", &[round]);
        let bytes: Vec<u8> = (0..random.below(200)).map(|_| random.u32() as u8).collect();
        let _ = read(&bytes, folder.path(), "random bytes");
    }

    // A graph of empty messages of each kind, two bytes each.
    for field in 1..=15u8 {
        for inner in 1..=15u8 {
            let empty = [inner << 3 | 2, 0].repeat(1 << 12);
            let length = |n: usize| vec![(n & 127 | 128) as u8, (n >> 7) as u8];
            let list = [&[field << 3 | 2][..], &length(empty.len()), &empty].concat();
            let graph = [&[0x3a][..], &length(list.len()), &list].concat();
            let _ = read(&graph, folder.path(), &format!("empty messages {inner} in {field}"));
        }
    }

    // Graphs inside attributes inside graphs, far deeper than the stack: node (1), attribute (5), graph (6).
    let mut nested = vec![];
    for level in 0..30_000 {
        let tag = [0x0a, 0x32, 0x2a][level % 3];
        let mut length = nested.len();
        let mut prefix = vec![tag];
        while length > 127 {
            prefix.push((length & 127 | 128) as u8);
            length >>= 7;
        }
        prefix.push(length as u8);
        nested.splice(0..0, prefix);
    }
    assert!(read(&[&[0x3a, 0xff, 0xff, 0x07][..], &nested].concat(), folder.path(), "nested").is_none());
}
