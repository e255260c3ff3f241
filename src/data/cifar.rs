//! CIFAR-10, binary version: records of one label byte and 3,072 pixel bytes (red, green, blue plane of 32 × 32, each
//! row by row), 10,000 in each of the original files. Plain or gzip. Krizhevsky, "Learning multiple layers of features
//! from tiny images" (2009), and the page of the data set.

use std::path::Path;

use super::MAX_BYTES;
use super::dataset::{Dataset, Images, Labels, Pixels};
use super::input::Input;
use crate::error::{Error, Result};

/// Channels, height and width of every image.
pub const SHAPE: [usize; 3] = [3, 32, 32];
const VOLUME: usize = SHAPE[0] * SHAPE[1] * SHAPE[2];
const RECORD: usize = 1 + VOLUME;

/// Reads one file and checks it against the network's input and outputs.
///
/// # Errors
/// When the file cannot be read, is empty, ends within a record, or as [`Dataset::new`] says.
pub fn read(path: &Path, shape: [usize; 3], classes: usize) -> Result<Dataset> {
    let (images, labels) = records(Input::open(path)?)?;
    Dataset::new(images, labels, shape, classes)
}

fn records(mut input: Input) -> Result<(Images, Labels)> {
    let (mut pixels, mut values) = (Vec::new(), Vec::new());
    let mut record = [0; RECORD];
    loop {
        match input.fill(&mut record)? {
            0 => break,
            RECORD => {}
            filled => {
                return Err(Error::input(
                    format!("{}: record {}", input.place(), values.len()),
                    format!("{filled} bytes before the end of the file"),
                    format!("records of {RECORD} bytes (CIFAR-10, binary version)"),
                    "the file is truncated or of another format (CIFAR-100 has records of 3074 bytes)",
                ));
            }
        }
        if (pixels.len() + VOLUME) as u64 > MAX_BYTES {
            let expected = format!("at most {MAX_BYTES} bytes of pixels");
            return Err(input.fault("more records", expected, "split the file"));
        }
        values.push(u32::from(record[0]));
        pixels.extend_from_slice(&record[1..]);
    }
    pixels.shrink_to_fit();
    let place = input.place().to_owned();
    Ok((Images { pixels: Pixels::Bytes(pixels), shape: SHAPE, place: place.clone() }, Labels { values, place }))
}

#[cfg(test)]
#[path = "cifar_tests.rs"]
mod tests;
