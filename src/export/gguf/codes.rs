//! Our codes as blocks of ggml, unchanged; only scales are rounded, to f16.
//!
//! ```text
//! q8_0  f16 d | 32 × i8 q                              weight = d q
//! q5_0  f16 d | u32 h | 16 × u8                        weight = d (q − 16), high bits in h
//! q4_0  f16 d | 16 × u8                                weight = d (q − 8)
//! byte i of the 16: low half q_i, high half q_{i+16}
//! ```

use half::f16;

use crate::error::{Error, Result};
use crate::export::Codes;
use crate::export::gguf::GgmlType;

/// Weights in a block.
pub(super) const BLOCK: usize = 32;

/// The type that keeps codes of so many bits; none for other widths.
pub(super) fn type_of(bits: u32) -> Option<GgmlType> {
    match bits {
        8 => Some(GgmlType::Q8_0),
        5 => Some(GgmlType::Q5_0),
        4 => Some(GgmlType::Q4_0),
        _ => None,
    }
}

/// Blocks of codes, with the largest change of a scale relative to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Blocks {
    pub ggml: GgmlType,
    pub bytes: Vec<u8>,
    pub scale_change: f64,
}

/// The blocks of a layer whose rows, and groups of weights with one scale, are whole blocks.
///
/// # Errors
/// When codes have another width, the groups are not whole blocks, or a scale is beyond f16.
pub(super) fn blocks(codes: &Codes) -> Result<Blocks> {
    let Some(ggml) = type_of(codes.bits).filter(|_| codes.group.is_multiple_of(BLOCK)) else {
        return Err(Error::Internal(format!("{} bits in groups of {} have no blocks", codes.bits, codes.group)));
    };
    let (mut bytes, mut scale_change) = (Vec::new(), 0.0f64);
    for (i, block) in codes.codes.as_chunks::<BLOCK>().0.iter().enumerate() {
        let scale = codes.scale.get(i * BLOCK / codes.group.max(1)).copied().unwrap_or(0.0);
        let rounded = f16::from_f32(scale);
        if !rounded.is_finite() {
            let remedy = "scales there are 16-bit floats; weights must be smaller";
            return Err(Error::input("a scale", format!("{scale:e}"), "at most 65504", remedy));
        }
        let change = (f64::from(rounded.to_f32()) - f64::from(scale)).abs() / f64::from(scale);
        scale_change = scale_change.max(change);
        bytes.extend_from_slice(&rounded.to_le_bytes());
        match ggml {
            GgmlType::Q8_0 => bytes.extend(block.map(|code| code as u8)),
            GgmlType::Q5_0 => {
                let unsigned = block.map(|code| (i16::from(code) + 16) as u8);
                let high = unsigned.iter().enumerate().fold(0u32, |high, (j, q)| high | u32::from(q >> 4 & 1) << j);
                bytes.extend_from_slice(&high.to_le_bytes());
                bytes.extend(halves(unsigned));
            }
            _ => bytes.extend(halves(block.map(|code| (i16::from(code) + 8) as u8))),
        }
    }
    Ok(Blocks { ggml, bytes, scale_change })
}

/// The low four bits of each, the second half of a block above the first.
fn halves(block: [u8; BLOCK]) -> impl Iterator<Item = u8> {
    (0..BLOCK / 2).map(move |i| block[i] & 15 | (block[i + BLOCK / 2] & 15) << 4)
}

#[cfg(test)]
#[path = "codes_tests.rs"]
mod tests;
