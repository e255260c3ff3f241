use super::super::proto::attribute_proto::AttributeType;
use super::super::proto::tensor_proto::DataType;
use super::super::proto::{
    AttributeProto, FunctionProto, OperatorSetIdProto, SparseTensorProto, TensorProto, TensorShapeProto, TypeProto,
    ValueInfoProto, type_proto,
};
use super::super::tensor::{Data, ElementKind};
use super::super::value::Dim;
use super::*;

fn value(name: &str) -> ValueInfoProto {
    let shape = Some(TensorShapeProto::default());
    let tensor = type_proto::Tensor { elem_type: Some(DataType::Float as i32), shape };
    let kind = TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: Some(name.into()), r#type: Some(kind), ..ValueInfoProto::default() }
}

fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> NodeProto {
    let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    NodeProto { op_type: Some(op.into()), input: names(inputs), output: names(outputs), ..NodeProto::default() }
}

fn initializer(name: &str, values: &[f32]) -> TensorProto {
    TensorProto {
        name: Some(name.into()),
        dims: vec![values.len() as i64],
        data_type: Some(DataType::Float as i32),
        float_data: values.to_vec(),
        ..TensorProto::default()
    }
}

/// A model of opset 13 from input `x` to output `y`.
fn model(nodes: Vec<NodeProto>) -> ModelProto {
    let graph = GraphProto { node: nodes, input: vec![value("x")], output: vec![value("y")], ..GraphProto::default() };
    let opset = OperatorSetIdProto { domain: None, version: Some(13) };
    ModelProto { ir_version: Some(8), opset_import: vec![opset], graph: Some(graph), ..ModelProto::default() }
}

fn changed(mut model: ModelProto, change: impl FnOnce(&mut GraphProto)) -> ModelProto {
    change(model.graph.as_mut().unwrap());
    model
}

fn read(model: &ModelProto) -> Result<OnnxGraph> {
    OnnxGraph::from_bytes(model.encode_to_vec(), "m.onnx", None)
}

fn message(model: &ModelProto) -> String {
    let text = read(model).unwrap_err().to_string();
    text.strip_prefix("m.onnx: found ").unwrap_or_else(|| panic!("{text}")).to_string()
}

fn ops(graph: &OnnxGraph) -> Vec<&str> {
    graph.nodes.iter().map(|n| n.op.as_str()).collect()
}

#[test]
fn a_network_of_an_exporter_is_read_without_what_computes_nothing() {
    let bytes = include_bytes!("../../tests/data/onnx/network.onnx").to_vec();
    let graph = OnnxGraph::from_bytes(bytes, "network.onnx", None).unwrap();
    assert_eq!(ops(&graph), ["Conv", "BatchNormalization", "Relu", "GlobalAveragePool", "Reshape", "Gemm"]);
    assert_eq!((graph.name.as_str(), graph.opset), ("network", 13));
    let symbol = |name: &str| Dim::Symbol(name.into());
    let x = vec![symbol("batch"), Dim::Fixed(3), Dim::Fixed(8), Dim::Fixed(8)];
    assert_eq!(
        graph.inputs,
        [ValueInfo { name: "x".into(), value: "x".into(), kind: ElementKind::Float, dims: Some(x) }]
    );
    // The output is an Identity of the logits; the weight that is an input as well is a constant.
    let y = vec![symbol("batch"), Dim::Fixed(5)];
    assert_eq!(
        graph.outputs,
        [ValueInfo { name: "y".into(), value: "logits".into(), kind: ElementKind::Float, dims: Some(y) }]
    );
    assert_eq!(graph.nodes[0].inputs, ["x", "w"]);
    assert_eq!(graph.nodes[5].inputs, ["flat", "fc.w", "fc.b"]);
    assert_eq!(graph.nodes[0].ints("pads").unwrap(), Some(&[1, 1, 1, 1][..]));
    assert_eq!(graph.nodes[1].float("epsilon", 0.0).unwrap(), f64::from(1e-3f32));
    assert_eq!(graph.nodes[4].place(), "node `flatten` (Reshape)");
    let names: Vec<&str> = graph.initializers.keys().map(String::as_str).collect();
    assert_eq!(names, ["b", "fc.b", "fc.w", "g", "mean", "shape", "var", "w"]);
    assert_eq!(graph.initializers["shape"], Tensor::of_ints([0, -1]));
    assert_eq!(graph.initializers["w"].shape, [4, 3, 3, 3]);
    assert_eq!(graph.notes, ["1 of 11 nodes do not reach an output and are left out."]);
}

