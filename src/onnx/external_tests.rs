use super::super::graph::OnnxGraph;
use super::*;

fn entries(pairs: &[(&str, &str)]) -> Vec<StringStringEntryProto> {
    let entry = |(key, value): &(&str, &str)| StringStringEntryProto {
        key: Some((*key).to_string()),
        value: Some((*value).to_string()),
    };
    pairs.iter().map(entry).collect()
}

/// A folder `model` with the file `w.bin` of 16 bytes, and beside it a file that the model must not see.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let model = root.path().join("model");
    std::fs::create_dir_all(model.join("parts")).unwrap();
    std::fs::write(model.join("w.bin"), (0..16).collect::<Vec<u8>>()).unwrap();
    std::fs::write(model.join("parts/p.bin"), [7; 4]).unwrap();
    std::fs::write(root.path().join("secret"), [9; 16]).unwrap();
    (root, model)
}

fn read(folder: &Path, pairs: &[(&str, &str)], needed: usize) -> Result<Vec<u8>> {
    ExternalFiles::new(&"m.onnx".into(), Some(folder)).read("m.onnx, tensor", &entries(pairs), needed)
}

fn message(folder: &Path, pairs: &[(&str, &str)], needed: usize) -> String {
    read(folder, pairs, needed).unwrap_err().to_string()
}

#[test]
fn only_the_range_of_a_tensor_is_read() {
    let (_root, model) = folder();
    let range = [("location", "w.bin"), ("offset", "4"), ("length", "3"), ("checksum", "x")];
    assert_eq!(read(&model, &range, 3).unwrap(), [4, 5, 6]);
    assert_eq!(read(&model, &[("location", "./parts/p.bin")], 4).unwrap(), [7; 4]);
    assert_eq!(read(&model, &[("location", "w.bin"), ("offset", "16")], 0).unwrap(), Vec::<u8>::new());
}

#[test]
fn a_path_out_of_the_folder_is_refused() {
    let (root, model) = folder();
    let absolute = root.path().join("secret").display().to_string();
    for location in ["../secret", "parts/../../secret", "", "..", absolute.as_str()] {
        let text = message(&model, &[("location", location)], 16);
        assert!(text.contains("expected a path inside the model's folder"), "{location}: {text}");
    }
    assert!(message(&model, &[], 16).contains("external data at ``"));
}

#[cfg(unix)]
#[test]
fn a_link_may_stay_in_the_folder_but_not_leave_it() {
    let (root, model) = folder();
    std::os::unix::fs::symlink(root.path().join("secret"), model.join("link")).unwrap();
    std::os::unix::fs::symlink(root.path(), model.join("up")).unwrap();
    std::os::unix::fs::symlink("w.bin", model.join("same")).unwrap();
    for location in ["link", "up/secret"] {
        assert!(message(&model, &[("location", location)], 16).contains("a link out of the folder"), "{location}");
    }
    assert_eq!(read(&model, &[("location", "same")], 16).unwrap().len(), 16);
}

#[test]
fn ranges_outside_the_file_are_refused_before_memory_is_taken() {
    let (_root, model) = folder();
    for (offset, needed) in [("1", 16), ("17", 0), ("18446744073709551615", 8), ("0", usize::MAX)] {
        let text = message(&model, &[("location", "w.bin"), ("offset", offset)], needed);
        assert!(text.contains("expected a range inside its 16 bytes"), "{text}");
    }
    let short = message(&model, &[("location", "w.bin"), ("length", "8")], 16);
    assert!(short.contains("found 8 bytes of external data in `w.bin`, expected 16 for its shape and type"), "{short}");
    for offset in ["-1", "1e3", ""] {
        assert!(
            message(&model, &[("location", "w.bin"), ("offset", offset)], 1).contains("expected a number of bytes")
        );
    }
}

#[test]
fn files_that_are_missing_or_no_files_are_named() {
    let (_root, model) = folder();
    let missing = message(&model, &[("location", "nowhere.bin")], 4);
    assert!(missing.contains("found external data in `nowhere.bin`, which cannot be opened"), "{missing}");
    assert!(message(&model, &[("location", "parts")], 4).contains("which is no file"));
    assert!(message(&model, &[("location", "a\0b")], 4).contains("cannot be opened"));
    let mut nowhere = ExternalFiles::new(&"m.onnx".into(), None);
    let text = nowhere.read("m.onnx, tensor", &entries(&[("location", "w.bin")]), 4).unwrap_err().to_string();
    assert!(text.contains("expected all data in the model"), "{text}");
}

#[test]
fn a_file_that_many_tensors_name_again_and_again_is_refused() {
    let (_root, model) = folder();
    let mut files = ExternalFiles::new(&"m.onnx".into(), Some(&model));
    let whole = entries(&[("location", "w.bin")]);
    for _ in 0..MAX_READS {
        files.read("t", &whole, 16).unwrap();
    }
    assert!(files.read("t", &whole, 16).unwrap_err().to_string().contains("again and again"));
}

#[test]
fn a_model_with_external_data_is_the_model_with_its_data_inside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("external.onnx");
    std::fs::write(&path, include_bytes!("../../tests/data/onnx/external.onnx")).unwrap();
    let text = OnnxGraph::read(&path).unwrap_err().to_string();
    assert!(
        text.contains("external.bin") && text.contains("hint: a model with external data is several files"),
        "{text}"
    );
    std::fs::write(folder.path().join("external.bin"), include_bytes!("../../tests/data/onnx/external.bin")).unwrap();
    let outside = OnnxGraph::read(&path).unwrap();
    let bytes = include_bytes!("../../tests/data/onnx/network.onnx").to_vec();
    let inside = OnnxGraph::from_bytes(bytes, &outside.place, None).unwrap();
    assert_eq!(outside, inside);
}
