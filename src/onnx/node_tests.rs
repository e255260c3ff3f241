use super::*;

fn conv() -> OnnxNode {
    OnnxNode::new(&"m.onnx".into(), 17, "Conv", ["x", "w"], ["y"])
}

#[test]
fn an_attribute_of_another_type_is_an_error_with_file_node_and_both_types() {
    let node = conv().with("group", Attribute::Floats(vec![1.0]));
    let message = node.int("group", 1).unwrap_err().to_string();
    assert_eq!(
        message,
        "m.onnx, node 17 (Conv): found floats in attribute `group`, expected an integer\n  hint: export the model again"
    );
    assert!(node.ints("group").is_err() && node.float("group", 0.0).is_err() && node.tensor("group").is_err());
    assert!(node.text("group", "").is_err() && node.optional_int("group").is_err());
    assert_eq!(node.floats("group").unwrap(), Some(&[1.0][..]));
}

#[test]
fn an_absent_attribute_is_its_default() {
    let node = conv();
    assert_eq!(node.int("group", 1).unwrap(), 1);
    assert_eq!(node.float("epsilon", 1e-5).unwrap(), 1e-5);
    assert_eq!(node.text("auto_pad", "NOTSET").unwrap(), "NOTSET");
    assert_eq!(node.ints("strides").unwrap(), None);
    assert_eq!(node.tensor("value").unwrap(), None);
}

#[test]
fn a_node_is_named_by_its_name_or_its_number() {
    let mut node = conv();
    assert_eq!(node.place(), "node 17 (Conv)");
    node.name = "/stem/Conv".into();
    node.domain = "com.microsoft".into();
    assert_eq!(node.place(), "node `/stem/Conv` (com.microsoft.Conv)");
}
