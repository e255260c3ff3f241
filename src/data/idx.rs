//! IDX, the format of MNIST and its successors: four bytes `00 00 type rank`, `rank` sizes as big-endian u32, then the
//! elements in row-major order. Plain or gzip.
//!
//! Images are u8 of rank 3 `[N, H, W]` (one channel) or 4 `[N, C, H, W]`, labels u8 of rank 1. The format is described on
//! the MNIST page of LeCun, Cortes and Burges.

use std::path::Path;

use super::MAX_BYTES;
use super::dataset::{Images, Labels, Pixels};
use super::input::Input;
use crate::error::{Error, Result};

/// Code of unsigned bytes.
const U8: u8 = 0x08;

/// Reads images; see the module.
///
/// # Errors
/// When the file cannot be read, is not IDX, has other elements or another rank, is truncated, or has further bytes.
pub fn read_images(path: &Path) -> Result<Images> {
    images(Input::open(path)?)
}

/// Reads `expected` labels; see the module.
///
/// # Errors
/// As [`read_images`]; also when the number of labels differs.
pub fn read_labels(path: &Path, expected: usize) -> Result<Labels> {
    labels(Input::open(path)?, expected)
}

fn images(mut input: Input) -> Result<Images> {
    let sizes = header(&mut input, &[3, 4], "images")?;
    let shape = match sizes[1..] {
        [height, width] => [1, height, width],
        [channels, height, width] => [channels, height, width],
        _ => return Err(Error::Internal("the header has rank 3 or 4".into())),
    };
    let pixels = Pixels::Bytes(elements(&mut input, &sizes)?);
    Ok(Images { pixels, shape, place: input.place().to_owned() })
}

fn labels(mut input: Input, expected: usize) -> Result<Labels> {
    let sizes = header(&mut input, &[1], "labels")?;
    if sizes != [expected] {
        let remedy = "use the label file that belongs to the image file";
        return Err(input.fault(format!("{} labels", sizes[0]), format!("{expected}, one for each image"), remedy));
    }
    let values = elements(&mut input, &sizes)?.into_iter().map(u32::from).collect();
    Ok(Labels { values, place: input.place().to_owned() })
}

/// The sizes, of which there are as many as one of `ranks` says.
fn header(input: &mut Input, ranks: &[u8], what: &str) -> Result<Vec<usize>> {
    let [zero, also_zero, kind, rank] = input.array()?;
    let allowed = ranks.iter().map(|rank| format!("{rank:02x}")).collect::<Vec<_>>().join(" or ");
    let expected = format!("00 00 08 {allowed} (IDX, {what})");
    let wrong =
        |found: String, remedy| Err(Error::input(format!("{}: byte 0", input.place()), found, expected, remedy));
    let magic = format!("the bytes {zero:02x} {also_zero:02x} {kind:02x} {rank:02x}");
    if (zero, also_zero) != (0, 0) {
        return wrong(magic, "give an IDX file, plain or gzip");
    }
    if kind != U8 {
        return wrong(format!("{magic}: elements of type {}", type_name(kind)), "write the elements as unsigned bytes");
    }
    if !ranks.contains(&rank) {
        return wrong(format!("{magic}: an array of rank {rank}"), "check that image and label file are not exchanged");
    }
    (0..rank).map(|_| input.array().map(|bytes| u32::from_be_bytes(bytes) as usize)).collect()
}

/// All elements, and nothing after them.
fn elements(input: &mut Input, sizes: &[usize]) -> Result<Vec<u8>> {
    let count = sizes.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let Some(count) = count.filter(|&count| count as u64 <= MAX_BYTES) else {
        let expected = format!("at most {MAX_BYTES} bytes of elements");
        return Err(input.fault(format!("the sizes {sizes:?}"), expected, "the file is damaged, or has to be split"));
    };
    let elements = input.elements(count, |_, [byte]| byte)?;
    input.end()?;
    Ok(elements)
}

fn type_name(kind: u8) -> String {
    let name = match kind {
        0x08 => "u8",
        0x09 => "i8",
        0x0b => "i16",
        0x0c => "i32",
        0x0d => "f32",
        0x0e => "f64",
        _ => "unknown",
    };
    format!("{kind:#04x} ({name})")
}

#[cfg(test)]
#[path = "idx_tests.rs"]
mod tests;
