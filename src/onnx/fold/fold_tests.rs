use super::super::graph::OnnxGraph;
use super::super::node::Attribute;
use super::super::tensor::Data;
use super::*;

/// Relative error allowed to floats: the reference computes in 32 bits, some functions and sums to some units in the
/// last place (6e-8 each).
const TOLERANCE: f64 = 1e-6;

/// Nodes on constants, and what onnx's reference evaluator makes of them: see scripts/make_onnx_test_models.py.
const CASES: [&[u8]; 10] = [
    include_bytes!("../../../tests/data/onnx/fold_7.onnx"),
    include_bytes!("../../../tests/data/onnx/fold_9.onnx"),
    include_bytes!("../../../tests/data/onnx/fold_11.onnx"),
    include_bytes!("../../../tests/data/onnx/fold_12.onnx"),
    include_bytes!("../../../tests/data/onnx/fold_13.onnx"),
    include_bytes!("../../../tests/data/onnx/fold_14.onnx"),
    include_bytes!("../../../tests/data/onnx/fold_16.onnx"),
    include_bytes!("../../../tests/data/onnx/fold_18.onnx"),
    include_bytes!("../../../tests/data/onnx/fold_20.onnx"),
    include_bytes!("../../../tests/data/onnx/fold_21.onnx"),
];

/// Whether a float is that of the reference, to rounding.
fn close(x: f32, y: f32) -> bool {
    let (x, y) = (f64::from(x), f64::from(y));
    x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= TOLERANCE * y.abs().max(1.0)
}

fn same(found: &Tensor, expected: &Tensor) -> bool {
    let data = match (&found.data, &expected.data) {
        (Data::Float(x), Data::Float(y)) => x.iter().zip(y).all(|(&x, &y)| close(x, y)),
        (x, y) => x == y,
    };
    data && found.shape == expected.shape && found.len() == expected.len()
}

/// Folds every node of a file; calls `judge` with the node, its result and the expected one.
fn each_case(bytes: &[u8], mut judge: impl FnMut(&OnnxNode, &Tensor, &Tensor)) {
    let graph = OnnxGraph::from_bytes(bytes.to_vec(), "cases", None).unwrap();
    assert_eq!(graph.notes, Vec::<String>::new());
    for node in &graph.nodes {
        let inputs: Vec<Option<&Tensor>> = node.inputs.iter().map(|name| graph.initializers.get(name)).collect();
        let results = fold(node, graph.opset, &inputs).unwrap().unwrap_or_else(|| panic!("{}", node.place()));
        assert_eq!(results.len(), node.outputs.len());
        for (name, result) in node.outputs.iter().zip(&results) {
            judge(node, result, &graph.initializers[&format!("expected/{name}")]);
        }
    }
}

#[test]
fn every_operator_agrees_with_the_reference_evaluator_of_onnx() {
    let mut cases = 0;
    for bytes in CASES {
        each_case(bytes, |node, found, expected| {
            assert!(same(found, expected), "{}: found {found:?}, expected {expected:?}", node.place());
            cases += 1;
        });
    }
    assert_eq!(cases, 197);
}

#[test]
fn the_comparison_with_the_reference_sees_a_wrong_element_and_a_wrong_shape() {
    each_case(CASES[6], |_, found, expected| {
        let mut wrong = found.clone();
        match &mut wrong.data {
            Data::Float(v) => v[0] = if v[0].is_nan() { 0.0 } else { f32::NAN },
            Data::Int(v) => v[0] += 1,
            Data::Bool(v) => v[0] = !v[0],
        }
        assert!(!same(&wrong, expected));
        let mut reshaped = found.clone();
        reshaped.shape.push(1);
        assert!(!same(&reshaped, expected));
    });
}

fn node(op: &str, outputs: usize) -> OnnxNode {
    OnnxNode::new(&"m.onnx".into(), 0, op, ["a", "b"], (0..outputs).map(|i| format!("y{i}")))
}

fn message(node: &OnnxNode, opset: i64, inputs: &[Option<&Tensor>]) -> String {
    fold(node, opset, inputs).unwrap_err().to_string()
}

#[test]
fn a_result_above_the_limit_is_refused_before_memory_is_taken() {
    let huge = Tensor::of_ints([1 << 20, 1 << 20]);
    let one = Tensor { shape: vec![1, 1], data: Data::Int(vec![1]) };
    let expected = "expected at most 67108864 elements in 64 dimensions";
    assert!(message(&node("ConstantOfShape", 1), 13, &[Some(&huge)]).contains(expected));
    assert!(message(&node("Expand", 1), 13, &[Some(&one), Some(&huge)]).contains(expected));
    assert!(message(&node("Tile", 1), 13, &[Some(&one), Some(&huge)]).contains(expected));
    let pads = Tensor::of_ints([0, 0, 1 << 20, 1 << 20]);
    assert!(message(&node("Pad", 1), 13, &[Some(&one), Some(&pads)]).contains(expected));
    let [zero, limit, step] = [0, i64::MAX, 1].map(Tensor::int);
    assert!(message(&node("Range", 1), 13, &[Some(&zero), Some(&limit), Some(&step)]).contains(expected));
    let floats = [0.0, 1e30, 1e-30].map(Tensor::float);
    assert!(message(&node("Range", 1), 13, &floats.each_ref().map(Some)).contains(expected));
    let long = Tensor { shape: vec![1, 1 << 14], data: Data::Float(vec![0.0; 1 << 14]) };
    let tall = Tensor { shape: vec![1 << 14, 1], data: Data::Float(vec![0.0; 1 << 14]) };
    assert!(message(&node("Add", 1), 13, &[Some(&long), Some(&tall)]).contains(expected));
    assert!(message(&node("MatMul", 1), 13, &[Some(&tall), Some(&long)]).contains(expected));
    let many = Tensor::of_ints(vec![1; 65]);
    assert!(message(&node("Expand", 1), 13, &[Some(&one), Some(&many)]).contains("expected at most 64"));
    let axes = Tensor::of_ints(0..100);
    assert!(message(&node("Unsqueeze", 1), 13, &[Some(&one), Some(&axes)]).contains(expected));
}

