//! Pointwise nonlinearities. Only the function is written; its derivatives come from dual numbers.

use crate::exec::functions::rows::RowFunction;
use crate::graph::Activation;
use crate::numeric::dual::{Dual, Number};

/// `f(x)`. At a kink the derivative is that of the piece the point belongs to: 0 at the ends of a clip.
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
}
