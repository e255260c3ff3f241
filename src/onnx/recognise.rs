//! Names the format of a file that is no ONNX model: the message then says what to do.

/// How much of a file is looked at to call it text.
const LOOKED_AT: usize = 4096;

/// What `bytes`, which could not be read as an ONNX model, probably are, and what to do.
pub(super) fn other_format(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    let identifier = bytes.get(4..8);
    if bytes.is_empty() {
        Some(("an empty file", "download or export it again"))
    } else if starts(b"version https://git-lfs.github.com/spec/") {
        Some(("a Git LFS pointer, not the model it stands for", "run `git lfs pull` in its repository"))
    } else if identifier == Some(b"ORTM") {
        Some(("a model in the ORT format of onnxruntime", "use the .onnx file that it was made from"))
    } else if identifier == Some(b"TFL3") {
        Some(("a TensorFlow Lite model", "convert it with tf2onnx"))
    } else if starts(b"PK\x03\x04") || starts(b"\x80\x02") {
        Some(("a zip or pickle file, as of PyTorch", "export the model with torch.onnx.export"))
    } else if starts(b"\x89HDF") {
        Some(("an HDF5 file, as of Keras", "convert it with tf2onnx"))
    } else if starts(b"GGUF") {
        Some(("a GGUF file", "export the model to ONNX"))
    } else if starts(b"\x1f\x8b") {
        Some(("a gzip file", "unpack it"))
    } else if bytes.get(8) == Some(&b'{') {
        Some(("a safetensors file", "export the model to ONNX"))
    } else if is_text(bytes) {
        Some(("a text file", "download the model itself, not the page that links to it"))
    } else {
        None
    }
}

/// Whether the beginning is UTF-8 without control characters.
fn is_text(bytes: &[u8]) -> bool {
    let beginning = &bytes[..bytes.len().min(LOOKED_AT)];
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        // A character cut at the end is no fault.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&beginning[..e.valid_up_to()]).unwrap_or("\0"),
        Err(_) => return false,
    };
    text.chars().all(|c| !c.is_control() || c.is_whitespace())
}
