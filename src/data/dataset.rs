//! Labelled images in memory, checked once: from here on no label and no pixel is out of range.

use crate::error::{Error, Result};

/// The pixels of all images, `[N, C, H, W]` in row-major order, in the precision of their file.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// 0..=255, which stands for 0..=1.
    Bytes(Vec<u8>),
    /// Finite numbers, used as they are.
    Floats(Vec<f32>),
}

impl Pixels {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Pixels::Bytes(bytes) => bytes.len(),
            Pixels::Floats(floats) => floats.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn truncate(&mut self, len: usize) {
        match self {
            Pixels::Bytes(bytes) => bytes.truncate(len),
            Pixels::Floats(floats) => floats.truncate(len),
        }
    }
}

/// What a reader of images gives: not yet compared with labels or with a network.
#[derive(Debug, Clone)]
pub struct Images {
    /// All pixels.
    pub pixels: Pixels,
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Name of the file in messages.
    pub place: String,
}

impl Images {
    /// How many whole images.
    pub fn len(&self) -> usize {
        self.pixels.len().checked_div(volume(self.shape)).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a reader of labels gives.
#[derive(Debug, Clone)]
pub struct Labels {
    /// One label an image.
    pub values: Vec<u32>,
    /// Name of the file in messages.
    pub place: String,
}

/// Labelled images of one shape. There is at least one; every label is below the number of classes; no pixel is NaN or
/// infinite.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    pixels: Pixels,
    labels: Vec<u32>,
    shape: [usize; 3],
    classes: usize,
}

/// Numbers in one image; `usize::MAX` where the product overflows.
fn volume(shape: [usize; 3]) -> usize {
    shape.iter().fold(1, |product, &size| product.saturating_mul(size))
}

fn show(shape: [usize; 3]) -> String {
    format!("{} × {} × {}", shape[0], shape[1], shape[2])
}

impl Dataset {
    /// Puts images and labels together. `shape` is the network's input `[C, H, W]`, `classes` the number of its outputs.
    ///
    /// # Errors
    /// When the shapes or the counts differ, there is no image, a label is not below `classes`, or a pixel is NaN or
    /// infinite; each names the file and the first wrong image, label or record (counted from 0).
    pub fn new(images: Images, labels: Labels, shape: [usize; 3], classes: usize) -> Result<Self> {
        let wrong = |place: &str, found: String, expected: String, remedy: &str| -> Result<Self> {
            Err(Error::input(place, found, expected, remedy))
        };
        if volume(shape) == 0 {
            let remedy = "give the network an input of at least one channel and one pixel";
            return wrong(&images.place, format!("a network input of {}", show(shape)), "sizes above 0".into(), remedy);
        }
        if images.shape != shape {
            let (found, expected) = (show(images.shape), show(shape));
            return wrong(
                &images.place,
                format!("images of {found} (channels × height × width)"),
                format!("{expected}, the network's input"),
                "choose the data set or the network's input so that they agree",
            );
        }
        if images.is_empty() || !images.pixels.len().is_multiple_of(volume(shape)) {
            let found = format!("{} numbers", images.pixels.len());
            let expected = format!("one image of {} or more", show(shape));
            return wrong(&images.place, found, expected, "use a data set that is not empty");
        }
        if labels.values.len() != images.len() {
            let found = format!("{} labels", labels.values.len());
            let expected = format!("{}, one for each image of {}", images.len(), images.place);
            return wrong(&labels.place, found, expected, "use the label file that belongs to the image file");
        }
        if let Some((record, label)) = labels.values.iter().enumerate().find(|&(_, &label)| label as usize >= classes) {
            let place = format!("{}: record {record}", labels.place);
            let remedy = "give the network as many outputs as there are classes, or repair the labels";
            return wrong(&place, format!("label {label}"), format!("a label below {classes}"), remedy);
        }
        if let Pixels::Floats(floats) = &images.pixels
            && let Some(i) = floats.iter().position(|x| !x.is_finite())
        {
            let place = format!("{}: image {}", images.place, i / volume(shape));
            let found = format!("{} at element {}", floats[i], i % volume(shape));
            return wrong(&place, found, "finite numbers in the range of f32".into(), "repair or remove that image");
        }
        Ok(Self { pixels: images.pixels, labels: labels.values, shape, classes })
    }

    /// Appends the images of `other` after its own.
    ///
    /// # Errors
    /// When shape, number of classes or pixel type differ.
    pub fn append(&mut self, other: Self) -> Result<()> {
        match (&mut self.pixels, other.pixels) {
            _ if (self.shape, self.classes) != (other.shape, other.classes) => {
                return Err(Error::Internal("data sets of different shapes cannot be joined".into()));
            }
            (Pixels::Bytes(own), Pixels::Bytes(others)) => own.extend_from_slice(&others),
            (Pixels::Floats(own), Pixels::Floats(others)) => own.extend_from_slice(&others),
            _ => return Err(Error::Internal("data sets of different pixel types cannot be joined".into())),
        }
        self.labels.extend_from_slice(&other.labels);
        Ok(())
    }

    /// Keeps the first `count` images, or all if there are fewer; one at least.
    pub fn truncate(&mut self, count: usize) {
        let count = count.max(1);
        self.labels.truncate(count);
        self.pixels.truncate(count.saturating_mul(self.volume()));
    }

    /// Number of images, N ≥ 1.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true; there for the convention of `len`.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Channels, height, width.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Numbers in one image, C·H·W.
    pub fn volume(&self) -> usize {
        volume(self.shape)
    }

    /// The class of every image.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// All pixels, as read.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }
}

#[cfg(test)]
#[path = "dataset_tests.rs"]
mod tests;
