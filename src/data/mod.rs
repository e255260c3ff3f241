//! Labelled images, and texts: readers of the usual file formats, and seeded batches.
//!
//! | module | has |
//! |-|-|
//! | [`source`] | which files hold a data set; loads them and hashes them |
//! | [`dataset`] | the samples and labels in memory, checked |
//! | [`text`] | a text cut into windows of tokens, each with the token that comes next |
//! | [`idx`], [`cifar`], [`npy`], [`npy_header`] | one file format each; `npy` also for the arrays inside an `.npz` |
//! | [`npz_writer`] | arrays written as an `.npz` |
//! | [`archive`], `zip_directory` | the members of an `.npz` (zip) file |
//! | [`input`] | reading with the place of every fault and without trust in any header |
//! | [`normalization`], [`channel_statistics`] | pixel value → network input, per channel, given or measured |
//! | [`batches`], [`augmentation`] | batches by number, shuffled, cropped and flipped from named random streams |
//!
//! What files claim is never believed: memory grows with the bytes that are really there, at most [`MAX_BYTES`] of them
//! an array, and every count in a header is compared with the data.

pub mod archive;
pub mod augmentation;
pub mod batches;
pub mod channel_statistics;
pub mod cifar;
pub mod dataset;
pub mod idx;
pub mod input;
pub mod normalization;
pub mod npy;
pub mod npy_header;
pub mod npz_writer;
pub mod source;
pub mod text;
mod zip_directory;

pub use augmentation::Augmentation;
pub use batches::{Batch, Batches};
pub use dataset::{Dataset, IGNORED, Images, Labels, Pixels, Windows, counted};
pub use normalization::Normalization;
pub use npz_writer::{NamedArray, write_npz};

/// Most bytes that one array may have after decompression: 8 GiB. A compressed file of a few megabytes can claim more.
pub const MAX_BYTES: u64 = 8 << 30;
