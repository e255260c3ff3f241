//! Pointwise functions in single precision: `y = f(x)` and `dx = f′(x) g`, on the calling thread.
//!
//! At a kink the slope is that of the piece the point belongs to, 0 at the ends of a clip and at `|0|`. At ±∞ values and
//! slopes are the limits where there are any. Cost: bound by memory for pieces of straight lines, else some ten to thirty
//! operations of a vector unit.

use multiversion::multiversion;

use crate::exec::kernels::exponential::{erf, exp, exp_minus_one, ln_one_plus, normal_tail, tanh};

/// A function of one number.
pub trait Pointwise: Copy {
    /// `f(x)`.
    fn value(self, x: f32) -> f32;
    /// `f′(x)`.
    fn slope(self, x: f32) -> f32;
}

/// `y = f(x)`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn forward<P: Pointwise>(f: P, x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = f.value(x);
    }
}

/// `dx = f′(x) g`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl+avx512bw", "x86_64+avx2+fma"))]
pub fn adjoint<P: Pointwise>(f: P, x: &[f32], g: &[f32], dx: &mut [f32]) {
    for ((dx, &x), &g) in dx.iter_mut().zip(x).zip(g) {
        *dx = g * f.slope(x);
    }
}

/// The larger of two numbers; NaN in `x` stays.
#[inline(always)]
fn at_least(x: f32, low: f32) -> f32 {
    if x < low { low } else { x }
}

/// The nearest number in `[−limit, limit]`; NaN stays.
#[inline(always)]
fn within(x: f32, limit: f32) -> f32 {
    let x = at_least(x, -limit);
    if x > limit { limit } else { x }
}

/// `σ(x)` and `1 − σ(x)`, each with a small relative error.
#[inline(always)]
fn sigmoids(x: f32) -> (f32, f32) {
    let e = exp(-x.abs());
    let large = 1.0 / (1.0 + e);
    let small = e * large;
    if x < 0.0 { (small, large) } else { (large, small) }
}

/// Writes a [`Pointwise`] as two expressions of `x` and the function's numbers.
macro_rules! pointwise {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty),* }, |$x:ident| $value:expr, $slope:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name {
            $(
                /// As in [`crate::graph::Activation`].
                pub $field: $kind
            ),*
        }

        impl Pointwise for $name {
            #[inline(always)]
            fn value(self, $x: f32) -> f32 {
                let Self { $($field),* } = self;
                $value
            }

            #[inline(always)]
            fn slope(self, $x: f32) -> f32 {
                #[allow(unused_variables)] // a slope need not depend on all of them
                let Self { $($field),* } = self;
                #[allow(unused_variables)] // nor on the place
                let $x = $x;
                $slope
            }
        }
    };
}

pointwise!(/// `min(max(x, low), high)`.
    Clip { low: f32, high: f32 },
    |x| if x <= low { low } else if x >= high { high } else { x },
    if x <= low || x >= high { 0.0 } else { 1.0 });

pointwise!(/// `x` above 0, else `slope · x`.
    LeakyRelu { slope: f32 },
    |x| if x > 0.0 { x } else { slope * x },
    if x > 0.0 { 1.0 } else { slope });

pointwise!(/// `x Φ(x)`; `f′ = Φ(x) + x φ(x)`.
Gelu {},
|x| {
    let (tail, _) = normal_tail(x.abs());
    // No −∞ · 0; and `Φ(−15)` is 0 in this precision.
    at_least(x, -15.0) * if x < 0.0 { tail } else { 1.0 - tail }
},
{
    /// `1/√(2π)`, the density at 0.
    const DENSITY: f32 = 0.398_942_3;
    let (tail, e) = normal_tail(x.abs());
    let below = if x < 0.0 { tail } else { 1.0 - tail };
    below + within(x, 15.0) * (DENSITY * e)
});

/// `√(2/π)` of GELU's approximation, twice, since `(1 + tanh u)/2 = σ(2u)`.
const GELU_SCALE: f32 = 1.595_769;
/// Its cubic term.
const GELU_CUBIC: f32 = 0.044_715;

