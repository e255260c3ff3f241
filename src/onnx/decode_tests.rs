use super::super::graph::OnnxGraph;
use super::super::proto::tensor_proto::{DataType, Segment};
use super::*;

fn files() -> ExternalFiles {
    ExternalFiles::new(&"m.onnx".into(), None)
}

fn proto(kind: DataType, dims: &[i64]) -> TensorProto {
    TensorProto { name: Some("t".into()), data_type: Some(kind as i32), dims: dims.to_vec(), ..TensorProto::default() }
}

fn raw(kind: DataType, dims: &[i64], bytes: &[u8]) -> TensorProto {
    TensorProto { raw_data: Some(bytes.to_vec().into()), ..proto(kind, dims) }
}

fn message(tensor: &TensorProto) -> String {
    let text = super::tensor(tensor, "initializer", &mut files()).unwrap_err().to_string();
    text.strip_prefix("m.onnx, initializer `t`: found ").unwrap_or_else(|| panic!("{text}")).to_string()
}

#[test]
fn elements_of_every_type_in_both_layouts_are_what_numpy_made_of_them() {
    let bytes = include_bytes!("../../tests/data/onnx/element_types.onnx");
    let graph = OnnxGraph::from_bytes(bytes.to_vec(), "types", None).unwrap();
    let mut types = 0;
    for (name, tensor) in graph.initializers.iter().filter(|(name, _)| !name.starts_with("expected/")) {
        let expected = &graph.initializers[&format!("expected/{name}")];
        match (&tensor.data, &expected.data) {
            // Bits, for the sign of zero.
            (Data::Float(x), Data::Float(y)) => {
                assert!(x.iter().zip(y).all(|(x, y)| x.to_bits() == y.to_bits()), "{name}")
            }
            (x, y) => assert_eq!(x, y, "{name}"),
        }
        assert_eq!(tensor.shape, expected.shape, "{name}");
        types += 1;
    }
    assert_eq!(types, 2 * 17);
}

#[test]
fn a_shape_that_the_bytes_do_not_pay_for_is_refused() {
    assert!(message(&raw(DataType::Float, &[2], &[0; 7])).starts_with("7 bytes, expected 8 for shape `[2]`"));
    assert!(message(&raw(DataType::Float, &[1 << 40], &[0; 8])).starts_with("8 bytes, expected 4398046511104 "));
    assert!(message(&raw(DataType::Int4, &[5], &[0; 2])).starts_with("2 bytes, expected 3 "));
    assert!(message(&raw(DataType::Float, &[-1], &[0; 4])).starts_with("shape `[-1]`, expected sizes of 0 or more"));
    assert!(message(&raw(DataType::Float, &[1 << 32, 1 << 32], &[0; 4])).contains("at most 2⁴⁸ elements"));
    assert!(message(&raw(DataType::Float, &[0, i64::MAX, i64::MAX], &[])).contains("at most 2⁴⁸ elements"));
    assert!(message(&raw(DataType::Float, &[1; 65], &[0; 4])).contains("64 dimensions"));
    assert!(message(&proto(DataType::Float, &[3])).starts_with("0 numbers in the field of its type, expected 3"));
    assert_eq!(tensor(&raw(DataType::Float, &[0, 7], &[]), "initializer", &mut files()).unwrap().shape, [0, 7]);
}

#[test]
fn numbers_in_the_wrong_field_or_out_of_range_are_refused() {
    let int8 = TensorProto { int32_data: vec![1, 128], ..proto(DataType::Int8, &[2]) };
    assert!(message(&int8).starts_with("the number 128, expected numbers that its element type has"));
    let float = TensorProto { int32_data: vec![1], ..proto(DataType::Float, &[1]) };
    assert!(message(&float).starts_with("0 numbers in the field of its type, expected 1"));
    let both = TensorProto { float_data: vec![1.0], ..raw(DataType::Float, &[1], &[0; 4]) };
    assert!(message(&both).starts_with("its elements more than once"));
    let two = TensorProto { float_data: vec![1.0], int64_data: vec![1], ..proto(DataType::Float, &[1]) };
    assert!(message(&two).starts_with("1 numbers in the field of its type, expected 1"));
    let large = TensorProto { uint64_data: vec![u64::MAX], ..proto(DataType::Uint64, &[1]) };
    assert!(message(&large).starts_with("the number 18446744073709551615"));
    assert!(message(&raw(DataType::Uint64, &[1], &[255; 8])).starts_with("the integer 18446744073709551615"));
    let segment = TensorProto { segment: Some(Segment::default()), ..raw(DataType::Float, &[1], &[0; 4]) };
    assert!(message(&segment).starts_with("a tensor in segments"));
}

#[test]
fn element_types_that_are_not_read_are_named() {
    for (kind, name) in [
        (DataType::String, "STRING"),
        (DataType::Complex64, "COMPLEX64"),
        (DataType::Float8e4m3fn, "FLOAT8E4M3FN"),
        (DataType::Float4e2m1, "FLOAT4E2M1"),
        (DataType::Undefined, "UNDEFINED"),
    ] {
        assert!(message(&raw(kind, &[1], &[0; 8])).starts_with(&format!("elements of type {name}, expected floats")));
    }
    let unknown = TensorProto { data_type: Some(77), ..proto(DataType::Float, &[1]) };
    assert!(message(&unknown).starts_with("element type 77"));
}

#[test]
fn an_empty_message_takes_little_memory() {
    use super::super::proto::{AttributeProto, GraphProto, NodeProto, SparseTensorProto, ValueInfoProto};
    let largest = [
        size_of::<AttributeProto>(),
        size_of::<GraphProto>(),
        size_of::<NodeProto>(),
        size_of::<SparseTensorProto>(),
        size_of::<TensorProto>(),
        size_of::<ValueInfoProto>(),
    ];
    assert!(largest.iter().all(|&size| size < 400), "{largest:?}");
}
