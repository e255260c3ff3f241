//! Labelled samples in memory, checked once: from here on no label, no pixel and no token is out of range.
//!
//! A sample is an image with one label, or a window of a text with a label for each of its positions: the token that comes
//! next. Where there is none to predict, the label is [`IGNORED`].

use crate::error::{Error, Result};

/// The label of a prediction that counts in no loss and in no accuracy.
pub const IGNORED: u32 = u32::MAX;

/// How many predictions count: those whose label is not [`IGNORED`].
pub fn counted(labels: &[u32]) -> usize {
    labels.iter().filter(|&&label| label != IGNORED).count()
}

/// The pixels of all images, `[N, C, H, W]` in row-major order, in the precision of their file; or the tokens of all
/// windows, `[N, positions]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// 0..=255, which stands for 0..=1.
    Bytes(Vec<u8>),
    /// Finite numbers, used as they are.
    Floats(Vec<f32>),
    /// Numbers of tokens.
    Tokens(Vec<u32>),
}

impl Pixels {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Pixels::Bytes(bytes) => bytes.len(),
            Pixels::Floats(floats) => floats.len(),
            Pixels::Tokens(tokens) => tokens.len(),
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
            Pixels::Tokens(tokens) => tokens.truncate(len),
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

/// What a reader of texts gives: windows, not yet compared with a vocabulary.
#[derive(Debug, Clone, PartialEq)]
pub struct Windows {
    /// Numbers of tokens, `[N, positions]`.
    pub inputs: Vec<u32>,
    /// The token that follows each position, or [`IGNORED`]; `[N, positions]`.
    pub labels: Vec<u32>,
    /// Tokens of a window.
    pub positions: usize,
    /// Name of the file in messages.
    pub place: String,
}

/// Labelled samples of one shape. There is at least one; every label is below the number of classes, or [`IGNORED`], but
/// one of every sample; no pixel is NaN or infinite; every token is below the number of classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    pixels: Pixels,
    labels: Vec<u32>,
    shape: [usize; 3],
    classes: usize,
    predictions: usize,
}

/// Largest vocabulary: the networks read token numbers as f32, which is exact up to here.
const MOST_TOKENS: usize = 1 << 24;

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
        Ok(Self { pixels: images.pixels, labels: labels.values, shape, classes, predictions: 1 })
    }

    /// Windows of a text, for a network that knows `vocabulary` tokens.
    ///
    /// # Errors
    /// When there is no window, a window has nothing to predict, a token is not below `vocabulary`, or `vocabulary` is above
    /// 2²⁴; each names the file and the first wrong window and position (counted from 0).
    pub fn of_windows(windows: Windows, vocabulary: usize) -> Result<Self> {
        let Windows { inputs, labels, positions, place } = windows;
        if vocabulary > MOST_TOKENS {
            let found = format!("a vocabulary of {vocabulary} tokens");
            return Err(Error::input(place, found, format!("at most {MOST_TOKENS}"), "use another network"));
        }
        if positions == 0
            || inputs.is_empty()
            || !inputs.len().is_multiple_of(positions)
            || inputs.len() != labels.len()
        {
            let found = format!("{} tokens and {} labels", inputs.len(), labels.len());
            let expected = format!("windows of {positions} tokens, one label each");
            return Err(Error::input(place, found, expected, "use a text that is not empty"));
        }
        let beyond = |&(_, &token): &(usize, &u32)| token as usize >= vocabulary;
        let labelled = labels.iter().enumerate().filter(|(_, label)| **label != IGNORED);
        if let Some((i, token)) = inputs.iter().enumerate().find(beyond).or_else(|| labelled.clone().find(beyond)) {
            let place = format!("{place}: window {}, position {}", i / positions, i % positions);
            let remedy = "use the tokenizer that belongs to the network";
            let expected = format!("a token below {vocabulary}, the network's vocabulary");
            return Err(Error::input(place, format!("token {token}"), expected, remedy));
        }
        if let Some(window) = labels.chunks_exact(positions).position(|labels| counted(labels) == 0) {
            let place = format!("{place}: window {window}");
            return Err(Error::input(place, "nothing to predict", "a token that has a next one", "use longer texts"));
        }
        let shape = [1, 1, positions];
        Ok(Self { pixels: Pixels::Tokens(inputs), labels, shape, classes: vocabulary, predictions: positions })
    }

    /// Appends the images of `other` after its own.
    ///
    /// # Errors
    /// When shape, number of classes or pixel type differ.
    pub fn append(&mut self, other: Self) -> Result<()> {
        match (&mut self.pixels, other.pixels) {
            _ if (self.shape, self.classes, self.predictions) != (other.shape, other.classes, other.predictions) => {
                return Err(Error::Internal("data sets of different shapes cannot be joined".into()));
            }
            (Pixels::Tokens(own), Pixels::Tokens(others)) => own.extend_from_slice(&others),
            (Pixels::Bytes(own), Pixels::Bytes(others)) => own.extend_from_slice(&others),
            (Pixels::Floats(own), Pixels::Floats(others)) => own.extend_from_slice(&others),
            _ => return Err(Error::Internal("data sets of different pixel types cannot be joined".into())),
        }
        self.labels.extend_from_slice(&other.labels);
        Ok(())
    }

    /// Keeps the first `count` samples, or all if there are fewer; one at least.
    pub fn truncate(&mut self, count: usize) {
        let count = count.max(1);
        self.labels.truncate(count.saturating_mul(self.predictions));
        self.pixels.truncate(count.saturating_mul(self.volume()));
    }

    /// Number of samples, N ≥ 1.
    pub fn len(&self) -> usize {
        self.labels.len() / self.predictions
    }

    /// Never true; there for the convention of `len`.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Channels, height, width; 1, 1 and the positions of a window.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Shape of a sample as networks read it: `[C, H, W]`, or `[positions]`.
    pub fn input_shape(&self) -> Vec<usize> {
        match self.pixels {
            Pixels::Tokens(_) => vec![self.shape[2]],
            _ => self.shape.to_vec(),
        }
    }

    /// Numbers in one sample, C·H·W.
    pub fn volume(&self) -> usize {
        volume(self.shape)
    }

    /// What samples are called in messages.
    pub fn samples(&self) -> &'static str {
        match self.pixels {
            Pixels::Tokens(_) => "windows",
            _ => "images",
        }
    }

    /// Labels of one sample: 1 of an image, as many as positions of a window.
    pub fn predictions_per_sample(&self) -> usize {
        self.predictions
    }

    /// The labels of every sample, `[N, predictions]`.
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
