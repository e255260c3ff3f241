//! Where the images and labels, or the text, of one data set are.

use std::path::PathBuf;

use super::dataset::Dataset;
use super::input::open;
use super::text::{self, Cut, Encode};
use super::{cifar, idx, npy};
use crate::error::{Error, Result};
use crate::space::SourceSpec;

impl SourceSpec {
    /// Reads the data set for a network of input `shape` `[C, H, W]` and `classes` outputs; keeps its first `limit`
    /// images, or all if there are fewer. The files are read and checked to their ends in any case.
    ///
    /// # Errors
    /// When a file is missing, damaged, of another type, or does not suit the network; `limit` is 0; no file is named.
    pub fn load(&self, shape: [usize; 3], classes: usize, limit: Option<usize>) -> Result<Dataset> {
        if limit == Some(0) {
            return Err(Error::input("data limit", "0", "1 or more images", "leave the limit out to take all images"));
        }
        let mut dataset = self.load_all(shape, classes)?;
        dataset.truncate(limit.unwrap_or(usize::MAX));
        Ok(dataset)
    }

    /// Reads a text for a network of `positions` tokens out of a `vocabulary`; keeps its first `limit` windows, or all if there
    /// are fewer. `encode`: the tokenizer, not asked where the source has token numbers.
    ///
    /// # Errors
    /// When a file is missing, damaged, no text, or does not suit the network; `limit` is 0.
    pub fn load_text(
        &self,
        (positions, vocabulary): (usize, usize),
        limit: Option<usize>,
        encode: &Encode<'_>,
    ) -> Result<Dataset> {
        if limit == Some(0) {
            return Err(Error::input(
                "data limit",
                "0",
                "1 or more windows",
                "leave the limit out to take all windows",
            ));
        }
        let limit = limit.unwrap_or(usize::MAX);
        let windows = match self {
            SourceSpec::Text { file, documents, .. } => {
                text::read_text(file, Cut { positions, documents: *documents, limit }, encode)?
            }
            SourceSpec::Tokens { file } => text::read_tokens(file, positions, limit)?,
            _ => return Err(self.unfit("images", "a text: `text` or `tokens`")),
        };
        Dataset::of_windows(windows, vocabulary)
    }

    fn unfit(&self, found: &str, expected: &str) -> Error {
        let place = self.paths().first().map_or_else(String::new, |path| path.display().to_string());
        Error::input(place, found, expected, "choose data of what the network reads")
    }

    fn load_all(&self, shape: [usize; 3], classes: usize) -> Result<Dataset> {
        let (images, labels) = match self {
            SourceSpec::Idx { images, labels } => {
                let images = idx::read_images(images)?;
                let count = images.len();
                (images, idx::read_labels(labels, count)?)
            }
            SourceSpec::Npy { images, labels } => {
                let images = npy::read_images(images)?;
                let count = images.len();
                (images, npy::read_labels(labels, count)?)
            }
            SourceSpec::Npz { file, images, labels } => {
                let images = npy::read_images_from_npz(file, images)?;
                let count = images.len();
                (images, npy::read_labels_from_npz(file, labels, count)?)
            }
            SourceSpec::Cifar10 { files } => {
                let mut parts = files.iter().map(|file| cifar::read(file, shape, classes));
                let Some(first) = parts.next() else {
                    let remedy = "name data_batch_1.bin and so on";
                    return Err(Error::input("CIFAR-10 data", "no file", "one file or more", remedy));
                };
                return parts.try_fold(first?, |mut dataset, part| dataset.append(part?).map(|()| dataset));
            }
            SourceSpec::Text { .. } | SourceSpec::Tokens { .. } => {
                return Err(self.unfit("a text", "images: `idx`, `cifar10`, `npz` or `npy`"));
            }
        };
        Dataset::new(images, labels, shape, classes)
    }

    /// All files, in the order in which they are read.
    pub fn paths(&self) -> Vec<PathBuf> {
        match self {
            SourceSpec::Idx { images, labels } | SourceSpec::Npy { images, labels } => {
                vec![images.clone(), labels.clone()]
            }
            SourceSpec::Cifar10 { files } => files.clone(),
            SourceSpec::Npz { file, .. } | SourceSpec::Tokens { file } => vec![file.clone()],
            SourceSpec::Text { file, tokenizer, .. } => {
                let tokenizer = tokenizer.iter().map(|folder| folder.join("tokenizer.json"));
                std::iter::once(file.clone()).chain(tokenizer).collect()
            }
        }
    }

    /// BLAKE3 hash, in hexadecimal, of all files in the order of [`SourceSpec::paths`]: of each its bytes as they are
    /// on disk, then their number as a u64, little-endian. Read from the end, the numbers tell where each file begins, so
    /// different files never give the hash the same bytes. It does not depend on where the files are.
    ///
    /// # Errors
    /// When a file is missing or cannot be read.
    pub fn content_hash(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        for path in self.paths() {
            let before = hasher.count();
            hasher.update_reader(open(&path)?).map_err(|error| Error::io(&path, error))?;
            // The bytes that were read, not those that the system promises: a file may grow, or be no regular file.
            let len = hasher.count() - before;
            hasher.update(&len.to_le_bytes());
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
