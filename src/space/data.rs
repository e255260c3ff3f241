//! Where the images and labels lie, and how they are prepared.
//!
//! Paths are kept as written, so that the serialised form is the same in every checkout; [`SourceSpec::in_folder`]
//! gives the paths to open.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_saphyr::Spanned;

use super::check::Checker;
use super::ranged::{CROP_PADDING, IMAGES, MEAN, Real, STD};
use super::raw::{RawAugmentation, RawData, RawNormalization, RawSplit, Text};
use crate::error::Result;
use crate::error::ValueFault;

/// Files of images and labels, by format.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceSpec {
    /// The IDX files of MNIST and its relatives, gzipped or not.
    Idx {
        /// Images, `[n, height, width]` of u8.
        images: PathBuf,
        /// Labels, `[n]` of u8.
        labels: PathBuf,
    },
    /// The binary version of CIFAR-10.
    Cifar10 {
        /// Files of rows of one label and 3072 pixels, read in this order.
        files: Vec<PathBuf>,
    },
    /// Two arrays of one NumPy archive.
    Npz {
        /// The archive.
        file: PathBuf,
        /// Name of the array of images.
        images: String,
        /// Name of the array of labels.
        labels: String,
    },
    /// Two NumPy files.
    Npy {
        /// Images.
        images: PathBuf,
        /// Labels.
        labels: PathBuf,
    },
}

impl SourceSpec {
    /// The same source with its relative paths taken from `folder`, the one the search space lies in.
    pub fn in_folder(&self, folder: &Path) -> Self {
        let at = |path: &PathBuf| folder.join(path);
        match self {
            Self::Idx { images, labels } => Self::Idx { images: at(images), labels: at(labels) },
            Self::Cifar10 { files } => Self::Cifar10 { files: files.iter().map(at).collect() },
            Self::Npz { file, images, labels } => {
                Self::Npz { file: at(file), images: images.clone(), labels: labels.clone() }
            }
            Self::Npy { images, labels } => Self::Npy { images: at(images), labels: at(labels) },
        }
    }
}

/// One split of the data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitSpec {
    /// Exactly one of `idx`, `cifar10`, `npz` and `npy`. Required.
    pub source: SourceSpec,
    /// Only the first so many images are used. Default: all; a whole number from 1 to 1000000000.
    pub limit: Option<usize>,
}

/// Per channel, `(pixel − mean) / std` with pixels scaled to 0…1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Normalization {
    /// One for each channel; each a number from -1000000 to 1000000.
    pub mean: Vec<f64>,
    /// One for each channel; each a number above 0 to 1000000.
    pub std: Vec<f64>,
}

/// Random changes of every training image, new in every epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Augmentation {
    /// Zero pixels around the image, of which a random window is cut. Default 0; a whole number from 0 to 256.
    pub crop_padding: usize,
    /// Mirrors every second image, at random, left to right. Default false; true or false.
    pub flip: bool,
}

/// The data of a search space.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataSpec {
    /// Images to train on, to calibrate with and to take traces of. Required.
    pub train: SplitSpec,
    /// Images to report accuracies of. Required.
    pub test: SplitSpec,
    /// Default: mean and standard deviation measured on the training images.
    pub normalization: Option<Normalization>,
    /// Default: none.
    pub augmentation: Option<Augmentation>,
}

impl DataSpec {
    pub(super) fn check(raw: &RawData, channels: usize, c: Checker<'_>) -> Result<Self> {
        Ok(Self {
            train: SplitSpec::check(&raw.train, c)?,
            test: SplitSpec::check(&raw.test, c)?,
            normalization: raw.normalization.as_ref().map(|raw| Normalization::check(raw, channels, c)).transpose()?,
            augmentation: raw.augmentation.as_ref().map(|raw| Augmentation::check(raw, c)).transpose()?,
        })
    }
}

impl SplitSpec {
    fn check(raw: &Spanned<RawSplit>, c: Checker<'_>) -> Result<Self> {
        let RawSplit { idx, cifar10, npz, npy, limit } = &raw.value;
        let given =
            [idx.is_some(), cifar10.is_some(), npz.is_some(), npy.is_some()].into_iter().filter(|&is| is).count();
        let source = match (idx, cifar10, npz, npy) {
            (Some(pair), None, None, None) => {
                SourceSpec::Idx { images: c.path(&pair.images)?, labels: c.path(&pair.labels)? }
            }
            (None, Some(cifar10), None, None) => {
                let files = c.filled(&cifar10.files, "file")?;
                SourceSpec::Cifar10 { files: files.iter().map(|path| c.path(path)).collect::<Result<_>>()? }
            }
            (None, None, Some(npz), None) => SourceSpec::Npz {
                file: c.path(&npz.file)?,
                images: npz.images.value.clone(),
                labels: npz.labels.value.clone(),
            },
            (None, None, None, Some(pair)) => {
                SourceSpec::Npy { images: c.path(&pair.images)?, labels: c.path(&pair.labels)? }
            }
            _ => {
                let found = format!("{given} sources of images");
                return Err(c.fault(raw, ValueFault::new(found, "exactly one of idx, cifar10, npz and npy", "")));
            }
        };
        let limit = limit.as_ref().map(|limit| c.whole(limit, IMAGES)).transpose()?;
        Ok(Self { source, limit })
    }
}

impl Normalization {
    fn check(raw: &RawNormalization, channels: usize, c: Checker<'_>) -> Result<Self> {
        let list = |list: &Spanned<Vec<Text>>, range: Real| {
            if list.value.len() != channels {
                let found = format!("a list of {}", list.value.len());
                let expected = format!("{channels}, one for each channel of `model.input`");
                return Err(c.fault(list, ValueFault::new(found, expected, "")));
            }
            list.value.iter().map(|number| c.real(number, range)).collect()
        };
        Ok(Self { mean: list(&raw.mean, MEAN)?, std: list(&raw.std, STD)? })
    }
}

impl Augmentation {
    fn check(raw: &RawAugmentation, c: Checker<'_>) -> Result<Self> {
        Ok(Self { crop_padding: c.whole_or(&raw.crop_padding, 0, CROP_PADDING)?, flip: raw.flip.unwrap_or(false) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_relative_paths_move_into_the_folder() {
        let source = SourceSpec::Npy { images: "a/x.npy".into(), labels: "/b/y.npy".into() };
        let moved = SourceSpec::Npy { images: "spaces/a/x.npy".into(), labels: "/b/y.npy".into() };
        assert_eq!(source.in_folder(Path::new("spaces")), moved);
        let source = SourceSpec::Npz { file: "z.npz".into(), images: "x".into(), labels: "y".into() };
        let moved = SourceSpec::Npz { file: "spaces/z.npz".into(), images: "x".into(), labels: "y".into() };
        assert_eq!(source.in_folder(Path::new("spaces")), moved);
    }
}
