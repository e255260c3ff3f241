//! Element types of the format, and their bytes as our three kinds.

use super::proto::tensor_proto::DataType;
use super::tensor::{Data, ElementKind};

/// How the bits of an element are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Float,
    Bfloat,
    Signed,
    Unsigned,
    Bool,
}

/// An element type that the reader knows: two's complement, IEEE 754 or bfloat16; those below 8 bits are packed, the
/// first element in the lowest bits of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    form: Form,
    bits: usize,
}

impl Element {
    /// The type with a code of the format; for one that the reader does not know, its name.
    pub(super) fn from_code(code: i32) -> Result<Self, String> {
        let known = DataType::try_from(code).map_err(|_| format!("element type {code}"))?;
        let (form, bits) = match known {
            DataType::Float => (Form::Float, 32),
            DataType::Double => (Form::Float, 64),
            DataType::Float16 => (Form::Float, 16),
            DataType::Bfloat16 => (Form::Bfloat, 16),
            DataType::Int64 => (Form::Signed, 64),
            DataType::Int32 => (Form::Signed, 32),
            DataType::Int16 => (Form::Signed, 16),
            DataType::Int8 => (Form::Signed, 8),
            DataType::Int4 => (Form::Signed, 4),
            DataType::Int2 => (Form::Signed, 2),
            DataType::Uint64 => (Form::Unsigned, 64),
            DataType::Uint32 => (Form::Unsigned, 32),
            DataType::Uint16 => (Form::Unsigned, 16),
            DataType::Uint8 => (Form::Unsigned, 8),
            DataType::Uint4 => (Form::Unsigned, 4),
            DataType::Uint2 => (Form::Unsigned, 2),
            DataType::Bool => (Form::Bool, 8),
            other => return Err(format!("elements of type {}", other.as_str_name())),
        };
        Ok(Self { form, bits })
    }

    /// Bits of an element.
    pub(super) fn bits(self) -> usize {
        self.bits
    }

    /// What the elements are to us.
    pub(super) fn kind(self) -> ElementKind {
        match self.form {
            Form::Float | Form::Bfloat => ElementKind::Float,
            Form::Signed | Form::Unsigned => ElementKind::Int,
            Form::Bool => ElementKind::Bool,
        }
    }

    /// Whether it has negative numbers.
    pub(super) fn is_signed(self) -> bool {
        self.form == Form::Signed
    }

    /// Smallest and largest number of an integer type up to 16 bits.
    pub(super) fn small_range(self) -> Option<[i64; 2]> {
        let numbers = 1i64 << self.bits.min(16);
        match self.form {
            _ if self.bits > 16 => None,
            Form::Signed => Some([-numbers / 2, numbers / 2 - 1]),
            Form::Unsigned => Some([0, numbers - 1]),
            _ => None,
        }
    }

    /// Bytes of `count` elements; `None` if the number does not fit.
    pub(super) fn bytes(self, count: usize) -> Option<usize> {
        Some(count.checked_mul(self.bits)?.div_ceil(8))
    }

    /// Smallest and largest number that stands for an element of at most 32 bits in the 32-bit field of the format:
    /// an integer itself, the code of a 16-bit float, any number for a truth value.
    pub(super) fn code_range(self) -> (i64, i64) {
        match (self.form, self.bits) {
            (Form::Signed, bits) => (i64::MIN >> (64 - bits), i64::MAX >> (64 - bits)),
            (Form::Bool, _) => (i64::from(i32::MIN), i64::from(i32::MAX)),
            (_, bits) => (0, (1 << bits.min(62)) - 1),
        }
    }

    /// The first `count` elements of `bytes`, little-endian, which are at least [`Self::bytes`] of them.
    ///
    /// The error is an unsigned integer above `i64::MAX`.
    pub(super) fn read(self, bytes: &[u8], count: usize) -> Result<Data, u64> {
        fn words<const N: usize>(bytes: &[u8], count: usize) -> impl Iterator<Item = [u8; N]> {
            bytes.chunks_exact(N).take(count).map(|c| c.try_into().unwrap_or([0; N]))
        }
        let floats = |values: Vec<f32>| Ok(Data::Float(values));
        match (self.form, self.bits) {
            (Form::Bool, _) => Ok(Data::Bool(bytes.iter().take(count).map(|&b| b != 0).collect())),
            (Form::Bfloat, _) => floats(words(bytes, count).map(|b| half::bf16::from_le_bytes(b).to_f32()).collect()),
            (Form::Float, 16) => floats(words(bytes, count).map(|b| half::f16::from_le_bytes(b).to_f32()).collect()),
            (Form::Float, 64) => floats(words(bytes, count).map(|b| f64::from_le_bytes(b) as f32).collect()),
            (Form::Float, _) => floats(words(bytes, count).map(f32::from_le_bytes).collect()),
            (Form::Signed | Form::Unsigned, bits @ 0..8) => {
                let code = |i: usize| bytes.get(i * bits / 8).map_or(0, |b| u64::from(*b) >> (i * bits % 8));
                self.integers((0..count).map(code))
            }
            (Form::Signed | Form::Unsigned, 8) => self.integers(bytes.iter().take(count).map(|&b| u64::from(b))),
            (Form::Signed | Form::Unsigned, bits) => {
                let little = |c: &[u8]| c.iter().rev().fold(0u64, |code, &b| code << 8 | u64::from(b));
                self.integers(bytes.chunks_exact(bits / 8).take(count).map(little))
            }
        }
    }

    /// A float as this float type can hold it; types of 32 bits and more hold it as it is.
    pub(super) fn round_float(self, value: f32) -> f32 {
        match (self.form, self.bits) {
            (Form::Bfloat, _) => half::bf16::from_f32(value).to_f32(),
            (Form::Float, 16) => half::f16::from_f32(value).to_f32(),
            _ => value,
        }
    }

    /// The integer of this integer type with the lowest bits of `value`; 64 bits stay as they are.
    pub(super) fn wrap(self, value: i64) -> i64 {
        let unused = 64 - self.bits.min(64);
        if self.is_signed() || unused == 0 {
            (value << unused) >> unused
        } else {
            ((value as u64) << unused >> unused) as i64
        }
    }

    /// Integers from codes of which the lowest bits count.
    fn integers(self, codes: impl Iterator<Item = u64>) -> Result<Data, u64> {
        let unused = 64 - self.bits;
        let value = |code: u64| match self.form {
            Form::Signed => Ok(((code << unused) as i64) >> unused),
            _ => i64::try_from((code << unused) >> unused).map_err(|_| code),
        };
        codes.map(value).collect::<Result<_, _>>().map(Data::Int)
    }
}
