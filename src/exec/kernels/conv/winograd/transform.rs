//! The transforms of Winograd's F(4, 3): four outputs of a filter with three taps from six products instead of twelve.
//!
//! ```text
//! y[i] = Σ_k w[k]·d[i + k]     i in 0..4, k in 0..3           y  = Aᵀ [(G w) ⊙ (Bᵀ d)]
//! its adjoint in w:            dw[k] = Σ_i g[i]·d[i + k]       dw = Gᵀ [(A g) ⊙ (Bᵀ d)]
//! ```
//!
//! Multiplication of polynomials modulo `x·(x² − p²)·(x² − q²)` and at infinity (S. Winograd, Arithmetic Complexity of
//! Computations, 1980; A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016). The usual
//! points 0, ±1, ±2 are not the best ones: with p = 5/8 and q = 3/2 the rounding error is a third smaller (measured
//! over 19 pairs, 1 to 256 channels), and every coefficient of A and B is still exact in single precision.

/// Outputs of one band.
pub const OUTPUTS: usize = 4;

/// Taps of the filter.
pub const TAPS: usize = 3;

/// Inputs of a band, and products.
pub const PRODUCTS: usize = OUTPUTS + TAPS - 1;

/// The points ±p, ±q; the others are 0 and infinity.
const P: f32 = 0.625;
const Q: f32 = 1.5;

/// `G`, in the order of points 0, p, −p, q, −q, infinity: row `j` is `[1, x, x²] / Π_{other points} (x − y)`.
const FILTER: [[f64; TAPS]; PRODUCTS] = {
    let (p, q) = (P as f64, Q as f64);
    let (norm_p, norm_q) = (2.0 * p * p * (p * p - q * q), 2.0 * q * q * (q * q - p * p));
    [
        [1.0 / (p * p * q * q), 0.0, 0.0],
        [1.0 / norm_p, p / norm_p, p * p / norm_p],
        [1.0 / norm_p, -p / norm_p, p * p / norm_p],
        [1.0 / norm_q, q / norm_q, q * q / norm_q],
        [1.0 / norm_q, -q / norm_q, q * q / norm_q],
        [0.0, 0.0, 1.0],
    ]
};

/// Row `product` of `G w`, rounded once.
pub fn filter(product: usize, taps: [f32; TAPS]) -> f32 {
    let row = &FILTER[product];
    (row[0] * f64::from(taps[0]) + row[1] * f64::from(taps[1]) + row[2] * f64::from(taps[2])) as f32
}

/// Row `tap` of `Gᵀ m`, rounded once.
pub fn filter_adjoint(tap: usize, products: [f32; PRODUCTS]) -> f32 {
    FILTER.iter().zip(products).map(|(row, product)| row[tap] * f64::from(product)).sum::<f64>() as f32
}

/// `sum + factor·value`, rounded once if `FUSED`.
#[inline(always)]
fn plus<const FUSED: bool>(sum: f32, factor: f32, value: f32) -> f32 {
    if FUSED { factor.mul_add(value, sum) } else { factor * value + sum }
}

/// Applies a transform to every one of `N` lanes; `value(i, lane)` gives its operands.
///
/// The lanes are the outermost loop, long enough that the compiler makes vectors of it: with operations on
/// [`Lanes`](super::super::lanes::Lanes) it cuts some of the vectors in halves and takes longer (measured, AVX-512).
#[expect(clippy::needless_range_loop, reason = "the lane is an index of every operand")]
#[inline(always)]
pub fn lanes<const N: usize, const IN: usize, const OUT: usize>(
    value: impl Fn(usize, usize) -> f32,
    transform: impl Fn([f32; IN]) -> [f32; OUT],
) -> [[f32; N]; OUT] {
    let mut target = [[0.0; N]; OUT];
    for lane in 0..N {
        let values = transform(std::array::from_fn(|i| value(i, lane)));
        for j in 0..OUT {
            target[j][lane] = values[j];
        }
    }
    target
}

/// `Bᵀ d`: twelve operations. Row `j` has the coefficients of the product of `x − y` over the other points `y`.
#[inline(always)]
pub fn inputs<const FUSED: bool>(d: [f32; PRODUCTS]) -> [f32; PRODUCTS] {
    let plus = plus::<FUSED>;
    let (even_p, odd_p) = (plus(d[4], -Q * Q, d[2]), plus(d[3], -Q * Q, d[1]));
    let (even_q, odd_q) = (plus(d[4], -P * P, d[2]), plus(d[3], -P * P, d[1]));
    let ends = |near, middle, far| plus(plus(far, -(P * P + Q * Q), middle), P * P * Q * Q, near);
    [
        ends(d[0], d[2], d[4]),
        plus(even_p, P, odd_p),
        plus(even_p, -P, odd_p),
        plus(even_q, Q, odd_q),
        plus(even_q, -Q, odd_q),
        ends(d[1], d[3], d[5]),
    ]
}

/// `Aᵀ m`: row `i` has the powers `xⁱ` of the points.
#[inline(always)]
pub fn outputs<const FUSED: bool>(m: [f32; PRODUCTS]) -> [f32; OUTPUTS] {
    let plus = plus::<FUSED>;
    let (even_p, odd_p, even_q, odd_q) = (m[1] + m[2], m[1] - m[2], m[3] + m[4], m[3] - m[4]);
    [
        m[0] + even_p + even_q,
        plus(P * odd_p, Q, odd_q),
        plus(P * P * even_p, Q * Q, even_q),
        plus(plus(m[5], P * P * P, odd_p), Q * Q * Q, odd_q),
    ]
}

/// `A g`.
#[inline(always)]
pub fn outputs_adjoint<const FUSED: bool>(g: [f32; OUTPUTS]) -> [f32; PRODUCTS] {
    let plus = plus::<FUSED>;
    let (even_p, odd_p) = (plus(g[0], P * P, g[2]), plus(g[1], P * P, g[3]));
    let (even_q, odd_q) = (plus(g[0], Q * Q, g[2]), plus(g[1], Q * Q, g[3]));
    [g[0], plus(even_p, P, odd_p), plus(even_p, -P, odd_p), plus(even_q, Q, odd_q), plus(even_q, -Q, odd_q), g[3]]
}

#[cfg(test)]
#[path = "transform_tests.rs"]
mod tests;
