//! `eˣ` and what is made of it, in single precision and without branches, so that the compiler makes vectors of a loop.
//!
//! Products and sums are rounded one by one (no fused steps): the same bits on every machine. Errors, over all inputs of
//! the tests, which also say that a bound ten times smaller does not hold:
//!
//! | function | error |
//! |---|---|
//! | [`exp`] | 1.5e-7 of the result, or half of the smallest number that is not 0 |
//! | [`exp_minus_one`] | 2e-7 of the result |
//! | [`ln_one_plus`] | 3e-7 of the result |
//! | [`normal_tail`] | 4e-7 of the result, and `x² · 4e-8` of it from the rounding of `x²` |

/// `ln 2` in two parts; a whole number below 2⁹ times the first is exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// Added and taken off again it rounds to a whole number: 1.5 · 2²³.
const ROUNDER: f32 = 12_582_912.0;

/// The nearest number in `[low, high]`; NaN stays NaN.
#[inline(always)]
fn between(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// `2ⁿ` for `n` in `-126..=127`; anything for others.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// `n` and `eʳ − 1` with `x = n ln 2 + r`, `|r| ≤ ln 2 / 2`; the polynomial is that of Cephes' `expf` (Moshier 1989).
#[inline(always)]
fn reduced(x: f32) -> (i32, f32) {
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let n = shifted - ROUNDER;
    let r = (x - n * LN_2[0]) - n * LN_2[1];
    let p = 1.987_569_1e-4 * r + 1.398_2e-3;
    let p = ((p * r + 8.333_452e-3) * r + 4.166_579_6e-2) * r + 1.666_666_5e-1;
    let p = p * r + 0.5;
    ((shifted.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32), p * (r * r) + r)
}

/// `eˣ`: 0 at −∞, ∞ at ∞ and where the result is larger than every number, NaN for NaN.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let (n, more) = reduced(between(x, -105.0, 89.0));
    // In two factors: the result may be subnormal or overflow, a factor does not.
    let half = n >> 1;
    (more + 1.0) * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `eˣ − 1` for `x ≤ 0`.
#[inline(always)]
pub fn exp_minus_one(x: f32) -> f32 {
    let (n, more) = reduced(between(x, -80.0, 0.0));
    let scale = power_of_two(n);
    more * scale + (scale - 1.0)
}

/// `ln(1 + u)` for `u` in `[0, 1]`, by the series of `2 artanh(u/(2 + u))`, whose rest is below 2e-8 of the result.
#[inline(always)]
pub fn ln_one_plus(u: f32) -> f32 {
    let w = u / (2.0 + u);
    let square = w * w;
    let series = (square * (1.0 / 13.0) + 1.0 / 11.0) * square + 1.0 / 9.0;
    let series = ((series * square + 1.0 / 7.0) * square + 1.0 / 5.0) * square + 1.0 / 3.0;
    2.0 * (w + w * (square * series))
}

/// `tanh x`, odd, from `e^(−2|x|) − 1`.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let m = exp_minus_one(-2.0 * x.abs());
    (-m / (m + 2.0)).copysign(x)
}

/// `1 − Φ(x)` for `x ≥ 0`, with `e^(−x²/2)`, from which it is made: `e^(−x²/2) t P(t)`, `t = 1/(1 + 0.35 x)`.
///
/// The form is that of Hastings (Approximations for Digital Computers, 1955); `P` of degree 8 has been fitted to the
/// smallest relative error on `[0, 14.5]`, which is 3.2e-8.
#[inline(always)]
pub fn normal_tail(x: f32) -> (f32, f32) {
    let e = exp(-0.5 * (x * x));
    let t = 1.0 / (1.0 + 0.35 * x);
    let p = (-0.029_157_886 * t + 0.144_030_91) * t - 0.255_839;
    let p = ((p * t + 0.159_319_7) * t - 0.023_212_353) * t + 0.105_552_5;
    let p = ((p * t + 0.119_821_29) * t + 0.139_863_52) * t + 0.139_621_3;
    (e * (t * p), e)
}

/// `erf x`, odd.
#[inline(always)]
pub fn erf(x: f32) -> f32 {
    let (tail, _) = normal_tail(x.abs() * std::f32::consts::SQRT_2);
    (1.0 - 2.0 * tail).copysign(x)
}

#[cfg(test)]
#[path = "exponential_tests.rs"]
mod tests;
