//! The FP32 parameters of a graph: their names, shapes and roles.

use std::collections::BTreeMap;

use crate::graph::op::{Graph, Op};

/// Tensors by parameter name: shape and elements in row-major order.
pub type Values = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// What a parameter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Weight of a layer that can be quantised.
    Weight,
    /// Added to a layer's output channels.
    Bias,
    /// Factor behind a norm, `γ`.
    NormFactor,
    /// Summand behind a norm, `β`.
    NormShift,
    /// Running mean of a batch norm; not trained.
    RunningMean,
    /// Running variance of a batch norm; not trained.
    RunningVariance,
    /// Numbers that do not depend on the input and are learnt.
    Constant,
    /// Numbers that follow from the architecture; not trained.
    Table,
}

/// A parameter of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// `NODE.weight`, for example.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// What it is for.
    pub role: Role,
}

impl Parameter {
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it is a statistic of the data, which no optimiser moves.
    pub fn is_statistic(&self) -> bool {
        matches!(self.role, Role::RunningMean | Role::RunningVariance)
    }
}

impl Graph {
    /// All parameters, in the order of the nodes.
    pub fn parameters(&self) -> Vec<Parameter> {
        let mut layers = self.layers().into_iter();
        let mut all = Vec::new();
        for node in self.nodes() {
            let mut add = |what: &str, shape: Vec<usize>, role: Role| {
                all.push(Parameter { name: format!("{}.{what}", node.name), shape, role });
            };
            match &node.op {
                op if op.has_weight() => {
                    let Some(layer) = layers.next() else { continue };
                    let channels = layer.channels();
                    add("weight", layer.weight_shape, Role::Weight);
                    if op.has_bias() {
                        add("bias", vec![channels], Role::Bias);
                    }
                }
                Op::BatchNorm { .. } => {
                    let channels = vec![node.shape.first().copied().unwrap_or(1)];
                    add("weight", channels.clone(), Role::NormFactor);
                    add("bias", channels.clone(), Role::NormShift);
                    add("running_mean", channels.clone(), Role::RunningMean);
                    add("running_var", channels, Role::RunningVariance);
                }
                Op::Function(function) => {
                    for &what in function.parameters() {
                        let role = match what {
                            "weight" => Role::NormFactor,
                            "bias" => Role::NormShift,
                            _ if function.is_table() => Role::Table,
                            _ => Role::Constant,
                        };
                        add(what, function.parameter_shape(&node.shape), role);
                    }
                }
                _ => {}
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::GraphBuilder;

    #[test]
    fn every_kind_of_node_names_its_parameters() {
        let mut b = GraphBuilder::new("test", [3, 4, 4]).unwrap();
        let x = b.conv("c", b.input(), 5, 3, 1).unwrap();
        let x = b.batch_norm("n", x).unwrap();
        let x = b.reshape("flat", x, &[5, 16]).unwrap();
        let x = b.layer_norm("l", x).unwrap();
        let shift = b.constant("shift", &[5, 16]).unwrap();
        let x = b.add("sum", x, shift).unwrap();
        b.linear("fc", x, 7).unwrap();
        let graph = b.finish();
        let found: Vec<(String, usize, Role)> =
            graph.parameters().into_iter().map(|p| (p.name.clone(), p.elements(), p.role)).collect();
        let expected = [
            ("c.weight", 135, Role::Weight),
            ("n.weight", 5, Role::NormFactor),
            ("n.bias", 5, Role::NormShift),
            ("n.running_mean", 5, Role::RunningMean),
            ("n.running_var", 5, Role::RunningVariance),
            ("l.weight", 16, Role::NormFactor),
            ("l.bias", 16, Role::NormShift),
            ("shift.value", 80, Role::Constant),
            ("fc.weight", 112, Role::Weight),
            ("fc.bias", 7, Role::Bias),
        ];
        assert_eq!(found, expected.map(|(name, n, role)| (name.to_string(), n, role)));
    }
}