#[test]
fn files_that_are_no_onnx_models_are_recognised() {
    for (bytes, found) in [
        (&b""[..], "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"\x18\0\0\0ORTM\0\0\0\0", "a model in the ORT format"),
        (b"<!DOCTYPE html>\n<html>", "a text file"),
        ("é".repeat(5000).as_bytes(), "a text file"),
        (b"PK\x03\x04\0\0", "a zip or pickle file"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b"\xff\xff\xff\xff", "bytes that are no model"),
        (b"\x08\x08", "a file without a graph"),
    ] {
        let text = OnnxGraph::from_bytes(bytes.to_vec(), "m.onnx", None).unwrap_err().to_string();
        assert!(text.starts_with(&format!("m.onnx: found {found}")), "{text}");
        assert!(text.contains("expected an ONNX model\n  hint: "), "{text}");
    }
    assert!(matches!(OnnxGraph::read(Path::new("no/such.onnx")), Err(Error::Io { .. })));
}

#[test]
fn operator_sets_too_old_are_refused_and_too_new_are_noted() {
    let of = |version| {
        let mut model = model(vec![node("Relu", &["x"], &["y"])]);
        model.opset_import[0].version = Some(version);
        model
    };
    assert!(message(&of(6)).starts_with("opset 6, expected opset 7 or newer\n  hint: convert"));
    assert!(read(&of(7)).unwrap().notes.is_empty() && read(&of(26)).unwrap().notes.is_empty());
    assert!(read(&of(27)).unwrap().notes[0].contains("operator set 27"));
    let mut other = of(13);
    other.opset_import[0].domain = Some("com.microsoft".into());
    assert!(message(&other).starts_with("no version of the default operator set"));
    other.opset_import[0].domain = Some("ai.onnx".into());
    assert_eq!(read(&other).unwrap().opset, 13);
}

#[test]
fn nodes_are_put_in_an_order_in_which_they_can_run() {
    let graph =
        read(&model(vec![node("Tanh", &["b"], &["y"]), node("Exp", &["a"], &["b"]), node("Relu", &["x"], &["a"])]));
    assert_eq!(ops(&graph.unwrap()), ["Relu", "Exp", "Tanh"]);
}

#[test]
fn values_without_a_maker_or_with_two_are_named() {
    let absent = message(&model(vec![node("Relu", &["conv_outptu"], &["conv_output"]), node("Exp", &["x"], &["y"])]));
    assert!(
        absent.starts_with("node 0 (Relu, makes `conv_output`) reads `conv_outptu`, which nothing makes"),
        "{absent}"
    );
    assert!(absent.ends_with("hint: did you mean `conv_output`?"), "{absent}");
    let output = message(&model(vec![node("Relu", &["x"], &["z"])]));
    assert!(output.starts_with("an output of the graph reads `y`, which nothing makes"), "{output}");
    let twice = message(&model(vec![node("Relu", &["x"], &["y"]), node("Exp", &["x"], &["y"])]));
    assert!(twice.starts_with("value `y` made twice, by node 0 (Relu, makes `y`) and by node 1 (Exp"), "{twice}");
    let input = message(&model(vec![node("Relu", &["x"], &["x"])]));
    assert!(input.starts_with("value `x` made twice, by input 0 and by node 0"), "{input}");
    let double = changed(model(vec![node("Relu", &["x"], &["y"])]), |g| {
        g.initializer = vec![initializer("w", &[1.0]), initializer("w", &[2.0])];
    });
    assert!(message(&double).starts_with("value `w` made twice, by initializer 0 and by initializer 1"));
    let nameless = changed(model(vec![node("Relu", &["x"], &["y"])]), |g| g.input[0].name = None);
    assert!(message(&nameless).starts_with("input 0 without a name"));
}

#[test]
fn the_nodes_of_a_cycle_are_named() {
    let behind = node("Relu", &["c"], &["y"]);
    let text = message(&model(vec![behind, node("Add", &["x", "c"], &["b"]), node("Exp", &["b"], &["c"])]));
    let names = "node 1 (Add, makes `b`), node 2 (Exp, makes `c`)";
    let reversed = "node 2 (Exp, makes `c`), node 1 (Add, makes `b`)";
    let found = |names: &str| text.starts_with(&format!("nodes that wait for each other: {names}, expected"));
    assert!(found(names) || found(reversed), "{text}");
    let own = message(&model(vec![node("Relu", &["y"], &["y"])]));
    assert!(own.starts_with("nodes that wait for each other: node 0 (Relu, makes `y`), expected"), "{own}");
    let ring = (0..20).map(|i| node("Neg", &[&format!("v{}", (i + 19) % 20)], &[&format!("v{i}")]));
    let text = message(&model([vec![node("Exp", &["v3"], &["y"])], ring.collect()].concat()));
    assert!(text.contains(" and more, expected") && text.matches("(Neg").count() == 8, "{text}");
}

#[test]
fn parts_that_are_not_read_are_refused() {
    let relu = || model(vec![node("Relu", &["x"], &["y"])]);
    let sparse = changed(relu(), |g| {
        let values = Some(Box::new(initializer("s", &[1.0])));
        g.sparse_initializer.push(SparseTensorProto { values, ..SparseTensorProto::default() });
    });
    assert!(message(&sparse).starts_with("sparse initializer `s`"));
    assert!(message(&changed(relu(), |g| g.output.clear())).starts_with("a graph without outputs"));

    let mut functions = relu();
    let name = |name: &str| FunctionProto { name: Some(name.into()), ..FunctionProto::default() };
    functions.functions = vec![name("Swish")];
    assert!(read(&functions).is_ok(), "a function that nobody calls does no harm");
    functions.functions.push(name("Relu"));
    let text = message(&functions);
    assert!(text.starts_with("nodes that call functions of the model: `Relu`") && text.contains("inline"), "{text}");

    let sequence = changed(relu(), |g| {
        let kind = type_proto::Value::SequenceType(Box::default());
        g.output[0].r#type = Some(TypeProto { value: Some(kind), ..TypeProto::default() });
    });
    assert!(read(&sequence).unwrap_err().to_string().starts_with("m.onnx, output `y`: found a sequence"));
    let untyped = changed(relu(), |g| g.input[0].r#type = None);
    assert!(read(&untyped).unwrap_err().to_string().starts_with("m.onnx, input `x`: found no type"));
}

fn with_attribute(mut node: NodeProto, attributes: Vec<AttributeProto>) -> NodeProto {
    node.attribute = attributes;
    node
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: Some(name.into()), r#type: Some(kind as i32), ..AttributeProto::default() }
}

#[test]
fn constants_of_all_forms_become_initializers() {
    let forms = [
        AttributeProto { i: Some(3), ..attribute("value_int", AttributeType::Int) },
        AttributeProto { ints: vec![3, 4], ..attribute("value_ints", AttributeType::Undefined) },
        AttributeProto { f: Some(0.5), ..attribute("value_float", AttributeType::Float) },
        AttributeProto { floats: vec![0.5], ..attribute("value_floats", AttributeType::Floats) },
        AttributeProto { t: Some(Box::new(initializer("", &[7.0]))), ..attribute("value", AttributeType::Tensor) },
    ];
    let values = [
        Tensor::int(3),
        Tensor::of_ints([3, 4]),
        Tensor::float(0.5),
        Tensor::of_floats([0.5]),
        Tensor { shape: vec![1], data: Data::Float(vec![7.0]) },
    ];
    for (form, value) in forms.into_iter().zip(values) {
        let graph = read(&model(vec![with_attribute(node("Constant", &[], &["y"]), vec![form])])).unwrap();
        assert_eq!((graph.nodes.len(), &graph.initializers["y"]), (0, &value));
    }
    let text = AttributeProto { s: Some("a".into()), ..attribute("value_string", AttributeType::String) };
    let refused = model(vec![with_attribute(node("Constant", &[], &["y"]), vec![text])]);
    let text = read(&refused).unwrap_err().to_string();
    assert!(text.starts_with("m.onnx, node 0 (Constant): found a constant as value_string"), "{text}");
}

#[test]
fn attributes_twice_or_of_a_function_are_refused() {
    let one = AttributeProto { i: Some(1), ..attribute("axis", AttributeType::Int) };
    let twice = model(vec![with_attribute(node("Softmax", &["x"], &["y"]), vec![one.clone(), one.clone()])]);
    assert!(read(&twice).unwrap_err().to_string().contains("found attribute `axis` twice"));
    let referring = AttributeProto { ref_attr_name: Some("a".into()), ..one };
    let of_function = model(vec![with_attribute(node("Softmax", &["x"], &["y"]), vec![referring])]);
    assert!(read(&of_function).unwrap_err().to_string().contains("refers to a function's attribute"));
    let unknown = AttributeProto { r#type: Some(99), ..attribute("axis", AttributeType::Int) };
    let of_type = model(vec![with_attribute(node("Softmax", &["x"], &["y"]), vec![unknown])]);
    assert!(read(&of_type).unwrap_err().to_string().contains("found type 99 of attribute `axis`"));
}

#[test]
fn dropout_is_an_identity_unless_it_trains_or_its_mask_is_read() {
    let trained = |mode: &[f32]| {
        let dropout = node("Dropout", &["x", "", "mode"], &["d", "mask"]);
        changed(model(vec![dropout, node("Relu", &["d"], &["y"])]), |g| g.initializer = vec![initializer("mode", mode)])
    };
    let graph = read(&trained(&[0.0])).unwrap();
    assert_eq!((ops(&graph), &graph.nodes[0].inputs[..]), (vec!["Relu"], &["x".to_string()][..]));
    let text = read(&trained(&[1.0])).unwrap_err().to_string();
    assert!(text.contains("(Dropout): found a Dropout in training mode"), "{text}");
    let mask = model(vec![node("Dropout", &["x"], &["d", "mask"]), node("Not", &["mask"], &["y"])]);
    assert!(message(&mask).starts_with("a reader of `mask`, the mask of node 0 (Dropout"));
    // Only the default domain's operators compute nothing.
    let mut own = node("Identity", &["x"], &["y"]);
    own.domain = Some("com.example".into());
    assert_eq!(ops(&read(&model(vec![own])).unwrap()), ["Identity"]);
}

#[test]
fn only_constants_that_are_read_are_decoded() {
    let unread = changed(model(vec![node("Add", &["x", "used"], &["y"])]), |g| {
        let broken = TensorProto { dims: vec![i64::MAX], ..initializer("unused", &[1.0]) };
        g.initializer = vec![initializer("used", &[1.0]), broken];
    });
    let names: Vec<String> = read(&unread).unwrap().initializers.into_keys().collect();
    assert_eq!(names, ["used"]);
}