pointwise!(/// GELU by `tanh`: `x σ(2 √(2/π) (x + 0.044715 x³))`.
GeluTanh {},
|x| {
    // Beyond these ends σ is 0 or 1 in this precision.
    let near = within(x, 15.0);
    at_least(x, -15.0) / (1.0 + exp(-GELU_SCALE * (near + GELU_CUBIC * (near * near * near))))
},
{
    let x = within(x, 15.0);
    let (below, above) = sigmoids(GELU_SCALE * (x + GELU_CUBIC * (x * x * x)));
    below + below * above * (GELU_SCALE * (x + 3.0 * GELU_CUBIC * (x * x * x)))
});

pointwise!(/// `x σ(x)`; `f′ = σ + x σ (1 − σ)`.
Silu {},
|x| at_least(x, -110.0) / (1.0 + exp(-x)),
{
    let (below, above) = sigmoids(x);
    below + within(x, 110.0) * (below * above)
});

pointwise!(/// `1/(1 + e⁻ˣ)`; `f′ = σ (1 − σ)`.
Sigmoid {},
|x| sigmoids(x).0,
{
    let (below, above) = sigmoids(x);
    below * above
});

pointwise!(/// `min(max(x/6 + 1/2, 0), 1)`.
    HardSigmoid {},
    |x| (within(x, 3.0) + 3.0) * (1.0 / 6.0),
    if x <= -3.0 || x >= 3.0 { 0.0 } else { 1.0 / 6.0 });

pointwise!(/// `x` times the hard sigmoid.
HardSwish {},
|x| at_least(x, -3.0) * ((within(x, 3.0) + 3.0) * (1.0 / 6.0)),
{
    let middle = x * (1.0 / 3.0) + 0.5;
    if x <= -3.0 { 0.0 } else if x >= 3.0 { 1.0 } else { middle }
});

pointwise!(/// `tanh x`; `f′ = 1 − tanh² x = 4 σ(2x) (1 − σ(2x))`, which keeps its digits where `tanh` is near 1.
Tanh {},
|x| tanh(x),
{
    let (below, above) = sigmoids(2.0 * x);
    4.0 * (below * above)
});

pointwise!(/// `scale · x + shift`.
    Affine { scale: f32, shift: f32 },
    |x| scale * x + shift,
    scale);

pointwise!(/// `x` above 0, else `alpha (eˣ − 1)`.
Elu { alpha: f32 },
|x| {
    let below = alpha * exp_minus_one(x);
    if x > 0.0 { x } else { below }
},
{
    let below = alpha * exp(x);
    if x > 0.0 { 1.0 } else { below }
});

pointwise!(/// `ln(1 + eˣ)`.
    Softplus {},
    |x| (if x > 0.0 { x } else { 0.0 }) + ln_one_plus(exp(-x.abs())),
    sigmoids(x).0);

pointwise!(/// `|x|`.
    Absolute {},
    |x| x.abs(),
    (if x > 0.0 { 1.0 } else { 0.0 }) - (if x < 0.0 { 1.0 } else { 0.0 }));

pointwise!(/// `eˣ`.
    Exp {},
    |x| exp(x),
    exp(x));

pointwise!(/// `√x`.
    SquareRoot {},
    |x| x.sqrt(),
    0.5 / x.sqrt());

pointwise!(/// `1/x`.
Reciprocal {},
|x| 1.0 / x,
{
    let inverse = 1.0 / x;
    -inverse * inverse
});

pointwise!(/// `x²`.
    Square {},
    |x| x * x,
    2.0 * x);

pointwise!(/// `erf x`; `f′ = 2/√π e^(−x²)`.
    Erf {},
    |x| erf(x),
    std::f32::consts::FRAC_2_SQRT_PI * exp(-(x * x)));

pointwise!(/// 1 where `x > 0`, else 0.
    IsPositive {},
    |x| if x > 0.0 { 1.0 } else { 0.0 },
    0.0);

pointwise!(/// 1 where `x = 0`, else 0.
    IsZero {},
    |x| if x == 0.0 { 1.0 } else { 0.0 },
    0.0);

/// A function of the standard library in double precision, number by number, with its slope.
#[derive(Debug, Clone, Copy)]
pub struct Plain<F, S>(pub F, pub S);

impl<F: Fn(f64) -> f64 + Copy, S: Fn(f64) -> f64 + Copy> Pointwise for Plain<F, S> {
    #[inline(always)]
    fn value(self, x: f32) -> f32 {
        self.0(f64::from(x)) as f32
    }

    #[inline(always)]
    fn slope(self, x: f32) -> f32 {
        self.1(f64::from(x)) as f32
    }
}
