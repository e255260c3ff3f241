//! A bit-width choice of one layer: how many bits its weights and its input activations get.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::ValueFault;
use crate::error::fault::quoted;

/// The widths that weights and activations can be quantised to.
const BITS: RangeInclusive<u8> = 2..=8;

/// Activation bits of a weight-only candidate: activations stay floats, 16 bits where a device runs them, and count as that.
const FLOAT_ACTIVATIONS: u8 = 16;

/// A pair of widths, written `w8a8`; a width of weights alone, written `w4a16`, where activations stay floats; or `fp32`, not
/// quantised, which only pins and budgets may name.
///
/// Candidates order by weight bits, then by activation bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Candidate {
    weight_bits: u8,
    activation_bits: u8,
}

impl Candidate {
    /// Not quantised: 32 bits for both.
    pub const FP32: Self = Self { weight_bits: 32, activation_bits: 32 };

    /// A quantised candidate; both widths must be from 2 to 8 bits, or 16 for activations that stay floats.
    pub fn new(weight_bits: u8, activation_bits: u8) -> Result<Self, ValueFault> {
        let activations = BITS.contains(&activation_bits) || activation_bits == FLOAT_ACTIVATIONS;
        if BITS.contains(&weight_bits) && activations {
            return Ok(Self { weight_bits, activation_bits });
        }
        Err(ValueFault::new(
            quoted(&format!("w{weight_bits}a{activation_bits}")),
            format!("from {} to {} bits for weights (w) and for activations (a), or a16", BITS.start(), BITS.end()),
            "an unquantised layer is written as a pin to `fp32`",
        ))
    }

    /// Bits of a weight.
    pub fn weight_bits(self) -> u8 {
        self.weight_bits
    }

    /// Bits of an activation at the layer's input.
    pub fn activation_bits(self) -> u8 {
        self.activation_bits
    }

    /// Every candidate but `fp32`.
    pub fn all() -> impl Iterator<Item = Self> {
        let activations = || BITS.chain([FLOAT_ACTIVATIONS]);
        BITS.flat_map(move |weight_bits| {
            activations().map(move |activation_bits| Self { weight_bits, activation_bits })
        })
    }

    /// Whether activations are quantised.
    pub fn quantizes_activations(self) -> bool {
        self.activation_bits <= *BITS.end()
    }

    /// True for `fp32`.
    pub fn is_fp32(self) -> bool {
        self == Self::FP32
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_fp32() { f.pad("fp32") } else { f.pad(&format!("w{}a{}", self.weight_bits, self.activation_bits)) }
    }
}

impl FromStr for Candidate {
    type Err = ValueFault;

    fn from_str(text: &str) -> Result<Self, ValueFault> {
        if text == "fp32" {
            return Ok(Self::FP32);
        }
        let widths = text.strip_prefix('w').and_then(|rest| rest.split_once('a'));
        let bits = |digits: &str| match digits.as_bytes() {
            [b'1'..=b'9'] | [b'1'..=b'9', b'0'..=b'9'] => digits.parse().ok(),
            _ => None,
        };
        match widths.and_then(|(weights, activations)| Some((bits(weights)?, bits(activations)?))) {
            Some((weight_bits, activation_bits)) => Self::new(weight_bits, activation_bits),
            None => {
                let lower = text.to_lowercase();
                let remedy = if lower != text && lower.len() <= 6 && Self::from_str(&lower).is_ok() {
                    format!("write it in lower case: `{lower}`")
                } else {
                    String::new()
                };
                Err(ValueFault::new(quoted(text), "a candidate such as `w8a8` or `w4a16`: 2 to 8 bits, or a16", remedy))
            }
        }
    }
}

impl Serialize for Candidate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Candidate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_reads_back_as_itself() {
        for weight_bits in BITS {
            for activation_bits in BITS.chain([FLOAT_ACTIVATIONS]) {
                let candidate = Candidate::new(weight_bits, activation_bits).unwrap();
                assert_eq!(candidate.to_string().parse(), Ok(candidate));
                let json = serde_json::to_string(&candidate).unwrap();
                assert_eq!(serde_json::from_str::<Candidate>(&json).unwrap(), candidate);
            }
        }
        assert_eq!("fp32".parse(), Ok(Candidate::FP32));
        assert_eq!(Candidate::FP32.to_string(), "fp32");
    }

    #[test]
    fn widths_outside_two_to_eight_are_refused() {
        let outside =
            [(1, 4), (9, 4), (4, 1), (4, 9), (0, 0), (255, 255), (32, 32), (16, 16), (16, 8), (4, 15), (4, 17)];
        for (weight_bits, activation_bits) in outside {
            assert!(Candidate::new(weight_bits, activation_bits).is_err());
            assert!(format!("w{weight_bits}a{activation_bits}").parse::<Candidate>().is_err());
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in
            ["", "w", "wa", "w8", "8", "w8a", "a8w8", "w08a8", "w8a8 ", "w+8a8", "w8a8a8", "w256a8", "fp16", "ẁ8a8"]
        {
            assert!(text.parse::<Candidate>().is_err(), "{text:?}");
        }
        assert_eq!("W8A8".parse::<Candidate>().unwrap_err().remedy, "write it in lower case: `w8a8`");
    }

    #[test]
    fn activations_stay_floats_at_sixteen_bits_and_in_fp32_only() {
        let floats: Vec<String> =
            Candidate::all().filter(|c| !c.quantizes_activations()).map(|c| c.to_string()).collect();
        assert_eq!(floats, ["w2a16", "w3a16", "w4a16", "w5a16", "w6a16", "w7a16", "w8a16"]);
        assert_eq!(Candidate::all().count(), 7 * 8);
        assert!(!Candidate::FP32.quantizes_activations());
    }

    #[test]
    fn order_is_by_weight_bits_then_activation_bits() {
        let mut all: Vec<Candidate> =
            ["w4a8", "fp32", "w4a16", "w2a2", "w8a4", "w4a4", "w2a16"].map(|id| id.parse().unwrap()).to_vec();
        all.sort();
        let ids: Vec<String> = all.iter().map(Candidate::to_string).collect();
        assert_eq!(ids, ["w2a2", "w2a16", "w4a4", "w4a8", "w4a16", "w8a4", "fp32"]);
    }
}
