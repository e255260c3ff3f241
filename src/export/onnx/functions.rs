//! Softmax, norms over the last axis, products, choices and moves.

use crate::error::Result;
use crate::export::onnx::attributes::{float, int, ints};
use crate::export::onnx::lower::{Lowering, Value};
use crate::export::onnx::ports;
use crate::graph::{Function, Node, NodeId};
use crate::onnx::proto::tensor_proto::DataType;

/// First operator set with LayerNormalization.
const LAYER_NORM: i64 = 17;

/// First operator set in which the axes of every reduction are an input.
const AXES_AS_INPUT: i64 = 18;

impl Lowering<'_> {
    /// A node that is a function.
    pub fn function(&mut self, id: NodeId, node: &Node, function: &Function) -> Result<Value> {
        match function {
            Function::Activation(activation) => self.activation(id, node, *activation),
            Function::Softmax { causal } => {
                let x = self.float(node.inputs[0])?;
                let x = if *causal { self.hide_later(node, &x) } else { x };
                Ok(self.last(id, "Softmax", &[&x], vec![int("axis", -1)]))
            }
            Function::LayerNorm { epsilon, affine } => self.layer_norm(id, node, *epsilon, *affine),
            Function::RmsNorm { epsilon } => self.rms_norm(id, node, *epsilon),
            Function::MaxPool(window) => self.max_pool(id, node, *window),
            Function::AveragePool(window) => self.average_pool(id, node, *window),
            Function::Multiply => {
                let names = self.inputs(node)?;
                let [a, b] = [0, 1].map(|which| &self.graph().nodes()[node.inputs[which]]);
                if a.shape == b.shape {
                    return self.pointwise(id, node, "Mul");
                }
                // A factor for each channel.
                let shape: Vec<usize> = b.shape.iter().copied().chain(vec![1; a.shape.len() - b.shape.len()]).collect();
                let factor =
                    self.reshape(&names[1], self.batched(node.inputs[1]), &shape, &format!("{}.factor", node.name));
                Ok(self.last(id, "Mul", &[&names[0], &factor], vec![]))
            }
            Function::MatMul { transpose_right, scale } => {
                let names = self.inputs(node)?;
                let mut right = names[1].clone();
                if *transpose_right {
                    let rank = node.shape.len() + 1;
                    let order = (0..rank - 2).chain([rank - 1, rank - 2]);
                    right = self.step(node, "Transpose", &[&right], "right", vec![ints("perm", order)]);
                }
                if *scale == 1.0 {
                    return Ok(self.last(id, "MatMul", &[&names[0], &right], vec![]));
                }
                let product = self.step(node, "MatMul", &[&names[0], &right], "product", vec![]);
                let scale = self.scalar(node, "scale", *scale);
                Ok(self.last(id, "Mul", &[&product, &scale], vec![]))
            }
            Function::Larger => self.pointwise(id, node, "Max"),
            Function::Smaller => self.pointwise(id, node, "Min"),
            Function::Select => {
                let names = self.inputs(node)?;
                let to = vec![int("to", i64::from(DataType::Bool as i32))];
                let condition = self.step(node, "Cast", &[&names[0]], "condition", to);
                Ok(self.last(id, "Where", &[&condition, &names[1], &names[2]], vec![]))
            }
            Function::Concat { axis } => self.concat(id, node, *axis),
            Function::Reshape { shape } => {
                if let Some(value) = self.values[node.inputs[0]].clone()
                    && ports::is_input(self.graph(), node.inputs[0])
                    && value.shape == *shape
                {
                    return Ok(value);
                }
                let x = self.float(node.inputs[0])?;
                let shape = self.shape(&node.name, self.any_batched(node), shape);
                Ok(self.last(id, "Reshape", &[&x, &shape], vec![]))
            }
            Function::Transpose { axes } => {
                let x = self.float(node.inputs[0])?;
                let order = std::iter::once(0).chain(axes.iter().map(|axis| axis + 1));
                Ok(self.last(id, "Transpose", &[&x], vec![ints("perm", order)]))
            }
            Function::Along { axis, map } => self.along(id, node, *axis, map),
            Function::Constant { shape, .. } => {
                let (_, values) = self.parameter(node, "value")?;
                let extents: Vec<usize> = std::iter::once(1).chain(shape.iter().copied()).collect();
                let tensor = self.writer.floats(&format!("{}.value", node.name), &extents, values, None);
                Ok(Value { tensor, shape: shape.clone(), batched: false, whole: false })
            }
        }
    }

    /// Scores with the lowest number added above the diagonal; what is added is shared by all nodes of one width.
    fn hide_later(&mut self, node: &Node, scores: &str) -> String {
        let width = node.shape.last().copied().unwrap_or(1);
        let wanted = format!("later_positions.{width}");
        let mask = match self.shared.get(&wanted) {
            Some(mask) => mask.clone(),
            None => {
                let hidden = |i: usize| if i % width > i / width { f32::MIN } else { 0.0 };
                let values: Vec<f32> = (0..width * width).map(hidden).collect();
                let mask = self.writer.floats(&wanted, &[width, width], &values, None);
                self.shared.insert(wanted, mask.clone());
                mask
            }
        };
        self.step(node, "Add", &[scores, &mask], "visible", vec![])
    }

    fn layer_norm(&mut self, id: NodeId, node: &Node, epsilon: f64, affine: bool) -> Result<Value> {
        let x = self.float(node.inputs[0])?;
        let width = node.shape.last().copied().unwrap_or(1);
        let factor = match affine {
            true => self.parameter_tensor(node, "weight")?,
            false => self.writer.floats(&format!("{}.weight", node.name), &[width], &vec![1.0; width], None),
        };
        let shift = if affine { Some(self.parameter_tensor(node, "bias")?) } else { None };
        if self.writer.opset() >= LAYER_NORM {
            let names: Vec<&str> = [&x, &factor].into_iter().chain(&shift).map(String::as_str).collect();
            let attributes = vec![int("axis", -1), float("epsilon", epsilon)];
            return Ok(self.last(id, "LayerNormalization", &names, attributes));
        }
        let mean = self.last_axis_mean(node, &x, "mean");
        let centred = self.step(node, "Sub", &[&x, &mean], "centred", vec![]);
        let deviation = self.root_mean_square(node, &centred, epsilon);
        let normal = self.step(node, "Div", &[&centred, &deviation], "normal", vec![]);
        match shift {
            Some(shift) => {
                let scaled = self.step(node, "Mul", &[&normal, &factor], "scaled", vec![]);
                Ok(self.last(id, "Add", &[&scaled, &shift], vec![]))
            }
            None => Ok(self.last(id, "Mul", &[&normal, &factor], vec![])),
        }
    }

    /// In its parts, which runtimes put together again.
    fn rms_norm(&mut self, id: NodeId, node: &Node, epsilon: f64) -> Result<Value> {
        let x = self.float(node.inputs[0])?;
        let factor = self.parameter_tensor(node, "weight")?;
        let deviation = self.root_mean_square(node, &x, epsilon);
        let normal = self.step(node, "Div", &[&x, &deviation], "normal", vec![]);
        Ok(self.last(id, "Mul", &[&normal, &factor], vec![]))
    }

    /// `√(mean x² + ε)` over the last axis.
    fn root_mean_square(&mut self, node: &Node, x: &str, epsilon: f64) -> String {
        let two = self.scalar(node, "exponent", 2.0);
        let square = self.step(node, "Pow", &[x, &two], "square", vec![]);
        let mean = self.last_axis_mean(node, &square, "mean_square");
        let epsilon = self.scalar(node, "epsilon", epsilon);
        let sum = self.step(node, "Add", &[&mean, &epsilon], "variance", vec![]);
        self.step(node, "Sqrt", &[&sum], "deviation", vec![])
    }

    fn last_axis_mean(&mut self, node: &Node, x: &str, suffix: &str) -> String {
        let keep = int("keepdims", 1);
        if self.writer.opset() >= AXES_AS_INPUT {
            let axes = self.writer.integers(&format!("{}.{suffix}.axes", node.name), &[-1]);
            return self.step(node, "ReduceMean", &[x, &axes], suffix, vec![keep]);
        }
        let axes = ints("axes", [node.shape.len()]);
        self.step(node, "ReduceMean", &[x], suffix, vec![axes, keep])
    }

    /// A sum or mean over one axis of the tensor, kept with extent 1.
    pub fn reduce(&mut self, id: NodeId, node: &Node, mean: bool, axis: usize, x: &str) -> Value {
        let (op, keep) = (if mean { "ReduceMean" } else { "ReduceSum" }, int("keepdims", 1));
        // ReduceSum has taken its axes as an input since operator set 13.
        if !mean || self.writer.opset() >= AXES_AS_INPUT {
            let axes = self.writer.integers(&format!("{}.axes", node.name), &[axis as i64]);
            return self.last(id, op, &[x, &axes], vec![keep]);
        }
        self.last(id, op, &[x], vec![ints("axes", [axis]), keep])
    }

    /// Parts that do not depend on the sample are repeated for each.
    fn concat(&mut self, id: NodeId, node: &Node, axis: usize) -> Result<Value> {
        let mut names = self.inputs(node)?;
        let of_samples = node.inputs.iter().position(|&input| self.batched(input));
        if let Some(of_samples) = of_samples {
            let like = names.get(of_samples).cloned().unwrap_or_default();
            for (which, &input) in node.inputs.iter().enumerate() {
                if !self.batched(input) {
                    let shape = self.graph().nodes()[input].shape.clone();
                    names[which] =
                        self.for_each_sample(&names[which], &shape, &like, 0, &format!("{}.part", node.name));
                }
            }
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(self.last(id, "Concat", &names, vec![int("axis", axis as i64 + 1)]))
    }

    /// A tensor of extent 1 along the batch, repeated as often as `like` has samples on this axis.
    pub fn for_each_sample(&mut self, tensor: &str, shape: &[usize], like: &str, axis: usize, wanted: &str) -> String {
        let axis = axis as i64;
        let limits = vec![int("start", axis), int("end", axis + 1)];
        let count = self.writer.node("Shape", &[like], &format!("{wanted}.samples"), limits);
        let rest: Vec<i64> = shape.iter().map(|&extent| extent as i64).collect();
        let rest = self.writer.integers(&format!("{wanted}.sample"), &rest);
        let all = self.writer.node("Concat", &[&count, &rest], &format!("{wanted}.shape"), vec![int("axis", 0)]);
        self.writer.node("Expand", &[tensor, &all], wanted, vec![])
    }
}
