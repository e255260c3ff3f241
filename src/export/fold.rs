//! Batch norms folded into the layers before them.
//!
//! `γ (W x + b − μ)/√(v + ε) + β = (f W) x + (b − μ) f + β` with `f = γ/√(v + ε)`, one factor for each output channel. The
//! codes of a channel stay, its scales are multiplied by `|f|`; where `f` is negative the codes change their signs. `f` in
//! f64; scales and biases are rounded to f32 once, so a folded network differs by rounding in f32 only.
//!
//! A norm stays where it is if something else reads the layer, if it does not follow the layer's channels, or if a code with
//! the smallest number, which has no opposite at its bits, would change its sign.

use crate::error::Result;
use crate::export::{Codes, DeployedLayer, Deployment, LayerWeights};
use crate::graph::{Conv2d, Graph, Linear, Node, NodeId, Op, Values};

impl Deployment {
    /// The same network with every batch norm folded that can be, and the names of those that cannot.
    ///
    /// # Errors
    /// Never, for a deployment whose parameters are complete.
    pub fn fold_batch_norms(mut self) -> Result<(Self, Vec<String>)> {
        let (mut folded, mut kept) = (Vec::new(), Vec::new());
        for (norm, node) in self.graph.nodes().iter().enumerate() {
            let Op::BatchNorm { epsilon } = node.op else { continue };
            let Some(before) = foldable(&self.graph, norm) else {
                kept.push(node.name.clone());
                continue;
            };
            let name = &self.graph.nodes()[before].name;
            let layer = self.layers.iter_mut().find(|layer| layer.name == *name);
            let change = Change::of(&self.parameters, node, name, epsilon);
            let (Some(layer), Some(change)) = (layer, change) else {
                kept.push(node.name.clone());
                continue;
            };
            if !change.apply(layer) {
                kept.push(node.name.clone());
                continue;
            }
            let of_norm = |parameter: &str| parameter.rsplit_once('.').is_some_and(|(owner, _)| owner == node.name);
            self.parameters.retain(|parameter, _| !of_norm(parameter));
            self.parameters.insert(format!("{name}.bias"), (vec![change.bias.len()], change.bias));
            // The layer gives what the norm gave.
            match self.ranges.remove(&node.name) {
                Some(range) => self.ranges.insert(name.clone(), range),
                None => self.ranges.remove(name),
            };
            folded.push([before, norm]);
        }
        let is =
            |node: &Node, which: usize| folded.iter().any(|pair| self.graph.nodes()[pair[which]].name == node.name);
        let edit = |node: &Node| match &node.op {
            Op::BatchNorm { .. } if is(node, 1) => None,
            Op::Conv2d(conv) if is(node, 0) => Some(Op::Conv2d(Conv2d { bias: true, ..*conv })),
            Op::Linear(linear) if is(node, 0) => Some(Op::Linear(Linear { bias: true, ..*linear })),
            op => Some(op.clone()),
        };
        self.graph = self.graph.edited(edit)?;
        Ok((self, kept))
    }
}

/// The layer that a norm can be folded into: what it reads, if nothing else reads that, and if its channels are the norm's.
fn foldable(graph: &Graph, norm: NodeId) -> Option<NodeId> {
    let &before = graph.nodes()[norm].inputs.first()?;
    let layer = &graph.nodes()[before];
    let follows = match &layer.op {
        Op::Conv2d(_) => true,
        Op::Linear(_) => layer.shape.len() == 1,
        _ => false,
    };
    let readers = graph.nodes().iter().flat_map(|node| &node.inputs).filter(|&&input| input == before).count();
    (follows && readers == 1).then_some(before)
}

/// What a norm does to a layer.
struct Change {
    factors: Vec<f64>,
    bias: Vec<f32>,
}

impl Change {
    fn of(parameters: &Values, norm: &Node, layer: &str, epsilon: f64) -> Option<Self> {
        let of = |what: &str| Some(parameters.get(&format!("{}.{what}", norm.name))?.1.as_slice());
        let (gamma, beta, mean, variance) = (of("weight")?, of("bias")?, of("running_mean")?, of("running_var")?);
        let own = parameters.get(&format!("{layer}.bias")).map(|(_, values)| values.as_slice());
        let factor = |(&gamma, &variance): (&f32, &f32)| f64::from(gamma) / (f64::from(variance) + epsilon).sqrt();
        let factors: Vec<f64> = gamma.iter().zip(variance).map(factor).collect();
        let shifted = |(channel, factor): (usize, &f64)| {
            let own = own.and_then(|own| own.get(channel)).copied().unwrap_or(0.0);
            let number = |values: &[f32]| values.get(channel).copied().map_or(0.0, f64::from);
            ((f64::from(own) - number(mean)) * factor + number(beta)) as f32
        };
        let bias = factors.iter().enumerate().map(shifted).collect();
        Some(Self { factors, bias })
    }

    /// Changes a layer's weights; false, and nothing changed, where a channel's codes or scales would not fit.
    fn apply(&self, layer: &mut DeployedLayer) -> bool {
        let columns = layer.shape.iter().skip(1).product::<usize>().max(1);
        match &mut layer.weights {
            LayerWeights::Float(values) => {
                let values = values.chunks_mut(columns).zip(&self.factors);
                values.for_each(|(row, f)| row.iter_mut().for_each(|v| *v = (f64::from(*v) * f) as f32));
                true
            }
            LayerWeights::Codes(codes) => match self.changed(codes, columns) {
                Some(changed) => {
                    *codes = changed;
                    true
                }
                None => false,
            },
        }
    }

    fn changed(&self, old: &Codes, columns: usize) -> Option<Codes> {
        let groups = (columns / old.group.max(1)).max(1);
        let (mut codes, mut scale) = (Vec::with_capacity(old.codes.len()), Vec::with_capacity(old.scale.len()));
        let rows = old.codes.chunks(columns).zip(old.scale.chunks(groups));
        for ((row, scales), &factor) in rows.zip(&self.factors) {
            if factor == 0.0 || row.iter().all(|&code| code == 0) {
                // Any positive scale will do.
                codes.extend(row.iter().map(|_| 0));
                scale.extend_from_slice(scales);
                continue;
            }
            let smallest = crate::quant::weights::signed_range(old.bits).0;
            if factor < 0.0 && row.iter().any(|&code| i32::from(code) == smallest) {
                return None;
            }
            codes.extend(row.iter().map(|&code| if factor < 0.0 { -code } else { code }));
            scale.extend(scales.iter().map(|&s| (f64::from(s) * factor.abs()) as f32));
        }
        let usable = |s: &f32| s.is_normal() && *s > 0.0;
        (codes.len() == old.codes.len() && scale.iter().all(usable)).then(|| Codes { codes, scale, ..old.clone() })
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
