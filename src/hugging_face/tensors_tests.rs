//! Tests of tensors in files, against files written byte by byte.

use std::fs;

use proptest::prelude::*;
use safetensors::tensor::Dtype;
use serde_json::json;
use tempfile::TempDir;

use super::MappedTensors;
use crate::hugging_face::test_folders::{file, floats, raw_file};

/// A folder with these files.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, bytes)| fs::write(folder.path().join(name), bytes).unwrap());
    folder
}

fn refusal(files: &[(&str, &[u8])]) -> String {
    MappedTensors::open(folder(files).path()).unwrap_err().to_string()
}

fn index(map: serde_json::Value) -> Vec<u8> {
    json!({"metadata": {"total_size": 8}, "weight_map": map}).to_string().into_bytes()
}

const INDEX: &str = "model.safetensors.index.json";

#[test]
fn numbers_of_every_float_type_are_read_exactly() {
    let f64_bytes: Vec<u8> = [0.1f64, -3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let bytes = file(&[
        // An odd length in front: nothing behind is aligned.
        ("bytes", "U8", &[1], &[7]),
        ("single", "F32", &[2, 1], &floats(&[1.5, -0.1])),
        // 1, -2, 0x3555 = 2^-2 (1 + 341/1024), the smallest subnormal.
        ("half", "F16", &[4], &[0x00, 0x3c, 0x00, 0xc0, 0x55, 0x35, 0x01, 0x00]),
        ("brain", "BF16", &[2], &[0x80, 0x3f, 0x49, 0x40]),
        ("double", "F64", &[2], &f64_bytes),
        ("empty", "F32", &[0, 3], &[]),
        ("scalar", "F32", &[], &floats(&[4.0])),
    ]);
    let folder = folder(&[("model.safetensors", &bytes)]);
    let tensors = MappedTensors::open(folder.path()).unwrap();
    assert_eq!(tensors.names().collect::<Vec<_>>(), ["brain", "bytes", "double", "empty", "half", "scalar", "single"]);
    assert_eq!(tensors.read_f32("single").unwrap(), [1.5, -0.1]);
    assert_eq!(tensors.read_f32("half").unwrap(), [1.0, -2.0, 0.25 * (1.0 + 341.0 / 1024.0), 2f32.powi(-24)]);
    assert_eq!(tensors.read_f32("brain").unwrap(), [1.0, 3.140625]);
    assert_eq!(tensors.read_f32("double").unwrap(), [0.1f32, -3.0]);
    assert_eq!(tensors.read_f32("empty").unwrap(), [0f32; 0]);
    assert_eq!(tensors.read_f32("scalar").unwrap(), [4.0]);
    assert_eq!((tensors.shape("single"), tensors.shape("none")), (Some(&[2, 1][..]), None));
    assert_eq!((tensors.element_type("brain"), tensors.element_type("none")), (Some(Dtype::BF16), None));
    assert_eq!(tensors.files().collect::<Vec<_>>(), [folder.path().join("model.safetensors")]);
    assert!(tensors.read_f32("none").unwrap_err().to_string().contains("no such tensor"));
    let message = tensors.read_f32("bytes").unwrap_err().to_string();
    assert!(message.contains("tensor `bytes`") && message.contains("U8") && message.contains("already"), "{message}");
}

#[test]
fn numbers_that_are_not_finite_in_f32_are_refused_with_their_place() {
    let huge: Vec<u8> = [1.0, 1e300f64].iter().flat_map(|v| v.to_le_bytes()).collect();
    let bytes = file(&[("nan", "F32", &[2], &floats(&[0.0, f32::NAN])), ("huge", "F64", &[2], &huge)]);
    let folder = folder(&[("model.safetensors", &bytes)]);
    let tensors = MappedTensors::open(folder.path()).unwrap();
    for (name, found) in [("nan", "NaN at element 1"), ("huge", "inf at element 1")] {
        let message = tensors.read_f32(name).unwrap_err().to_string();
        assert!(message.contains(&format!("tensor `{name}`")) && message.contains(found), "{message}");
    }
}

#[test]
fn tensors_of_several_files_are_found_through_the_index() {
    let first = file(&[("a", "F32", &[1], &floats(&[1.0])), ("not_in_the_index", "F32", &[1], &floats(&[3.0]))]);
    let second = file(&[("b", "F32", &[1], &floats(&[2.0]))]);
    let index = index(json!({"a": "one.safetensors", "b": "two.safetensors"}));
    let files: [(&str, &[u8]); 3] = [(INDEX, &index), ("one.safetensors", &first), ("two.safetensors", &second)];
    let sharded = folder(&files);
    let tensors = MappedTensors::open(sharded.path()).unwrap();
    assert_eq!(tensors.names().collect::<Vec<_>>(), ["a", "b", "not_in_the_index"]);
    assert_eq!((tensors.read_f32("a").unwrap(), tensors.read_f32("b").unwrap()), (vec![1.0], vec![2.0]));
    assert_eq!(tensors.files().count(), 2);
    assert!(tensors.place("b").ends_with("two.safetensors: tensor `b`"));
    assert_eq!(tensors.place("none"), format!("{}: tensor `none`", sharded.path().display()));
    // A single file comes first: the index may be a leftover.
    let single = file(&[("b", "F32", &[1], &floats(&[5.0]))]);
    fs::write(sharded.path().join("model.safetensors"), single).unwrap();
    let tensors = MappedTensors::open(sharded.path()).unwrap();
    assert_eq!((tensors.names().count(), tensors.read_f32("b").unwrap()), (1, vec![5.0]));
}

#[test]
fn an_index_that_does_not_fit_its_files_is_refused() {
    let one = file(&[("a", "F32", &[1], &floats(&[1.0])), ("b", "F32", &[1], &floats(&[1.0]))]);
    let two = file(&[("c", "F32", &[1], &floats(&[1.0]))]);
    let twice = file(&[("a", "F32", &[1], &floats(&[1.0]))]);
    let cases = [
        (json!({"a": "one", "c": "missing"}), "no such file"),
        (json!({"a": "one", "c": "one", "d": "two"}), "one: tensor `c`: found it in "),
        (json!({"a": "one", "c": "two", "d": "two"}), "no such tensor"),
        (json!({"a": "one", "c": "two", "b": "twice"}), "the name also in"),
        (json!({}), "no tensors"),
        (json!({"a": 3}), "invalid type"),
        (json!(["one"]), "invalid type"),
    ];
    for (map, expected) in cases {
        let index = index(map);
        let message = refusal(&[(INDEX, &index), ("one", &one), ("two", &two), ("twice", &twice)]);
        assert!(message.contains(expected), "{message}");
    }
    for (bytes, expected) in [(&b"{}"[..], "weight_map"), (b"{\"weight_map\"", "index.json:1:13"), (b"\xff", "byte 0")]
    {
        let message = refusal(&[(INDEX, bytes), ("one", &one)]);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn an_index_cannot_name_files_outside_its_folder() {
    let outside = file(&[("a", "F32", &[1], &floats(&[1.0]))]);
    let parent = folder(&[("outside.safetensors", &outside)]);
    let inner = parent.path().join("model");
    fs::create_dir_all(inner.join("sub")).unwrap();
    fs::write(inner.join("inside.safetensors"), &outside).unwrap();
    fs::write(inner.join("sub/inside.safetensors"), &outside).unwrap();
    let absolute = parent.path().join("outside.safetensors").display().to_string();
    let open = |name: &str| {
        fs::write(inner.join(INDEX), index(json!({ "a": name }))).unwrap();
        MappedTensors::open(&inner)
    };
    for name in ["../outside.safetensors", &absolute, "sub/inside.safetensors", "./inside.safetensors", "..", ".", ""] {
        assert!(open(name).unwrap_err().to_string().contains("found a path"), "{name}");
    }
    assert!(open("sub\\inside.safetensors").is_err());
    assert!(open("sub").unwrap_err().to_string().contains("no such file"), "a folder is no file");
    open("inside.safetensors").unwrap();
}

#[test]
fn damaged_headers_are_refused() {
    let entry = |shape: &str, offsets: &str| format!(r#""dtype":"F32","shape":{shape},"data_offsets":{offsets}"#);
    let one = |shape: &str, offsets: &str, data: usize| {
        raw_file(&format!(r#"{{"a":{{{}}}}}"#, entry(shape, offsets)), &vec![0; data])
    };
    let two = |first: &str, second: &str, data: usize| {
        let header = format!(r#"{{"a":{{{}}},"b":{{{}}}}}"#, entry("[2]", first), entry("[2]", second));
        raw_file(&header, &vec![0; data])
    };
    assert!(MappedTensors::open(folder(&[("model.safetensors", &two("[0,8]", "[8,16]", 16))]).path()).is_ok());
    let cases: [(&str, Vec<u8>); 18] = [
        ("nothing", vec![]),
        ("half a length", vec![1, 0, 0]),
        ("a header longer than the file", 100u64.to_le_bytes().to_vec()),
        ("an endless header", u64::MAX.to_le_bytes().to_vec()),
        ("a header that is no text", raw_file("{}", &[]).into_iter().map(|b| b | 0x80).collect()),
        ("a header that is no JSON", raw_file("{", &[])),
        ("a header that is a list", raw_file("[]", &[])),
        ("an unknown element type", raw_file(r#"{"a":{"dtype":"F31","shape":[],"data_offsets":[0,4]}}"#, &[0; 4])),
        ("values behind the end", one("[2]", "[0,8]", 7)),
        ("bytes that nothing claims", one("[2]", "[0,8]", 9)),
        ("an end before its begin", one("[2]", "[8,0]", 8)),
        ("a gap in front", one("[2]", "[8,16]", 16)),
        ("another size than the shape's", one("[3]", "[0,8]", 8)),
        ("a shape whose size overflows", one("[4294967296,4294967296,4294967296]", "[0,8]", 8)),
        ("a negative extent", one("[-2]", "[0,8]", 8)),
        ("an overlap", two("[0,8]", "[4,12]", 12)),
        ("one place for two", two("[0,8]", "[0,8]", 8)),
        ("a gap between", two("[0,8]", "[12,20]", 20)),
    ];
    for (what, bytes) in cases {
        let message = refusal(&[("model.safetensors", &bytes)]);
        assert!(message.contains("expected a safetensors file"), "{what}: {message}");
    }
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 300\n";
    assert!(refusal(&[("model.safetensors", pointer)]).contains("git lfs pull"));
}

#[test]
fn a_folder_without_safetensors_says_what_to_do() {
    let missing = folder(&[]).path().join("nowhere");
    assert!(MappedTensors::open(&missing).unwrap_err().to_string().contains("no such folder"));
    assert!(refusal(&[]).contains("no tensors"));
    for name in ["pytorch_model.bin", "model.pt", "llama.Q4_K_M.gguf", "tf_model.h5"] {
        let message = refusal(&[(name, b"x")]);
        assert!(message.contains(name) && message.contains("convert it"), "{message}");
    }
    assert!(refusal(&[("adapter_model.safetensors", b"x"), ("a.bin", b"x")]).contains("rename"));
    let folder = folder(&[]);
    fs::create_dir(folder.path().join("model.safetensors")).unwrap();
    assert!(MappedTensors::open(folder.path()).unwrap_err().to_string().contains("no regular file"));
}

/// Opens a folder and reads all of it, and does not mind the outcome.
fn read_all(files: &[(&str, &[u8])]) {
    let folder = folder(files);
    let Ok(tensors) = MappedTensors::open(folder.path()) else { return };
    let mut elements = 0;
    for name in tensors.names() {
        elements += tensors.read_f32(name).map_or(0, |values| values.len());
        let _ = (tensors.shape(name), tensors.place(name));
    }
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    assert!(2 * elements <= bytes, "no element has fewer than two bytes of the file");
}

proptest! {
    #[test]
    fn damaged_files_are_refused_or_read_but_never_panic(
        changes in prop::collection::vec((0usize..1000, any::<u8>()), 1..4), cut in 0usize..1000, of_index: bool,
    ) {
        let mut first = file(&[("a", "F32", &[2], &floats(&[1.0, 2.0])), ("b", "BF16", &[2, 1], &[1, 2, 3, 4])]);
        let second = file(&[("c", "F64", &[1], &[0; 8]), ("d", "F16", &[1, 1], &[0; 2])]);
        let mut index = index(json!({"a": "one", "b": "one", "c": "two", "d": "two"}));
        let damaged = if of_index { &mut index } else { &mut first };
        for (at, value) in changes {
            let at = at % damaged.len();
            damaged[at] = value;
        }
        read_all(&[(INDEX, &index), ("one", &first), ("two", &second)]);
        let damaged = if of_index { &mut index } else { &mut first };
        damaged.truncate(cut);
        read_all(&[(INDEX, &index), ("one", &first), ("two", &second)]);
    }

    #[test]
    fn headers_with_any_numbers_are_refused_or_read_but_never_panic(
        shape in prop::collection::vec(prop_oneof![0usize..5, any::<usize>()], 0..5),
        begin in prop_oneof![0usize..9, any::<usize>()], end in prop_oneof![0usize..17, any::<usize>()],
        element in prop::sample::select(vec!["F32", "F16", "F64", "BOOL", "F4", "F6_E2M3", "F8_E4M3", "C64"]),
    ) {
        let entry = json!({"a": {"dtype": element, "shape": shape, "data_offsets": [begin, end]}});
        read_all(&[("model.safetensors", &raw_file(&entry.to_string(), &[0; 16]))]);
    }
}
