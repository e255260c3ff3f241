//! The header of an `.npy` array: element type, order and shape. See [`super::npy`] for the format.

use super::MAX_BYTES;
use super::input::Input;
use crate::error::Result;

const MAGIC: [u8; 6] = *b"\x93NUMPY";

/// Longest header that is read; NumPy's own limit (`max_header_size`).
const MAX_HEADER: usize = 10_000;

/// Most dimensions that NumPy arrays have.
const MAX_RANK: usize = 64;

/// Kind of the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `u`.
    Unsigned,
    /// `i`.
    Signed,
    /// `f`.
    Float,
    /// Any other letter.
    Other(char),
}

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Kind of the elements.
    pub kind: Kind,
    /// Bytes of an element.
    pub size: usize,
    /// Whether the high byte of an element comes first.
    pub big_endian: bool,
    /// Whether the first dimension runs fastest.
    pub fortran_order: bool,
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
}

impl Header {
    /// Reads magic, version and header; leaves `input` at the first element.
    ///
    /// # Errors
    /// When they are not those of an `.npy` array of versions 1 to 3 with plain elements.
    pub fn read(input: &mut Input) -> Result<Self> {
        let magic: [u8; 6] = input.array()?;
        if magic != MAGIC {
            let found = format!("the bytes {magic:02x?}");
            return Err(input.fault(found, "the first bytes of an .npy array", "write the array with numpy.save"));
        }
        let version = input.array::<2>()?;
        let len = match version {
            [1, 0] => usize::from(u16::from_le_bytes(input.array()?)),
            [2 | 3, 0] => u32::from_le_bytes(input.array()?) as usize,
            [major, minor] => {
                let found = format!("format version {major}.{minor}");
                return Err(input.fault(found, "version 1.0, 2.0 or 3.0", "write the array with numpy.save"));
            }
        };
        if len > MAX_HEADER {
            let expected = format!("at most {MAX_HEADER}");
            return Err(input.fault(format!("a header of {len} bytes"), expected, "write a plain array"));
        }
        let text = input.elements(len, |_, [byte]| byte)?;
        parse(&text).ok_or_else(|| {
            let shown: String = String::from_utf8_lossy(&text).trim_end().chars().take(200).collect();
            input.fault(
                format!("the header {shown:?}"),
                "{'descr': '<f4', 'fortran_order': False, 'shape': (…)} with numbers as elements",
                "write a plain array of numbers with numpy.save",
            )
        })
    }

    /// How many elements there are.
    ///
    /// # Errors
    /// When they have more than [`MAX_BYTES`] bytes, or are in Fortran order.
    pub fn elements(&self, input: &Input) -> Result<usize> {
        if self.fortran_order && self.shape.len() > 1 {
            let remedy = "write numpy.ascontiguousarray(array)";
            return Err(input.fault("an array in Fortran order", "C order (the last dimension runs fastest)", remedy));
        }
        let count = self.shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
        let fits = |count: &usize| count.checked_mul(self.size).is_some_and(|bytes| bytes as u64 <= MAX_BYTES);
        count.filter(fits).ok_or_else(|| {
            let found = format!("an array of shape {:?} with {} bytes an element", self.shape, self.size);
            input.fault(found, format!("at most {MAX_BYTES} bytes"), "the file is damaged, or has to be split")
        })
    }

    /// The element type, for messages.
    pub fn type_name(&self) -> String {
        let letter = match self.kind {
            Kind::Unsigned => 'u',
            Kind::Signed => 'i',
            Kind::Float => 'f',
            Kind::Other(letter) => letter,
        };
        format!("elements of type {letter}{}", self.size)
    }
}

/// The dictionary with exactly the three keys, in any order, each once.
fn parse(text: &[u8]) -> Option<Header> {
    let mut text = Text(std::str::from_utf8(text).ok()?);
    let (mut kind, mut fortran_order, mut shape) = (None, None, None);
    text.take("{")?;
    while text.take("}").is_none() {
        let key = text.string()?;
        text.take(":")?;
        match key {
            "descr" if kind.is_none() => kind = Some(element_type(text.string()?)?),
            "fortran_order" if fortran_order.is_none() => fortran_order = Some(text.boolean()?),
            "shape" if shape.is_none() => shape = Some(text.tuple()?),
            _ => return None,
        }
        if text.take(",").is_none() {
            text.take("}")?;
            break;
        }
    }
    let (kind, size, big_endian) = kind?;
    let header = Header { kind, size, big_endian, fortran_order: fortran_order?, shape: shape? };
    text.0.trim_start().is_empty().then_some(header)
}

/// `<f4`: byte order, kind, bytes.
fn element_type(descr: &str) -> Option<(Kind, usize, bool)> {
    let mut letters = descr.chars();
    let big_endian = match letters.next()? {
        '<' | '|' => false,
        '>' => true,
        _ => return None,
    };
    let kind = match letters.next()? {
        'u' => Kind::Unsigned,
        'i' => Kind::Signed,
        'f' => Kind::Float,
        letter => Kind::Other(letter),
    };
    let digits = letters.as_str();
    let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok())?.map(|size| (kind, size, big_endian))
}

/// What is left of the header; every method skips white space first, and takes nothing where it gives `None`.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn take(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(token)?;
        Some(())
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        let quote = if self.take("'").is_some() { '\'' } else { self.take("\"").map(|()| '"')? };
        let (string, rest) = self.0.split_once(quote)?;
        self.0 = rest;
        (!string.contains('\\')).then_some(string)
    }

    fn boolean(&mut self) -> Option<bool> {
        self.take("True").map(|()| true).or_else(|| self.take("False").map(|()| false))
    }

    /// `()`, `(5,)`, `(5, 3)`; also with Python 2's suffix `L`.
    fn tuple(&mut self) -> Option<Vec<usize>> {
        self.take("(")?;
        let mut sizes = Vec::new();
        while self.take(")").is_none() {
            let text = self.0.trim_start();
            let digits = text.len() - text.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
            sizes.push(text[..digits].parse().ok()?);
            self.0 = &text[digits..];
            let _ = self.take("L");
            if self.take(",").is_none() {
                self.take(")")?;
                break;
            }
            if sizes.len() > MAX_RANK {
                return None;
            }
        }
        Some(sizes)
    }
}

#[cfg(test)]
#[path = "npy_header_tests.rs"]
mod tests;
