//! Where the images and labels, or the texts, lie, and how they are prepared.
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

/// Files of images and labels, or of texts, by format.
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
    /// A UTF-8 text, gzipped or not, for a network that predicts the next token at every position: cut into windows as
    /// [`crate::data::text`] says.
    Text {
        /// The text.
        file: PathBuf,
        /// Folder with the `tokenizer.json` that belongs to the network. Default: the folder of the model.
        tokenizer: Option<PathBuf>,
        /// Whether each of the documents that blank lines separate is a window of its own, cut at its end. Default false: the
        /// windows follow each other through the whole text; true or false.
        documents: bool,
    },
    /// Numbers of tokens, of any integer type: a text `[tokens]`, or `[windows, positions]`, or `[windows, positions + 1]`
    /// whose last token is predicted only.
    Tokens {
        /// NumPy file.
        file: PathBuf,
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
            Self::Text { file, tokenizer, documents } => {
                Self::Text { file: at(file), tokenizer: tokenizer.as_ref().map(at), documents: *documents }
            }
            Self::Tokens { file } => Self::Tokens { file: at(file) },
        }
    }

    /// The same source, a text with this folder for its tokenizer if it names none.
    pub fn with_tokenizer(self, default: Option<&Path>) -> Self {
        match self {
            Self::Text { file, tokenizer: None, documents } => {
                Self::Text { file, tokenizer: default.map(Path::to_path_buf), documents }
            }
            named => named,
        }
    }
}

/// One split of the data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitSpec {
    /// Exactly one of `idx`, `cifar10`, `npz` and `npy`, of images, and `text` and `tokens`, of texts. Required.
    pub source: SourceSpec,
    /// Only the first so many images, or windows of a text, are used. Default: all; a whole number from 1 to 1000000000.
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
    /// Of images only. Default: mean and standard deviation measured on the training images.
    pub normalization: Option<Normalization>,
    /// Of images only. Default: none.
    pub augmentation: Option<Augmentation>,
}

impl DataSpec {
    pub(super) fn check(raw: &RawData, channels: Option<usize>, c: Checker<'_>) -> Result<Self> {
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
        let RawSplit { idx, cifar10, npz, npy, text, tokens, limit } = &raw.value;
        let mut given = Vec::new();
        if let Some(pair) = idx {
            given.push(SourceSpec::Idx { images: c.path(&pair.images)?, labels: c.path(&pair.labels)? });
        }
        if let Some(cifar10) = cifar10 {
            let files = c.filled(&cifar10.files, "file")?;
            let files = files.iter().map(|path| c.path(path)).collect::<Result<_>>()?;
            given.push(SourceSpec::Cifar10 { files });
        }
        if let Some(npz) = npz {
            let (images, labels) = (npz.images.value.clone(), npz.labels.value.clone());
            given.push(SourceSpec::Npz { file: c.path(&npz.file)?, images, labels });
        }
        if let Some(pair) = npy {
            given.push(SourceSpec::Npy { images: c.path(&pair.images)?, labels: c.path(&pair.labels)? });
        }
        if let Some(text) = text {
            let tokenizer = text.tokenizer.as_ref().map(|folder| c.path(folder)).transpose()?;
            let documents = text.documents.unwrap_or(false);
            given.push(SourceSpec::Text { file: c.path(&text.file)?, tokenizer, documents });
        }
        if let Some(tokens) = tokens {
            given.push(SourceSpec::Tokens { file: c.path(&tokens.file)? });
        }
        let count = given.len();
        let (Some(source), 1) = (given.pop(), count) else {
            let expected = "exactly one of idx, cifar10, npz, npy, text and tokens";
            return Err(c.fault(raw, ValueFault::new(format!("{count} sources of data"), expected, "")));
        };
        let limit = limit.as_ref().map(|limit| c.whole(limit, IMAGES)).transpose()?;
        Ok(Self { source, limit })
    }
}

impl Normalization {
    fn check(raw: &RawNormalization, channels: Option<usize>, c: Checker<'_>) -> Result<Self> {
        // Of a network from a file the channels are known later.
        let channels = channels.unwrap_or(raw.mean.value.len());
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
        let text = |file: &str, folder: Option<&str>| SourceSpec::Text {
            file: file.into(),
            tokenizer: folder.map(PathBuf::from),
            documents: true,
        };
        let source = text("t.txt", Some("/m")).in_folder(Path::new("spaces")).with_tokenizer(Some(Path::new("other")));
        assert_eq!(source, text("spaces/t.txt", Some("/m")));
        assert_eq!(text("t.txt", None).with_tokenizer(Some(Path::new("m"))), text("t.txt", Some("m")));
    }
}
