//! How a real number becomes an integer, as a named part of the quantisation scheme.
//!
//! Deriving `b` bits from an `h`-bit master divides integers by a power of two, so ties are common and the mode
//! matters: half-even and half-away differ on 25 % of the codes at 8→7 bits (method.md §1.1). Every checkpoint and
//! export therefore records the mode, and this file is the only place that rounds. It does so twice, because training
//! works on floats and a deployed switch on integers: [`Rounding::round`] and [`Rounding::shift_right`] agree on every
//! integer divided by every power of two; a test enumerates them.

use serde::{Deserialize, Serialize};

/// What happens between two integers, and half-way between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Nearest, ties to the even integer: IEEE 754, PyTorch, ONNX; the paper's code.
    #[default]
    HalfEven,
    /// Nearest, ties away from zero: C `round`, candle.
    HalfAway,
    /// Nearest, ties towards +∞: `(q + 2^(Δ−1)) >> Δ`, what integer hardware does.
    HalfUp,
    /// Towards −∞: a bare arithmetic shift.
    Floor,
}

impl Rounding {
    /// Every mode, for tests and help texts.
    pub const ALL: [Rounding; 4] = [Rounding::HalfEven, Rounding::HalfAway, Rounding::HalfUp, Rounding::Floor];

    /// The name in search spaces, checkpoints and exports.
    pub fn name(self) -> &'static str {
        match self {
            Rounding::HalfEven => "half_even",
            Rounding::HalfAway => "half_away",
            Rounding::HalfUp => "half_up",
            Rounding::Floor => "floor",
        }
    }

    /// Rounds to an integer value. Exact for every finite `x`: the tempting `floor(x + 0.5)` is not, because the sum
    /// itself rounds (0.49999997 would become 1).
    #[inline(always)]
    pub fn round(self, x: f32) -> f32 {
        match self {
            Rounding::HalfEven => x.round_ties_even(),
            Rounding::HalfAway => {
                let whole = x.trunc();
                if (x - whole).abs() >= 0.5 { whole + 1f32.copysign(x) } else { whole }
            }
            Rounding::HalfUp => {
                let whole = x.floor();
                if x - whole >= 0.5 { whole + 1.0 } else { whole }
            }
            Rounding::Floor => x.floor(),
        }
    }

    /// [`Self::shift_right`] of a byte, without a branch and without wider numbers, for loops that become vector
    /// instructions; `1 <= shift < 8`.
    ///
    /// With `r` the bits that are lost, a value rounds up if `r + a ≥ 2^shift`, where `a` is `2^(shift−1)` for ties that go
    /// up and one less for ties that go down.
    #[inline(always)]
    pub(super) fn shift_byte(self, q: i8, shift: u32) -> i8 {
        let floor = q >> shift;
        let rest = q as u8 & ((1 << shift) - 1);
        let below_half = (1 << (shift - 1)) - 1;
        let tie_up = match self {
            Rounding::HalfEven => floor as u8 & 1,
            Rounding::HalfAway => !(q as u8) >> 7,
            Rounding::HalfUp => 1,
            Rounding::Floor => return floor,
        };
        floor + ((rest + below_half + tie_up) >> shift) as i8
    }

    /// `q / 2^shift`, rounded, in integer arithmetic; `shift < 31`.
    #[inline(always)]
    pub fn shift_right(self, q: i32, shift: u32) -> i32 {
        if shift == 0 {
            return q;
        }
        let floor = q >> shift;
        let rest = q - (floor << shift);
        let half = 1 << (shift - 1);
        let up = match self {
            Rounding::HalfEven => rest > half || (rest == half && floor & 1 == 1),
            Rounding::HalfAway => rest > half || (rest == half && q >= 0),
            Rounding::HalfUp => rest >= half,
            Rounding::Floor => false,
        };
        floor + i32::from(up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float_and_integer_rounding_agree_on_every_dyadic_rational() {
        for mode in Rounding::ALL {
            for shift in 0..12 {
                for q in -4096..=4096 {
                    let float = mode.round(q as f32 / (1 << shift) as f32);
                    assert_eq!(float as i32, mode.shift_right(q, shift), "{mode:?} {q} >> {shift}");
                }
            }
        }
    }

    #[test]
    fn a_byte_is_shifted_as_any_other_integer() {
        for mode in Rounding::ALL {
            for (q, shift) in (i8::MIN..=i8::MAX).flat_map(|q| (1..8).map(move |shift| (q, shift))) {
                let wide = mode.shift_right(i32::from(q), shift);
                assert_eq!(i32::from(mode.shift_byte(q, shift)), wide, "{mode:?} {q} >> {shift}");
            }
        }
    }

    #[test]
    fn ties_and_near_ties_go_where_each_mode_says() {
        let below_half = f32::from_bits(0.5f32.to_bits() - 1);
        let cases = [
            (0.5, [0.0, 1.0, 1.0, 0.0]),
            (1.5, [2.0, 2.0, 2.0, 1.0]),
            (2.5, [2.0, 3.0, 3.0, 2.0]),
            (-0.5, [0.0, -1.0, 0.0, -1.0]),
            (-1.5, [-2.0, -2.0, -1.0, -2.0]),
            (below_half, [0.0, 0.0, 0.0, 0.0]),
            (-below_half, [0.0, 0.0, 0.0, -1.0]),
        ];
        for (x, expected) in cases {
            for (mode, expected) in Rounding::ALL.into_iter().zip(expected) {
                assert_eq!(mode.round(x), expected, "{mode:?} of {x}");
            }
        }
    }

    #[test]
    fn names_round_trip() {
        for mode in Rounding::ALL {
            let written = format!("\"{}\"", mode.name());
            assert_eq!(serde_json::to_string(&mode).unwrap(), written);
            assert_eq!(serde_json::from_str::<Rounding>(&written).unwrap(), mode);
        }
        assert!(serde_json::from_str::<Rounding>("\"nearest\"").is_err());
    }
}