#[test]
fn integers_that_overflow_and_divisions_by_zero_are_errors() {
    let [large, zero, one] = [i64::MAX, 0, 1].map(|v| Tensor::of_ints([v]));
    for (op, b) in [("Add", &one), ("Mul", &large), ("Pow", &large), ("Div", &zero), ("Mod", &zero)] {
        let found = message(&node(op, 1), 14, &[Some(&large), Some(b)]);
        assert!(found.starts_with(&format!("m.onnx, node 0 ({op}): found {op} of 9223372036854775807")), "{found}");
    }
    let smallest = Tensor::of_ints([i64::MIN]);
    assert!(message(&node("Neg", 1), 14, &[Some(&smallest)]).contains("overflows"));
    assert!(message(&node("Abs", 1), 14, &[Some(&smallest)]).contains("overflows"));
    let two = Tensor::of_ints([i64::MAX, 1]);
    assert!(message(&node("ReduceSum", 1), 14, &[Some(&two)]).contains("overflows"));
    assert!(message(&node("CumSum", 1), 14, &[Some(&two), Some(&zero)]).contains("overflows"));
    assert!(message(&node("MatMul", 1), 14, &[Some(&two), Some(&two)]).contains("overflows"));
}

#[test]
fn inputs_that_an_operator_does_not_allow_are_errors_and_not_panics() {
    let (ints, floats) = (Tensor::of_ints([1, 2, 3]), Tensor::of_floats([1.0, 2.0]));
    let matrix = Tensor { shape: vec![2, 3], data: Data::Float(vec![0.0; 6]) };
    let empty = Tensor { shape: vec![0, 1 << 40], data: Data::Int(vec![]) };
    let scalar = Tensor::int(i64::MIN);
    let text = Tensor { shape: vec![2], data: Data::Bool(vec![true, false]) };
    let pool = [None, Some(&ints), Some(&floats), Some(&matrix), Some(&empty), Some(&scalar), Some(&text)];
    let operators = "Identity Shape Size Reshape Flatten Squeeze Unsqueeze Transpose Expand Tile Gather GatherElements \
        Slice Split Concat Pad Trilu Range ConstantOfShape Add Sub Mul Div Mod Pow Min Max Equal Greater And Not Where Cast \
        Clip ReduceSum ReduceMax ReduceMean CumSum Softmax MatMul DequantizeLinear Neg Sqrt Resize";
    let mut errors = 0;
    for op in operators.split_whitespace() {
        for opset in [7, 13, 21] {
            for a in pool {
                for b in pool {
                    for c in pool {
                        for value in [i64::MIN, -1, 0, 1, 2, i64::MAX] {
                            let node = node(op, 2).with("axis", Attribute::Int(value)).with("to", Attribute::Int(7));
                            let list = Attribute::Ints(vec![value, 1]);
                            let node = ["axes", "perm", "pads", "split", "starts", "ends", "block_size"]
                                .iter()
                                .fold(node, |node, name| node.with(name, list.clone()));
                            errors += usize::from(fold(&node, opset, &[a, b, c]).is_err());
                        }
                    }
                }
            }
        }
    }
    assert!(errors > 10_000, "{errors}");
}

#[test]
fn what_is_not_folded_is_told_apart_from_what_is_wrong() {
    let x = Tensor::of_floats([1.0]);
    assert_eq!(fold(&node("Conv", 1), 13, &[Some(&x)]).unwrap(), None);
    let mut custom = node("Add", 1);
    custom.domain = "com.example".into();
    assert_eq!(fold(&custom, 13, &[Some(&x), Some(&x)]).unwrap(), None);
    let reflect = node("Pad", 1).with("mode", Attribute::Text("reflect".into()));
    assert_eq!(fold(&reflect, 13, &[Some(&x)]).unwrap(), None);
    let inconsistent = Tensor { shape: vec![5], data: Data::Int(vec![1]) };
    assert!(matches!(fold(&node("Neg", 1), 13, &[Some(&inconsistent)]), Err(Error::Internal(_))));
}

#[test]
fn a_shape_is_cut_by_start_and_end_from_opset_15_on() {
    let node = node("Shape", 1).with("start", Attribute::Int(-3)).with("end", Attribute::Int(-1));
    assert_eq!(shape_of(&node, 15, &[2, 3]).unwrap(), Tensor::of_ints([2]));
    assert_eq!(shape_of(&node, 14, &[2, 3]).unwrap(), Tensor::of_ints([2, 3]));
    let reversed = node.with("start", Attribute::Int(5));
    assert_eq!(shape_of(&reversed, 15, &[2, 3]).unwrap(), Tensor::of_ints([]));
}
