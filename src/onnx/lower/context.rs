//! The graph under construction: names, parameters, and the values of the file made so far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::graph::{Activation, AxisMap, Function, GraphBuilder, NodeId, Op};
use crate::onnx::tensor::{ElementKind, Tensor};

use super::call::Call;
use super::value::{Constant, Dynamic, Samples, Value, canonical};

/// Constants with larger numbers are masks.
const LARGEST_LEARNT: f32 = 1e4;

pub use crate::graph::Values as Weights;

/// Everything that lowering a node reads and adds to.
pub struct Context {
    /// The graph.
    pub builder: GraphBuilder,
    /// Its parameters.
    pub weights: Weights,
    /// Values of the file by name.
    pub values: BTreeMap<String, Value>,
    /// Remarks for the user.
    pub notes: BTreeSet<String>,
    /// Numbers of weights that the file has once and the graph again.
    pub copied: u64,
    /// Name of the node at hand, for the nodes made of it.
    pub base: String,
    /// Names kept for layers.
    pub(super) reserved: BTreeSet<String>,
    /// Layers by the initializer of their weight.
    layers: BTreeMap<Arc<str>, String>,
    /// Constants that are nodes already, by the address of their tensor, which is kept.
    constants: BTreeMap<usize, (Arc<Tensor>, Dynamic)>,
    /// What a reshape was made of.
    reshaped: BTreeMap<NodeId, NodeId>,
    /// Ranges of integer types, of constants of the file.
    pub ranges: BTreeMap<String, [i64; 2]>,
    /// Whether a node's output is known to be not negative.
    non_negative: Vec<bool>,
    /// Layers on the longest way from the input to a node.
    depth: Vec<usize>,
}

impl Context {
    /// Nothing lowered yet.
    pub fn new(builder: GraphBuilder, reserved: BTreeSet<String>) -> Self {
        Self {
            builder,
            weights: Weights::new(),
            values: BTreeMap::new(),
            notes: BTreeSet::new(),
            copied: 0,
            base: String::new(),
            reserved,
            layers: BTreeMap::new(),
            constants: BTreeMap::new(),
            reshaped: BTreeMap::new(),
            ranges: BTreeMap::new(),
            non_negative: Vec::new(),
            depth: Vec::new(),
        }
    }

    /// A name that no node has: `wish`, or with a number behind.
    fn free(&self, wish: &str) -> String {
        let taken = |name: &str| self.builder.is_taken(name) || self.reserved.contains(name);
        let mut numbered = (2..).map(|number| format!("{wish}_{number}"));
        match taken(wish) {
            false => wish.to_string(),
            true => numbered.find(|name| !taken(name)).unwrap_or_default(),
        }
    }

    /// A name for a node made of the one at hand: its own, or `NAME.what`.
    pub fn fresh(&self, what: &str) -> String {
        self.free(&if what.is_empty() { self.base.clone() } else { format!("{}.{what}", self.base) })
    }

    /// A name for a layer: that of its weight in PyTorch's module tree, or the node's.
    pub fn layer_name(&mut self, weight: &Constant) -> String {
        self.layer_name_with(weight, None)
    }

    /// The same where exporters rename the weight, but not the bias.
    pub fn layer_name_with(&mut self, weight: &Constant, bias: Option<&str>) -> String {
        let Some(initializer) = &weight.initializer else { return self.fresh("") };
        let first = self.layers.get(initializer).cloned();
        let module = initializer.strip_suffix(".weight").or_else(|| bias?.strip_suffix(".bias"));
        let name = match module.filter(|name| !name.is_empty()) {
            Some(module) if first.is_none() && !self.builder.is_taken(module) => module.to_string(),
            _ => match module_of(&self.base).filter(|module| first.is_none() && !self.builder.is_taken(module)) {
                Some(module) => module,
                None => self.fresh(""),
            },
        };
        match first {
            Some(first) => {
                self.copied += weight.one.len() as u64;
                self.notes
                    .insert(format!("`{first}` and `{name}` share a weight in the file; here each has its own copy"));
            }
            None => {
                self.layers.insert(Arc::clone(initializer), name.clone());
            }
        }
        name
    }

    /// Adds a node called `name`.
    pub fn named(&mut self, name: &str, op: Op, inputs: &[NodeId]) -> Result<NodeId> {
        let depth = inputs.iter().filter_map(|&id| self.depth.get(id)).max().copied().unwrap_or(0);
        let depth = depth + usize::from(op.has_weight());
        let inherits = match &op {
            Op::Add | Op::GlobalAveragePool => true,
            Op::Function(f) => {
                matches!(f, Function::MaxPool(_) | Function::AveragePool(_) | Function::Concat { .. })
                    || matches!(f, Function::Reshape { .. } | Function::Transpose { .. })
            }
            _ => false,
        };
        let non_negative = match &op {
            Op::Relu => true,
            Op::Function(Function::Activation(activation)) => activation.is_non_negative(),
            _ => inherits && inputs.iter().all(|&id| self.is_non_negative(id)),
        };
        let id = self.builder.node(name, op, inputs)?;
        self.non_negative.resize(id + 1, false);
        self.non_negative[id] = non_negative;
        self.depth.resize(id + 1, 0);
        self.depth[id] = depth;
        Ok(id)
    }

