//! Pointwise functions.

use crate::error::Result;
use crate::export::onnx::attributes::{float, int, text};
use crate::export::onnx::lower::{Lowering, Value};
use crate::graph::{Activation, Node, NodeId};
use crate::onnx::proto::AttributeProto;
use crate::onnx::proto::tensor_proto::DataType;

/// First operator set with Gelu.
const GELU: i64 = 20;

impl Lowering<'_> {
    /// A pointwise function; those without an operator of their own in their parts.
    pub fn activation(&mut self, id: NodeId, node: &Node, activation: Activation) -> Result<Value> {
        let x = self.float(node.inputs[0])?;
        let mut one = |op: &str, attributes: Vec<AttributeProto>| self.last(id, op, &[&x], attributes);
        Ok(match activation {
            Activation::Clip { low, high } => self.limits(id, node, &x, [low, high]),
            Activation::LeakyRelu { slope } => one("LeakyRelu", vec![float("alpha", slope)]),
            Activation::Gelu | Activation::GeluTanh => self.gelu(id, node, &x, activation == Activation::GeluTanh),
            Activation::Silu => {
                let gate = self.step(node, "Sigmoid", &[&x], "gate", vec![]);
                self.last(id, "Mul", &[&x, &gate], vec![])
            }
            Activation::Sigmoid => one("Sigmoid", vec![]),
            Activation::HardSigmoid => one("HardSigmoid", vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)]),
            Activation::HardSwish => one("HardSwish", vec![]),
            Activation::Tanh => one("Tanh", vec![]),
            Activation::Affine { scale, shift } => {
                let factor = self.scalar(node, "scale", scale);
                if shift == 0.0 {
                    return Ok(self.last(id, "Mul", &[&x, &factor], vec![]));
                }
                let scaled = match scale == 1.0 {
                    true => x,
                    false => self.step(node, "Mul", &[&x, &factor], "scaled", vec![]),
                };
                let shift = self.scalar(node, "shift", shift);
                self.last(id, "Add", &[&scaled, &shift], vec![])
            }
            Activation::Elu { alpha } => one("Elu", vec![float("alpha", alpha)]),
            Activation::Softplus => one("Softplus", vec![]),
            Activation::Absolute => one("Abs", vec![]),
            Activation::Exp => one("Exp", vec![]),
            Activation::Log => one("Log", vec![]),
            Activation::SquareRoot => one("Sqrt", vec![]),
            Activation::Reciprocal => one("Reciprocal", vec![]),
            Activation::Power { exponent } => {
                let exponent = self.scalar(node, "exponent", exponent);
                self.last(id, "Pow", &[&x, &exponent], vec![])
            }
            Activation::Erf => one("Erf", vec![]),
            Activation::Sine => one("Sin", vec![]),
            Activation::Cosine => one("Cos", vec![]),
            Activation::Floor => one("Floor", vec![]),
            Activation::Ceil => one("Ceil", vec![]),
            Activation::Round => one("Round", vec![]),
            Activation::Truncate => {
                let sign = self.step(node, "Sign", &[&x], "sign", vec![]);
                let size = self.step(node, "Abs", &[&x], "size", vec![]);
                let whole = self.step(node, "Floor", &[&size], "whole", vec![]);
                self.last(id, "Mul", &[&sign, &whole], vec![])
            }
            Activation::IsPositive => self.compared(id, node, &x, "Greater"),
            Activation::IsZero => self.compared(id, node, &x, "Equal"),
        })
    }

    /// `min(max(x, low), high)`; a limit that is infinite is left out.
    fn limits(&mut self, id: NodeId, node: &Node, x: &str, [low, high]: [f64; 2]) -> Value {
        let mut limit = |suffix: &str, value: f64| value.is_finite().then(|| self.scalar(node, suffix, value));
        let (low, high) = (limit("low", low), limit("high", high));
        match (low, high) {
            (None, None) => self.last(id, "Identity", &[x], vec![]),
            (Some(low), None) => self.last(id, "Max", &[x, &low], vec![]),
            (None, Some(high)) => self.last(id, "Min", &[x, &high], vec![]),
            (Some(low), Some(high)) if self.form.has_clip() => self.last(id, "Clip", &[x, &low, &high], vec![]),
            (Some(low), Some(high)) => {
                let above = self.step(node, "Max", &[x, &low], "above", vec![]);
                self.last(id, "Min", &[&above, &high], vec![])
            }
        }
    }

    fn gelu(&mut self, id: NodeId, node: &Node, x: &str, tanh: bool) -> Value {
        if self.writer.opset() >= GELU {
            let form = if tanh { "tanh" } else { "none" };
            return self.last(id, "Gelu", &[x], vec![text("approximate", form)]);
        }
        let argument = match tanh {
            false => x.to_string(),
            true => {
                let three = self.scalar(node, "exponent", 3.0);
                let cube = self.step(node, "Pow", &[x, &three], "cube", vec![]);
                let factor = self.scalar(node, "cube_factor", 0.044_715);
                let term = self.step(node, "Mul", &[&cube, &factor], "term", vec![]);
                self.step(node, "Add", &[x, &term], "argument", vec![])
            }
        };
        let scale = if tanh { std::f64::consts::FRAC_2_PI.sqrt() } else { std::f64::consts::FRAC_1_SQRT_2 };
        let scale = self.scalar(node, "argument_factor", scale);
        let scaled = self.step(node, "Mul", &[&argument, &scale], "scaled", vec![]);
        let curve = self.step(node, if tanh { "Tanh" } else { "Erf" }, &[&scaled], "curve", vec![]);
        let one = self.scalar(node, "one", 1.0);
        let share = self.step(node, "Add", &[&curve, &one], "share", vec![]);
        let product = self.step(node, "Mul", &[x, &share], "twice", vec![]);
        let half = self.scalar(node, "half", 0.5);
        self.last(id, "Mul", &[&product, &half], vec![])
    }

    /// 1 where a comparison with 0 holds, else 0.
    fn compared(&mut self, id: NodeId, node: &Node, x: &str, op: &str) -> Value {
        let zero = self.scalar(node, "zero", 0.0);
        let holds = self.step(node, op, &[x, &zero], "holds", vec![]);
        self.last(id, "Cast", &[&holds], vec![int("to", i64::from(DataType::Float as i32))])
    }
}
