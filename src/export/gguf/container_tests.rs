//! Tests of the container: golden bytes after docs/gguf.md of ggml.

use super::*;

#[test]
fn a_small_file_has_known_bytes() {
    let metadata = [
        ("a".to_string(), Value::U32(7)),
        ("b".to_string(), Value::Texts(vec!["x".into(), "yz".into()])),
        ("c".to_string(), Value::Bool(true)),
        ("d".to_string(), Value::F32s(vec![1.0])),
        ("e".to_string(), Value::I32s(vec![-1])),
        ("f".to_string(), Value::Text("t".into())),
        ("g".to_string(), Value::F32(0.5)),
    ];
    let tensor = |name: &str, shape: &[usize], ggml: GgmlType, count: usize| Tensor {
        name: name.into(),
        shape: shape.to_vec(),
        ggml,
        bytes: (1..=count as u8).collect(),
    };
    let bytes = file(&metadata, &[tensor("t", &[2, 32], GgmlType::Q4_0, 36), tensor("u", &[3], GgmlType::F32, 12)]);
    let mut expected: Vec<u8> = Vec::new();
    let mut hex = |text: &str| {
        let digits: String = text.split_whitespace().collect();
        expected.extend((0..digits.len() / 2).map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap()));
    };
    hex("47475546 03000000 0200000000000000 0700000000000000");
    hex("0100000000000000 61 04000000 07000000");
    hex("0100000000000000 62 09000000 08000000 0200000000000000 0100000000000000 78 0200000000000000 797a");
    hex("0100000000000000 63 07000000 01");
    hex("0100000000000000 64 09000000 06000000 0100000000000000 0000803f");
    hex("0100000000000000 65 09000000 05000000 0100000000000000 ffffffff");
    hex("0100000000000000 66 08000000 0100000000000000 74");
    hex("0100000000000000 67 06000000 0000003f");
    hex("0100000000000000 74 02000000 2000000000000000 0200000000000000 02000000 0000000000000000");
    hex("0100000000000000 75 01000000 0300000000000000 00000000 4000000000000000");
    expected.resize(expected.len().next_multiple_of(32), 0);
    expected.extend(1..=36);
    expected.extend([0; 28]);
    expected.extend(1..=12);
    expected.extend([0; 20]);
    assert_eq!(bytes, expected);
}

#[test]
fn candle_reads_the_file() {
    let metadata = [("general.architecture".to_string(), Value::Text("llama".into()))];
    let bytes: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let tensor = Tensor { name: "t".into(), shape: vec![1, 2], ggml: GgmlType::F32, bytes };
    let mut reader = std::io::Cursor::new(file(&metadata, &[tensor]));
    let content = candle_core::quantized::gguf_file::Content::read(&mut reader).unwrap();
    assert_eq!(content.metadata["general.architecture"].to_string().unwrap(), "llama");
    let cpu = candle_core::Device::Cpu;
    let values = content.tensor(&mut reader, "t", &cpu).unwrap().dequantize(&cpu).unwrap();
    assert_eq!(values.to_vec2::<f32>().unwrap(), [[1.5, -2.0]]);
}