    /// Whether no element of a node's output can be negative, as far as is known.
    pub fn is_non_negative(&self, id: NodeId) -> bool {
        self.non_negative.get(id).copied().unwrap_or(false)
    }

    /// Adds a node made of the one at hand.
    pub fn op(&mut self, what: &str, op: Op, inputs: &[NodeId]) -> Result<NodeId> {
        let name = self.fresh(what);
        self.named(&name, op, inputs)
    }

    /// Adds a function.
    pub fn function(&mut self, what: &str, function: Function, inputs: &[NodeId]) -> Result<NodeId> {
        self.op(what, Op::Function(function), inputs)
    }

    /// Adds a pointwise function; `0 + 1·x` is not added.
    pub fn activation(&mut self, what: &str, input: NodeId, activation: Activation) -> Result<NodeId> {
        match activation {
            Activation::Affine { scale: 1.0, shift: 0.0 } => Ok(input),
            activation => self.function(what, Function::Activation(activation), &[input]),
        }
    }

    /// Adds `scale · x + shift`.
    pub fn affine(&mut self, what: &str, input: NodeId, scale: f64, shift: f64) -> Result<NodeId> {
        self.activation(what, input, Activation::Affine { scale, shift })
    }

    /// Adds a map along an axis of the node; one that changes nothing is not added.
    pub fn along(&mut self, what: &str, input: NodeId, axis: usize, map: AxisMap) -> Result<NodeId> {
        let extent = self.builder.shape(input).get(axis).copied().unwrap_or(0);
        let idle = match &map {
            AxisMap::Slice { start: 0, step: 1, count } => *count == extent,
            AxisMap::Repeat { count } => *count == 1 && extent == 1,
            AxisMap::Pad { before: 0, after: 0, .. } | AxisMap::Stuff { stride: 1 } => true,
            AxisMap::Sum | AxisMap::Mean => extent == 1,
            _ => false,
        };
        if idle { Ok(input) } else { self.function(what, Function::Along { axis, map }, &[input]) }
    }

    /// Adds a permutation of axes; one that only moves axes of extent 1 is a reshape.
    pub fn transpose(&mut self, what: &str, input: NodeId, axes: &[usize]) -> Result<NodeId> {
        let shape = self.builder.shape(input).to_vec();
        let long: Vec<usize> = axes.iter().copied().filter(|&axis| shape.get(axis).is_some_and(|&n| n > 1)).collect();
        if long.is_sorted() {
            let shape: Vec<usize> = axes.iter().filter_map(|&axis| shape.get(axis).copied()).collect();
            return self.reshape(what, input, &shape);
        }
        self.function(what, Function::Transpose { axes: axes.to_vec() }, &[input])
    }

    /// The same elements in another shape; nothing is added where a node has this shape already.
    pub fn reshape(&mut self, what: &str, input: NodeId, shape: &[usize]) -> Result<NodeId> {
        let mut source = input;
        loop {
            if self.builder.shape(source) == shape {
                return Ok(source);
            }
            match self.reshaped.get(&source) {
                Some(&earlier) => source = earlier,
                None => break,
            }
        }
        let what = if what.is_empty() { "shape" } else { what };
        let id = self.function(what, Function::Reshape { shape: shape.to_vec() }, &[source])?;
        self.reshaped.insert(id, source);
        Ok(id)
    }

    /// Shape of a node.
    pub fn shape(&self, id: NodeId) -> Vec<usize> {
        self.builder.shape(id).to_vec()
    }

    /// The deeper of two nodes first: more layers lead to it, so it is the main path.
    pub fn main_path_first(&self, nodes: [NodeId; 2]) -> [NodeId; 2] {
        let depth = |id: NodeId| self.depth.get(id).copied().unwrap_or(0);
        let [a, b] = nodes;
        if depth(b) > depth(a) { [b, a] } else { [a, b] }
    }

    /// A parameter of a node.
    pub fn parameter(&mut self, node: &str, what: &str, shape: &[usize], elements: Vec<f32>) -> Result<()> {
        if shape.iter().product::<usize>() != elements.len() {
            let found = format!("{} elements for `{node}.{what}` of shape {shape:?}", elements.len());
            return Err(Error::Internal(found));
        }
        self.weights.insert(format!("{node}.{what}"), (shape.to_vec(), elements));
        Ok(())
    }

