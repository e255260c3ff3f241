//! The tensors of a model folder, mapped into memory: headers are read when the folder is opened, values one tensor at
//! a time.
//!
//! ```text
//! folder/model.safetensors                              one file
//! folder/model.safetensors.index.json, *.safetensors    several: the index says which file has which tensor
//! ```
//!
//! A file is 8 bytes of header length, a JSON header, and the values, little-endian, row-major, without gaps
//! (`safetensors` checks sizes and offsets; what concerns several files is checked here). As with every memory map, the
//! files must not be changed or shortened while they are open: values would change under the reader, and reading behind
//! the new end would end the process.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use memmap2::Mmap;
use safetensors::tensor::{Dtype, SafeTensorError, SafeTensors};

use crate::error::fault::quoted;
use crate::error::{Error, Result};
use crate::hugging_face::shards;

/// The tensors of a folder.
#[derive(Debug)]
pub struct MappedTensors {
    files: Vec<(PathBuf, Mmap)>,
    entries: BTreeMap<String, Entry>,
}

/// Where a tensor stands, and what it is.
#[derive(Debug)]
struct Entry {
    file: usize,
    element: Dtype,
    shape: Vec<usize>,
    /// Byte range in the file, inside it by the header's check.
    bytes: std::ops::Range<usize>,
}

impl MappedTensors {
    /// Opens every file of the folder and reads the headers: time and memory in proportion to them.
    ///
    /// # Errors
    /// When the folder has no safetensors files, a header is damaged or does not fit its file, a tensor stands in two
    /// files, or the index does not fit the files.
    pub fn open(folder: &Path) -> Result<Self> {
        let (paths, index) = shards::list(folder)?;
        let mut tensors = Self { files: Vec::with_capacity(paths.len()), entries: BTreeMap::new() };
        for path in paths {
            tensors.add(path)?;
        }
        for (name, file) in &index {
            let there = tensors.entries.get(name).map(|entry| &tensors.files[entry.file].0);
            if there != Some(&folder.join(file)) {
                let found = there.map_or("no such tensor".into(), |path| format!("it in {}", path.display()));
                let place = format!("{}: tensor {}", folder.join(file).display(), quoted(name));
                return Err(Error::input(place, found, "it in this file, as the index says", shards::COMPLETE));
            }
        }
        Ok(tensors)
    }

    /// Maps one file and takes over its header.
    fn add(&mut self, path: PathBuf) -> Result<()> {
        let map = map(&path)?;
        let (header, metadata) = SafeTensors::read_metadata(&map).map_err(|e| damaged(&path, &map, &e))?;
        // In the order of their names, so that of several faults the same one is told.
        for (name, info) in metadata.tensors().into_iter().collect::<BTreeMap<_, _>>() {
            let (begin, end) = info.data_offsets;
            let entry = Entry {
                file: self.files.len(),
                element: info.dtype,
                shape: info.shape.clone(),
                bytes: 8 + header + begin..8 + header + end,
            };
            if let Some(other) = self.entries.insert(name.clone(), entry) {
                let place = format!("{}: tensor {}", path.display(), quoted(&name));
                // A name twice in one file is a gap in its offsets, refused above.
                let found = format!("the name also in {}", self.files[other.file].0.display());
                return Err(Error::input(place, found, "every tensor in one file", shards::COMPLETE));
            }
        }
        self.files.push((path, map));
        Ok(())
    }

    /// The files, in the order of their names.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(path, _)| path.as_path())
    }

    /// Names of the tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Extents of a tensor; none when there is no such tensor.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entries.get(name).map(|entry| entry.shape.as_slice())
    }

    /// Element type of a tensor; none when there is no such tensor.
    pub fn element_type(&self, name: &str) -> Option<Dtype> {
        self.entries.get(name).map(|entry| entry.element)
    }

    /// The file and the tensor, as errors name them; the folder, where no file of several has it.
    pub fn place(&self, name: &str) -> String {
        let path = match (self.entries.get(name), self.files.as_slice()) {
            (Some(entry), files) => files.get(entry.file).map(|(path, _)| path.as_path()),
            (None, [(path, _)]) => Some(path.as_path()),
            (None, files) => files.first().and_then(|(path, _)| path.parent()),
        };
        format!("{}: tensor {}", path.unwrap_or(Path::new("")).display(), quoted(name))
    }

    /// The values of a tensor, row-major: f32 as they are, f16 and bf16 exactly, f64 rounded to the nearest f32. Costs
    /// four bytes of memory for every value.
    ///
    /// # Errors
    /// When there is no such tensor, its element type is another, or a value is not finite in f32.
    pub fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        let Some(entry) = self.entries.get(name) else {
            return Err(Error::input(self.place(name), "no such tensor", "a tensor of the network", shards::COMPLETE));
        };
        let bytes = self.files[entry.file].1.get(entry.bytes.clone()).unwrap_or_default();
        let values: Vec<f32> = match entry.element {
            Dtype::F32 => words(bytes).map(f32::from_le_bytes).collect(),
            Dtype::F16 => words(bytes).map(|w| f16::from_le_bytes(w).to_f32()).collect(),
            Dtype::BF16 => words(bytes).map(|w| bf16::from_le_bytes(w).to_f32()).collect(),
            Dtype::F64 => words(bytes).map(|w| f64::from_le_bytes(w) as f32).collect(),
            other => return Err(self.not_float(name, other)),
        };
        match values.iter().position(|value| !value.is_finite()) {
            None => Ok(values),
            Some(i) => {
                let found = format!("{} at element {i}", values[i]);
                Err(Error::input(self.place(name), found, "finite numbers", "use a checkpoint that is not damaged"))
            }
        }
    }

    fn not_float(&self, name: &str, element: Dtype) -> Error {
        let found = format!("element type {element:?}");
        let remedy = "a checkpoint in whole numbers or in 4 to 8 bits has been quantised already: use the original";
        Error::input(self.place(name), found, "F32, F16, BF16 or F64", remedy)
    }
}

/// The elements of `bytes`, of `N` bytes each; its length is a multiple by the header's check.
fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// Maps a regular file; anything else could block or never end.
fn map(path: &Path) -> Result<Mmap> {
    let io = |e| Error::io(path, e);
    let file = match std::fs::metadata(path).map_err(io)?.is_file() {
        true => File::open(path).map_err(io)?,
        false => {
            let place = path.display().to_string();
            return Err(Error::input(place, "no regular file", "a safetensors file", "copy the checkpoint to disk"));
        }
    };
    // SAFETY: the map is read-only and private to this value, and is read through checked slices only. That nobody
    // changes the file meanwhile cannot be checked; the module's documentation demands it of the user.
    unsafe { Mmap::map(&file) }.map_err(io)
}

/// Why a file is not accepted. A file fetched without its content is told apart: it is the most frequent case.
fn damaged(path: &Path, bytes: &[u8], error: &SafeTensorError) -> Error {
    if bytes.starts_with(b"version https://git-lfs") {
        let expected = "the checkpoint itself";
        return Error::input(path.display().to_string(), "a Git LFS pointer", expected, "fetch it with `git lfs pull`");
    }
    let remedy = "check that this is the right file and that it is complete";
    Error::input(path.display().to_string(), error.to_string(), "a safetensors file", remedy)
}

#[cfg(test)]
#[path = "tensors_tests.rs"]
mod tests;
