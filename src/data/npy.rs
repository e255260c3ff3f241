//! NumPy's `.npy` arrays, alone or as members of an `.npz`.
//!
//! ```text
//! 93 'NUMPY' major minor  |  header length (u16, from version 2 on u32, little-endian)  |  header  |  elements
//! header = {'descr': '<f4', 'fortran_order': False, 'shape': (100, 28, 28), }
//! ```
//!
//! NumPy enhancement proposal 1, and `numpy.lib.format`. Images: u1, f4 or f8, `[N, H, W]` (one channel) or
//! `[N, C, H, W]`; bytes stand for 0..=1, floats are used as they are, f8 rounded to f32. Labels and tokens: any integer type.
//! Both byte orders. The header is read here and not with npyz, which reserves up to 4 GiB for a header because its length
//! field says so, and multiplies the sizes of the shape unchecked.

use std::path::Path;

use super::archive::open_member;
use super::dataset::{Images, Labels, Pixels};
use super::input::Input;
use super::npy_header::{Header, Kind};
use crate::error::{Error, Result};

/// Reads images from an `.npy` file; see the module.
///
/// # Errors
/// When the file cannot be read, is not an array of images, is truncated, or has further bytes.
pub fn read_images(path: &Path) -> Result<Images> {
    images(Input::open(path)?)
}

/// Reads `expected` labels from an `.npy` file; see the module.
///
/// # Errors
/// As [`read_images`]; also when the number of labels differs, or a label is not in the range of u32.
pub fn read_labels(path: &Path, expected: usize) -> Result<Labels> {
    labels(Input::open(path)?, expected)
}

/// Reads images from the array `name` of an `.npz` file; see the module.
///
/// # Errors
/// As [`read_images`] and [`open_member`].
pub fn read_images_from_npz(path: &Path, name: &str) -> Result<Images> {
    images(open_member(path, &format!("{name}.npy"))?)
}

/// Reads `expected` labels from the array `name` of an `.npz` file; see the module.
///
/// # Errors
/// As [`read_labels`] and [`open_member`].
pub fn read_labels_from_npz(path: &Path, name: &str, expected: usize) -> Result<Labels> {
    labels(open_member(path, &format!("{name}.npy"))?, expected)
}

/// Any array of an `.npz` file as f32, with its shape. Whole numbers up to 2²⁴ are exact; f8 is rounded. Bools are bytes.
///
/// # Errors
/// As [`read_images_from_npz`], for arrays of any shape.
pub fn read_array_from_npz(path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
    numbers(open_member(path, &format!("{name}.npy"))?, |number| number as f32)
}

/// Any array as f64, with its shape. Whole numbers up to 2⁵³ are exact. Bools are bytes.
///
/// # Errors
/// When it is not an array of numbers, is truncated, or has further bytes.
pub fn read_array(input: Input) -> Result<(Vec<usize>, Vec<f64>)> {
    numbers(input, |number| number)
}

fn numbers<T>(mut input: Input, c: impl Fn(f64) -> T) -> Result<(Vec<usize>, Vec<T>)> {
    let header = Header::read(&mut input)?;
    let count = header.elements(&input)?;
    let big = header.big_endian;
    let values = match (header.kind, header.size) {
        (Kind::Float, 4) => input.elements(count, |_, b| c(f32::from_le_bytes(little(b, big)).into()))?,
        (Kind::Float, 8) => input.elements(count, |_, b| c(f64::from_le_bytes(little(b, big))))?,
        (Kind::Unsigned, 1) | (Kind::Other('b'), 1) => input.elements(count, |_, [byte]| c(byte.into()))?,
        (Kind::Signed, 1) => input.elements(count, |_, b| c(i8::from_le_bytes(b).into()))?,
        (Kind::Unsigned, 2) => input.elements(count, |_, b| c(u16::from_le_bytes(little(b, big)).into()))?,
        (Kind::Signed, 2) => input.elements(count, |_, b| c(i16::from_le_bytes(little(b, big)).into()))?,
        (Kind::Unsigned, 4) => input.elements(count, |_, b| c(u32::from_le_bytes(little(b, big)).into()))?,
        (Kind::Signed, 4) => input.elements(count, |_, b| c(i32::from_le_bytes(little(b, big)).into()))?,
        (Kind::Unsigned, 8) => input.elements(count, |_, b| c(u64::from_le_bytes(little(b, big)) as f64))?,
        (Kind::Signed, 8) => input.elements(count, |_, b| c(i64::from_le_bytes(little(b, big)) as f64))?,
        _ => {
            let remedy = "convert the array, with .astype(numpy.float32)";
            return Err(input.fault(header.type_name(), "numbers of type f4, f8, u1…u8, i1…i8 or b1", remedy));
        }
    };
    input.end()?;
    Ok((header.shape, values))
}

