//! The tensor types of ggml that we write.
//!
//! | id | block | bytes | bits per weight | weight is |
//! |-|-|-|-|-|
//! | `f32`, `f16`, `bf16` | 1 | 4, 2, 2 | 32, 16, 16 | itself, rounded |
//! | `q8_0` | 32 | 34 | 8.5 | `d q` |
//! | `q5_0`, `q4_0` | 32 | 22, 18 | 5.5, 4.5 | `d (q − 16)`, `d (q − 8)` |
//! | `q5_1`, `q4_1` | 32 | 24, 20 | 6, 5 | `d q + m` |
//! | `q6_k`, `q3_k` | 256 | 210, 110 | 6.5625, 3.4375 | `d s q`, a scale `s` for 16 weights |
//! | `q5_k`, `q4_k` | 256 | 176, 144 | 5.5, 4.5 | `d s q − e m`, a scale and a minimum for 32 weights |
//! | `q2_k` | 256 | 84 | 2.625 | `d s q − e m`, a scale and a minimum for 16 weights |
//!
//! Blocks are consecutive weights of one row (the last axis), and `d`, `e`, `m` of the first four rows are f16. Layout:
//! `ggml/src/ggml-common.h` of llama.cpp.

use std::fmt;
use std::str::FromStr;

use candle_core::quantized::GgmlDType;

use crate::error::ValueFault;
use crate::error::fault::{did_you_mean, either, quoted};

/// A type of tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GgmlType {
    /// 32-bit floats.
    F32,
    /// 16-bit floats.
    F16,
    /// The upper half of 32-bit floats.
    Bf16,
    /// 8 bits, a scale for 32 weights.
    Q8_0,
    /// 6 bits, scales of scales.
    Q6K,
    /// 5 bits, a scale and a minimum for 32 weights.
    Q5_1,
    /// 5 bits, scales of scales and of minima.
    Q5K,
    /// 5 bits, a scale for 32 weights.
    Q5_0,
    /// 4 bits, a scale and a minimum for 32 weights.
    Q4_1,
    /// 4 bits, scales of scales and of minima.
    Q4K,
    /// 4 bits, a scale for 32 weights.
    Q4_0,
    /// 3 bits, scales of scales.
    Q3K,
    /// 2 bits, scales of scales and of minima.
    Q2K,
}

use GgmlType::{Bf16, F16, F32, Q2K, Q3K, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0};

impl GgmlType {
    /// Every type, widest first.
    pub const ALL: [Self; 13] = [F32, F16, Bf16, Q8_0, Q6K, Q5_1, Q5K, Q5_0, Q4_1, Q4K, Q4_0, Q3K, Q2K];

    /// Its name in lower case, as `llama-quantize` takes it.
    pub fn id(self) -> &'static str {
        match self {
            F32 => "f32",
            F16 => "f16",
            Bf16 => "bf16",
            Q8_0 => "q8_0",
            Q6K => "q6_k",
            Q5_1 => "q5_1",
            Q5K => "q5_k",
            Q5_0 => "q5_0",
            Q4_1 => "q4_1",
            Q4K => "q4_k",
            Q4_0 => "q4_0",
            Q3K => "q3_k",
            Q2K => "q2_k",
        }
    }

    /// Its number in files: `enum ggml_type`.
    pub fn number(self) -> u32 {
        match self {
            F32 => 0,
            F16 => 1,
            Q4_0 => 2,
            Q4_1 => 3,
            Q5_0 => 6,
            Q5_1 => 7,
            Q8_0 => 8,
            Q2K => 10,
            Q3K => 11,
            Q4K => 12,
            Q5K => 13,
            Q6K => 14,
            Bf16 => 30,
        }
    }

    /// Number of a file whose weights are mostly of this type: `enum llama_ftype`.
    pub fn file_type(self) -> u32 {
        match self {
            F32 => 0,
            F16 => 1,
            Q4_0 => 2,
            Q4_1 => 3,
            Q8_0 => 7,
            Q5_0 => 8,
            Q5_1 => 9,
            Q2K => 10,
            Q3K => 12,
            Q4K => 15,
            Q5K => 17,
            Q6K => 18,
            Bf16 => 32,
        }
    }

    /// Weights in a block.
    pub fn block_size(self) -> usize {
        self.candle().block_size()
    }

    /// Bytes of a block.
    pub fn block_bytes(self) -> usize {
        self.candle().type_size()
    }

    /// Bits of a weight, with its share of the block's scales.
    pub fn bits_per_weight(self) -> f64 {
        8.0 * self.block_bytes() as f64 / self.block_size() as f64
    }

    /// Bits that a code alone takes.
    pub fn code_bits(self) -> u32 {
        match self {
            F32 => 32,
            F16 | Bf16 => 16,
            Q8_0 => 8,
            Q6K => 6,
            Q5_0 | Q5_1 | Q5K => 5,
            Q4_0 | Q4_1 | Q4K => 4,
            Q3K => 3,
            Q2K => 2,
        }
    }

    /// Whether weights are integers in blocks.
    pub fn is_quantized(self) -> bool {
        self.block_size() > 1
    }

    /// Whether rows of so many weights consist of whole blocks.
    pub fn fits(self, row: usize) -> bool {
        row > 0 && row.is_multiple_of(self.block_size())
    }

    /// Bytes of a tensor; none if its rows are not whole blocks.
    pub fn bytes(self, shape: &[usize]) -> Option<u64> {
        let row = *shape.last()?;
        let weights = shape.iter().try_fold(1u64, |product, &extent| product.checked_mul(extent as u64))?;
        self.fits(row).then(|| weights / self.block_size() as u64 * self.block_bytes() as u64)
    }

    /// The largest weight that it can hold. In most the scale of a block, which is no larger than its largest weight, is f16.
    pub fn largest(self) -> f32 {
        match self {
            F32 => f32::MAX,
            Bf16 => half::bf16::MAX.to_f32(),
            _ => half::f16::MAX.to_f32(),
        }
    }

    /// The same type in the crate that quantises.
    pub(super) fn candle(self) -> GgmlDType {
        match self {
            F32 => GgmlDType::F32,
            F16 => GgmlDType::F16,
            Bf16 => GgmlDType::BF16,
            Q8_0 => GgmlDType::Q8_0,
            Q6K => GgmlDType::Q6K,
            Q5_1 => GgmlDType::Q5_1,
            Q5K => GgmlDType::Q5K,
            Q5_0 => GgmlDType::Q5_0,
            Q4_1 => GgmlDType::Q4_1,
            Q4K => GgmlDType::Q4K,
            Q4_0 => GgmlDType::Q4_0,
            Q3K => GgmlDType::Q3K,
            Q2K => GgmlDType::Q2K,
        }
    }
}

impl fmt::Display for GgmlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}

impl FromStr for GgmlType {
    type Err = ValueFault;

    fn from_str(text: &str) -> Result<Self, ValueFault> {
        let ids = Self::ALL.map(Self::id);
        let lower = text.to_lowercase();
        Self::ALL
            .into_iter()
            .find(|t| t.id() == text)
            .ok_or_else(|| ValueFault::new(quoted(text), either(ids), did_you_mean(&lower, ids, "")))
    }
}

#[cfg(test)]
#[path = "ggml_type_tests.rs"]
mod tests;
