//! External data: tensors whose bytes stand in files beside the model.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::error::fault::quoted;
use crate::error::{Error, Result};

use super::proto::StringStringEntryProto;

/// How often the bytes of an external file may be read in total: tensors may share bytes, but a short model that names
/// one large file a thousand times must not fill the memory.
const MAX_READS: u64 = 4;

/// The files beside one model.
#[derive(Debug)]
pub(super) struct ExternalFiles {
    place: Arc<str>,
    folder: Option<PathBuf>,
    /// Bytes read so far, by file.
    read: BTreeMap<PathBuf, u64>,
}

impl ExternalFiles {
    /// External data of the model `place`, in `folder`; without a folder there are none.
    pub(super) fn new(place: &Arc<str>, folder: Option<&Path>) -> Self {
        let folder = folder.map(|f| if f.as_os_str().is_empty() { Path::new(".") } else { f }.to_path_buf());
        Self { place: Arc::clone(place), folder, read: BTreeMap::new() }
    }

    /// The model, for messages.
    pub(super) fn place(&self) -> &Arc<str> {
        &self.place
    }

    /// The `needed` bytes of a tensor that `entries` describe: `location`, and optionally `offset` and `length`.
    ///
    /// Only that range is read, and memory is taken only after the file is known to have it.
    pub(super) fn read(&mut self, place: &str, entries: &[StringStringEntryProto], needed: usize) -> Result<Vec<u8>> {
        let value = |key: &str| entries.iter().find(|e| e.key.as_deref() == Some(key)).and_then(|e| e.value.as_deref());
        let wrong = |found: String, expected: &str, remedy: &str| Error::input(place, found, expected, remedy);
        let number = |key: &str| {
            let not_a_number = |text| wrong(format!("{} as {key}", quoted(text)), "a number of bytes", "");
            value(key).map(|text| text.parse::<u64>().map_err(|_| not_a_number(text))).transpose()
        };

        let location = value("location").unwrap_or("");
        let path = self.path(place, location)?;
        let metadata = path.metadata().map_err(|e| Error::io(&path, e))?;
        if !metadata.is_file() {
            return Err(wrong(format!("{} as external data, which is no file", quoted(location)), "a file", ""));
        }
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let bytes = needed as u64;
        if let Some(length) = length.filter(|&l| l != bytes) {
            let found = format!("{length} bytes of external data in {}", quoted(location));
            return Err(wrong(found, &format!("{bytes} for its shape and type"), "export the model again"));
        }
        let end = offset.checked_add(bytes).filter(|&end| end <= metadata.len());
        if end.is_none() {
            let found = format!("external data at bytes {offset} + {bytes} of {}", quoted(location));
            let expected = format!("a range inside its {} bytes", metadata.len());
            return Err(wrong(found, &expected, "download or export the file again: it is incomplete"));
        }
        let total = self.read.entry(path.clone()).or_default();
        *total = total.saturating_add(bytes);
        if *total > metadata.len().saturating_mul(MAX_READS) {
            let found = format!("tensors that share the bytes of {} again and again", quoted(location));
            return Err(wrong(found, "each byte used at most four times on average", "export the model again"));
        }

        let io = |e| Error::io(&path, e);
        let mut file = File::open(&path).map_err(io)?;
        file.seek(SeekFrom::Start(offset)).map_err(io)?;
        let mut content = vec![0; needed];
        file.read_exact(&mut content).map_err(io)?;
        Ok(content)
    }

    /// The file at `location`, which must lie in the model's folder when every link is followed.
    fn path(&self, place: &str, location: &str) -> Result<PathBuf> {
        let outside = |found: String| {
            let remedy = "put the file beside the model and load and save the model with the `onnx` package";
            Error::input(place, found, "a path inside the model's folder", remedy)
        };
        let Some(folder) = &self.folder else {
            return Err(Error::input(
                place,
                format!("external data in {}", quoted(location)),
                "all data in the model, which is not read from a file",
                "",
            ));
        };
        let inside = |c: Component| matches!(c, Component::Normal(_) | Component::CurDir);
        let relative = Path::new(location);
        if location.is_empty() || !relative.components().all(inside) {
            return Err(outside(format!("external data at {}", quoted(location))));
        }
        let folder = folder.canonicalize().map_err(|e| Error::io(folder, e))?;
        let path = folder.join(relative).canonicalize().map_err(|e| {
            Error::input(
                place,
                format!("external data in {}, which cannot be opened ({e})", quoted(location)),
                "that file in the folder of the model",
                "a model with external data is several files: copy or download them all",
            )
        })?;
        if !path.starts_with(&folder) {
            return Err(outside(format!("external data at {}, a link out of the folder", quoted(location))));
        }
        Ok(path)
    }
}

#[cfg(test)]
#[path = "external_tests.rs"]
mod tests;