fn images(mut input: Input) -> Result<Images> {
    let header = Header::read(&mut input)?;
    let shape = match header.shape[..] {
        [_, height, width] => [1, height, width],
        [_, channels, height, width] => [channels, height, width],
        _ => {
            let expected = "[images, height, width] or [images, channels, height, width]";
            return Err(input.fault(format!("the shape {:?}", header.shape), expected, "reshape the array"));
        }
    };
    let count = header.elements(&input)?;
    let big = header.big_endian;
    let pixels = match (header.kind, header.size) {
        (Kind::Unsigned, 1) => Pixels::Bytes(input.elements(count, |_, [byte]| byte)?),
        (Kind::Float, 4) => Pixels::Floats(input.elements(count, |_, b| f32::from_le_bytes(little(b, big)))?),
        (Kind::Float, 8) => Pixels::Floats(input.elements(count, |_, b| f64::from_le_bytes(little(b, big)) as f32)?),
        _ => {
            let remedy = "convert the array, with .astype(numpy.uint8) or .astype(numpy.float32)";
            return Err(input.fault(header.type_name(), "elements of type u1, f4 or f8", remedy));
        }
    };
    input.end()?;
    Ok(Images { pixels, shape, place: input.place().to_owned() })
}

/// Numbers of tokens with the shape of their array, of rank 1 or 2.
///
/// # Errors
/// When the file cannot be read, is no array of integers of that rank, is truncated, has further bytes, or a number is not in
/// the range of u32.
pub fn read_tokens(path: &Path) -> Result<(Vec<usize>, Vec<u32>)> {
    let mut input = Input::open(path)?;
    let header = Header::read(&mut input)?;
    if !matches!(header.shape.len(), 1 | 2) {
        let found = format!("tokens of shape {:?}", header.shape);
        return Err(input.fault(found, "the shape [tokens] or [samples, positions]", "reshape the array"));
    }
    let values = whole_numbers(&mut input, &header, "token")?;
    Ok((header.shape, values))
}

fn labels(mut input: Input, expected: usize) -> Result<Labels> {
    let header = Header::read(&mut input)?;
    if header.shape != [expected] {
        let found = format!("labels of shape {:?}", header.shape);
        let remedy = "use the labels that belong to the images, as one class number an image";
        return Err(input.fault(found, format!("the shape [{expected}], one label for each image"), remedy));
    }
    Ok(Labels { values: whole_numbers(&mut input, &header, "label")?, place: input.place().to_owned() })
}

/// The elements, `what` they are called, of an array of integers, to its end.
fn whole_numbers(input: &mut Input, header: &Header, what: &str) -> Result<Vec<u32>> {
    let count = header.elements(input)?;
    let big = header.big_endian;
    let mut wrong = None;
    let mut checked = |record: usize, number: i128| {
        u32::try_from(number).unwrap_or_else(|_| {
            wrong.get_or_insert((record, number));
            0
        })
    };
    let values = match (header.kind, header.size) {
        (Kind::Unsigned, 1) => input.elements(count, |i, b| checked(i, u8::from_le_bytes(b).into()))?,
        (Kind::Unsigned, 2) => input.elements(count, |i, b| checked(i, u16::from_le_bytes(little(b, big)).into()))?,
        (Kind::Unsigned, 4) => input.elements(count, |i, b| checked(i, u32::from_le_bytes(little(b, big)).into()))?,
        (Kind::Unsigned, 8) => input.elements(count, |i, b| checked(i, u64::from_le_bytes(little(b, big)).into()))?,
        (Kind::Signed, 1) => input.elements(count, |i, b| checked(i, i8::from_le_bytes(b).into()))?,
        (Kind::Signed, 2) => input.elements(count, |i, b| checked(i, i16::from_le_bytes(little(b, big)).into()))?,
        (Kind::Signed, 4) => input.elements(count, |i, b| checked(i, i32::from_le_bytes(little(b, big)).into()))?,
        (Kind::Signed, 8) => input.elements(count, |i, b| checked(i, i64::from_le_bytes(little(b, big)).into()))?,
        _ => {
            let remedy = format!("convert the {what}s, with .astype(numpy.int64)");
            return Err(input.fault(header.type_name(), format!("{what}s of an integer type"), &remedy));
        }
    };
    input.end()?;
    if let Some((record, number)) = wrong {
        let place = format!("{}: record {record}", input.place());
        let (expected, remedy) = match what {
            "label" => ("a class number, from 0 on", "repair the labels"),
            _ => ("a number from 0 to 4294967295", "write the numbers of the tokens"),
        };
        return Err(Error::input(place, format!("{what} {number}"), expected, remedy));
    }
    Ok(values)
}

/// The bytes of an element, low one first.
fn little<const S: usize>(mut bytes: [u8; S], big_endian: bool) -> [u8; S] {
    if big_endian {
        bytes.reverse();
    }
    bytes
}

#[cfg(test)]
#[path = "npy_tests.rs"]
mod tests;