    /// The value that a node computes, in the file's shape.
    pub fn done(
        &mut self,
        node: NodeId,
        shape: &[usize],
        samples: impl Into<Samples>,
        kind: ElementKind,
    ) -> Result<Dynamic> {
        let Samples { axis: batch, major } = samples.into();
        let node = self.reshape("", node, canonical(shape))?;
        Ok(Dynamic { node, shape: shape.to_vec(), batch, major, kind })
    }

    /// The value that a node computes in the shape, the batch axis and the kind of another.
    pub fn like(&mut self, node: NodeId, model: &Dynamic) -> Result<Dynamic> {
        self.done(node, &model.shape, model.samples(), model.kind)
    }

    /// A node whose shape is the file's.
    pub fn whole(&mut self, value: &Dynamic) -> Result<NodeId> {
        self.reshape("", value.node, &value.shape)
    }

    /// The node and which of its axes is the file's axis `axis`.
    pub fn at(&mut self, value: &Dynamic, axis: usize) -> Result<(NodeId, usize)> {
        match value.shape.first() {
            Some(1) if axis > 0 => Ok((value.node, axis - 1)),
            _ => Ok((self.whole(value)?, axis)),
        }
    }

    /// The value as a node, a constant as one with a parameter.
    pub fn dynamic(&mut self, call: &Call, value: &Value) -> Result<Dynamic> {
        let constant = match value {
            Value::Dynamic(dynamic) => return Ok(dynamic.clone()),
            Value::Constant(constant) => constant,
        };
        let key = Arc::as_ptr(&constant.one) as usize;
        if let Some((_, known)) = self.constants.get(&key) {
            return Ok(known.clone());
        }
        let batch = batch_axis(call, constant)?;
        let wish = constant.initializer.as_deref().map(|name| name.trim_start_matches('/').to_string());
        let name = match wish.filter(|name| !name.is_empty()) {
            Some(wish) => self.free(&wish),
            None => self.fresh("constant"),
        };
        let shape = canonical(&constant.one.shape).to_vec();
        // What the file computes is a table, and so are masks: numbers no training would reach.
        let learnt = constant.initializer.is_some() && constant.one.kind() == ElementKind::Float;
        let trained = learnt && constant.one.floats().iter().all(|x| x.abs() < LARGEST_LEARNT);
        // An infinite mask must not become 0 · ∞ or ∞ − ∞.
        let elements = constant.one.floats().into_iter().map(|x| x.clamp(f32::MIN, f32::MAX)).collect();
        let node = self.named(&name, Op::Function(Function::Constant { shape: shape.clone(), trained }), &[])?;
        self.parameter(&name, "value", &shape, elements)?;
        let kind = constant.one.kind();
        let made = Dynamic { node, shape: constant.one.shape.clone(), batch, major: 1, kind };
        self.constants.insert(key, (Arc::clone(&constant.one), made.clone()));
        Ok(made)
    }
}

/// The module that a node of PyTorch's classic exporter belongs to: `layer1/layer1.0/conv1/Conv` is `layer1.0.conv1`.
fn module_of(node: &str) -> Option<String> {
    let (scopes, _) = node.rsplit_once('/')?;
    let mut path: Vec<&str> = Vec::new();
    for scope in scopes.split('/') {
        match path.last_mut() {
            Some(last) if scope.strip_prefix(*last).is_some_and(|rest| rest.starts_with('.')) => *last = scope,
            _ => path.push(scope),
        }
    }
    (!path.is_empty()).then(|| path.join("."))
}

/// The axis along which a constant is repeated for every sample.
fn batch_axis(call: &Call, constant: &Constant) -> Result<Option<usize>> {
    if constant.is_fixed() {
        return Ok(None);
    }
    let (one, three) = (&constant.one, &constant.three);
    let by_number = || call.unsupported("numbers computed from the batch size");
    let differ: Vec<usize> = (0..one.shape.len()).filter(|&i| three.shape.get(i) != one.shape.get(i)).collect();
    let [axis] = differ[..] else { return Err(by_number()) };
    let extents = (one.shape.get(axis).copied().unwrap_or(0), three.shape.get(axis).copied().unwrap_or(0));
    if one.shape.len() != three.shape.len() || extents.1 != extents.0.saturating_mul(3) {
        return Err(by_number());
    }
    // Every sample must have the same elements.
    let block: usize = one.shape[axis..].iter().product();
    let (one, three) = (one.floats(), three.floats());
    let repeated =
        block > 0 && one.chunks(block).zip(three.chunks(3 * block)).all(|(a, b)| b.chunks(block).all(|b| b == a));
    if repeated { Ok(Some(axis)) } else { Err(by_number()) }
}
