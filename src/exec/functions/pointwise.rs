//! Pointwise nonlinearities. Only the function is written; its derivatives come from dual numbers. Single precision has
//! kernels with written slopes.

use crate::exec::functions::rows::RowFunction;
use crate::exec::kernels::activation::{self as kernel, Pointwise};
use crate::graph::Activation;
use crate::numeric::dual::{Dual, Number};

/// `f(x)`. At a kink the derivative is that of the piece the point belongs to: 0 at the ends of a clip and at `|0|`.
fn value<N: Number>(activation: Activation, x: N) -> N {
    let number = N::constant;
    let hard_sigmoid = |x: N| match x.value() {
        v if v <= -3.0 => number(0.0),
        v if v >= 3.0 => number(1.0),
        _ => x / number(6.0) + number(0.5),
    };
    // `e` to a negative number only: no overflow on either side.
    let sigmoid = |x: N| match x.value() >= 0.0 {
        true => number(1.0) / (number(1.0) + (-x).exp()),
        false => x.exp() / (number(1.0) + x.exp()),
    };
    match activation {
        Activation::Clip { low, .. } if x.value() <= low => number(low),
        Activation::Clip { high, .. } if x.value() >= high => number(high),
        Activation::Clip { .. } => x,
        Activation::LeakyRelu { .. } if x.value() > 0.0 => x,
        Activation::LeakyRelu { slope } => number(slope) * x,
        Activation::Gelu => number(0.5) * x * (number(1.0) + (x * number(std::f64::consts::FRAC_1_SQRT_2)).erf()),
        Activation::GeluTanh => {
            let inner = x + number(0.044_715) * x * x * x;
            let factor = (2.0 / std::f64::consts::PI).sqrt();
            number(0.5) * x * (number(1.0) + (number(factor) * inner).tanh())
        }
        Activation::Silu => x * sigmoid(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::HardSigmoid => hard_sigmoid(x),
        Activation::HardSwish => x * hard_sigmoid(x),
        Activation::Tanh => x.tanh(),
        Activation::Affine { scale, shift } => number(scale) * x + number(shift),
        Activation::Elu { .. } if x.value() > 0.0 => x,
        Activation::Elu { alpha } => number(alpha) * (x.exp() - number(1.0)),
        // `e` to a negative number only, as above.
        Activation::Softplus if x.value() > 0.0 => x + (number(1.0) + (-x).exp()).ln(),
        Activation::Softplus => (number(1.0) + x.exp()).ln(),
        Activation::Absolute if x.value() > 0.0 => x,
        Activation::Absolute if x.value() < 0.0 => -x,
        Activation::Absolute => number(x.value().abs()),
        Activation::Exp => x.exp(),
        Activation::Log => x.ln(),
        Activation::SquareRoot => x.sqrt(),
        Activation::Reciprocal => number(1.0) / x,
        Activation::Power { exponent } => x.power(exponent),
        Activation::Erf => x.erf(),
        Activation::Sine => x.sin_cos().0,
        Activation::Cosine => x.sin_cos().1,
        Activation::Floor => number(x.value().floor()),
        Activation::Ceil => number(x.value().ceil()),
        Activation::Round => number(x.value().round_ties_even()),
        Activation::Truncate => number(x.value().trunc()),
        Activation::IsPositive => number(f64::from(u8::from(x.value() > 0.0))),
        Activation::IsZero => number(f64::from(u8::from(x.value() == 0.0))),
    }
}

impl RowFunction for Activation {
    fn forward<N: Number>(&self, _: usize, x: &[N], y: &mut [N]) {
        y.iter_mut().zip(x).for_each(|(y, &x)| *y = value(*self, x));
    }

    fn adjoint<N: Number>(&self, _: usize, x: &[N], g: &[N], dx: &mut [N]) {
        for ((dx, &x), &g) in dx.iter_mut().zip(x).zip(g) {
            *dx = g * value(*self, Dual::new(x, N::constant(1.0))).dot;
        }
    }

    fn forward_single(&self, _: usize, x: &[f32], y: &mut [f32]) {
        single(*self, Forward { x, y });
    }

    fn adjoint_single(&self, _: usize, x: &[f32], g: &[f32], dx: &mut [f32]) {
        single(*self, Adjoint { x, g, dx });
    }
}

/// Something to do with a kernel.
trait Run {
    fn run<P: Pointwise>(self, f: P);
}

struct Forward<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Run for Forward<'_> {
    fn run<P: Pointwise>(self, f: P) {
        kernel::forward(f, self.x, self.y);
    }
}

struct Adjoint<'a> {
    x: &'a [f32],
    g: &'a [f32],
    dx: &'a mut [f32],
}

impl Run for Adjoint<'_> {
    fn run<P: Pointwise>(self, f: P) {
        kernel::adjoint(f, self.x, self.g, self.dx);
    }
}

/// Runs with an activation's kernel.
fn single(activation: Activation, run: impl Run) {
    let flat = |_: f64| 0.0;
    match activation {
        Activation::Clip { low, high } => run.run(kernel::Clip { low: low as f32, high: high as f32 }),
        Activation::LeakyRelu { slope } => run.run(kernel::LeakyRelu { slope: slope as f32 }),
        Activation::Gelu => run.run(kernel::Gelu {}),
        Activation::GeluTanh => run.run(kernel::GeluTanh {}),
        Activation::Silu => run.run(kernel::Silu {}),
        Activation::Sigmoid => run.run(kernel::Sigmoid {}),
        Activation::HardSigmoid => run.run(kernel::HardSigmoid {}),
        Activation::HardSwish => run.run(kernel::HardSwish {}),
        Activation::Tanh => run.run(kernel::Tanh {}),
        Activation::Affine { scale, shift } => run.run(kernel::Affine { scale: scale as f32, shift: shift as f32 }),
        Activation::Elu { alpha } => run.run(kernel::Elu { alpha: alpha as f32 }),
        Activation::Softplus => run.run(kernel::Softplus {}),
        Activation::Absolute => run.run(kernel::Absolute {}),
        Activation::Exp => run.run(kernel::Exp {}),
        Activation::SquareRoot => run.run(kernel::SquareRoot {}),
        Activation::Reciprocal => run.run(kernel::Reciprocal {}),
        Activation::Power { exponent: 2.0 } => run.run(kernel::Square {}),
        Activation::Erf => run.run(kernel::Erf {}),
        Activation::IsPositive => run.run(kernel::IsPositive {}),
        Activation::IsZero => run.run(kernel::IsZero {}),
        Activation::Floor => run.run(kernel::Plain(f64::floor, flat)),
        Activation::Ceil => run.run(kernel::Plain(f64::ceil, flat)),
        Activation::Round => run.run(kernel::Plain(f64::round_ties_even, flat)),
        Activation::Truncate => run.run(kernel::Plain(f64::trunc, flat)),
        Activation::Log | Activation::Sine | Activation::Cosine | Activation::Power { .. } => {
            run.run(kernel::Plain(|x| value(activation, x), |x| value(activation, Dual::new(x, 1.0)).dot))
        }
    }
}
