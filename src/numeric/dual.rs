//! Dual numbers: a value with its derivative in one direction.
//!
//! ```text
//! f(x + ẋ ε) = f(x) + f′(x) ẋ ε,   ε² = 0
//! ```
//!
//! A function that is written once over [`Number`] has its first derivative as `f` on [`Dual`] of `f64`, and its second
//! as `f` on dual numbers of dual numbers: exact to rounding, with no step size (Wengert 1964; Griewank and Walther 2008,
//! chapter 3). Cost: a small multiple of the function's.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// `f64`, or something that computes like it and carries derivatives.
pub trait Number:
    Copy
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// A number whose derivatives are zero.
    fn constant(value: f64) -> Self;
    /// The value without derivatives: what branches depend on.
    fn value(self) -> f64;
    /// `eˣ`.
    fn exp(self) -> Self;
    /// `√x`; the derivative at 0 is infinite.
    fn sqrt(self) -> Self;
    /// `tanh x`.
    fn tanh(self) -> Self;
    /// `erf x = 2/√π ∫₀ˣ e^(−t²) dt`.
    fn erf(self) -> Self;
    /// `ln x`.
    fn ln(self) -> Self;
    /// `sin x` and `cos x`.
    fn sin_cos(self) -> (Self, Self);
    /// `x` to a fixed power.
    fn power(self, exponent: f64) -> Self;
}

impl Number for f64 {
    fn constant(value: f64) -> Self {
        value
    }

    fn value(self) -> f64 {
        self
    }

    fn exp(self) -> Self {
        f64::exp(self)
    }

    fn sqrt(self) -> Self {
        f64::sqrt(self)
    }

    fn tanh(self) -> Self {
        f64::tanh(self)
    }

    fn erf(self) -> Self {
        libm::erf(self)
    }

    fn ln(self) -> Self {
        f64::ln(self)
    }

    fn sin_cos(self) -> (Self, Self) {
        f64::sin_cos(self)
    }

    fn power(self, exponent: f64) -> Self {
        f64::powf(self, exponent)
    }
}

/// `value + dot ε`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dual<N> {
    /// The value.
    pub value: N,
    /// The derivative in the direction.
    pub dot: N,
}

impl<N: Number> Dual<N> {
    /// A value that moves by `dot`.
    pub fn new(value: N, dot: N) -> Self {
        Self { value, dot }
    }

    /// `f(x)` with `f′(x)`, by the chain rule.
    fn chain(self, value: N, slope: N) -> Self {
        Self { value, dot: slope * self.dot }
    }
}

impl<N: Number> Number for Dual<N> {
    fn constant(value: f64) -> Self {
        Self { value: N::constant(value), dot: N::constant(0.0) }
    }

    fn value(self) -> f64 {
        self.value.value()
    }

    fn exp(self) -> Self {
        let e = self.value.exp();
        self.chain(e, e)
    }

    fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        self.chain(root, N::constant(0.5) / root)
    }

    fn tanh(self) -> Self {
        let t = self.value.tanh();
        self.chain(t, N::constant(1.0) - t * t)
    }

    fn erf(self) -> Self {
        let slope = N::constant(std::f64::consts::FRAC_2_SQRT_PI) * (-(self.value * self.value)).exp();
        self.chain(self.value.erf(), slope)
    }

    fn ln(self) -> Self {
        self.chain(self.value.ln(), N::constant(1.0) / self.value)
    }

    fn sin_cos(self) -> (Self, Self) {
        let (sin, cos) = self.value.sin_cos();
        (self.chain(sin, cos), self.chain(cos, -sin))
    }

    fn power(self, exponent: f64) -> Self {
        let slope = match exponent {
            // Not 0 · 0⁻¹, which is no number.
            0.0 => N::constant(0.0),
            _ => N::constant(exponent) * self.value.power(exponent - 1.0),
        };
        self.chain(self.value.power(exponent), slope)
    }
}

impl<N: Number> Add for Dual<N> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { value: self.value + other.value, dot: self.dot + other.dot }
    }
}

impl<N: Number> Sub for Dual<N> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { value: self.value - other.value, dot: self.dot - other.dot }
    }
}

impl<N: Number> Mul for Dual<N> {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self { value: self.value * other.value, dot: self.dot * other.value + self.value * other.dot }
    }
}

impl<N: Number> Div for Dual<N> {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        Self { value: quotient, dot: (self.dot - quotient * other.dot) / other.value }
    }
}

impl<N: Number> Neg for Dual<N> {
    type Output = Self;

    fn neg(self) -> Self {
        Self { value: -self.value, dot: -self.dot }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation once.
    fn f<N: Number>(x: N) -> N {
        let (sin, cos) = (x * x).sin_cos();
        let positive = x + N::constant(3.0);
        (x * x).erf() / (N::constant(2.0) + x.tanh()) - (-x).exp() * positive.sqrt()
            + sin * cos.power(2.0) * positive.ln() / positive.power(1.5)
    }

    #[test]
    fn first_and_second_derivatives_agree_with_central_differences() {
        const STEP: f64 = 1e-5;
        for x in [-1.3, -0.2, 0.0, 0.4, 1.7] {
            let first = |x: f64| f(Dual::new(x, 1.0));
            assert!((first(x).value - f(x)).abs() < 1e-15);
            let slope = (f(x + STEP) - f(x - STEP)) / (2.0 * STEP);
            // Truncation of the differences, STEP² of a third derivative of about 50, and rounding: 1e-9.
            assert!((first(x).dot - slope).abs() < 1e-8, "{x}");
            let second = f(Dual::new(Dual::new(x, 1.0), Dual::new(1.0, 0.0)));
            let slope = (first(x + STEP).dot - first(x - STEP).dot) / (2.0 * STEP);
            assert!((second.dot.dot - slope).abs() < 1e-8, "{x}");
        }
    }
}
