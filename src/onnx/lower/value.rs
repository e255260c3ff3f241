//! What is known of a value of the file while its graph is lowered: a constant, or a node with its shape.

use std::sync::Arc;

use crate::error::Result;
use crate::graph::NodeId;
use crate::onnx::tensor::{ElementKind, Tensor};

use super::call::Call;

/// A value that does not depend on the samples: what it is for one sample, and for three at once. They differ where
/// the file computes with the batch size.
#[derive(Debug, Clone)]
pub struct Constant {
    /// For one sample.
    pub one: Arc<Tensor>,
    /// For three.
    pub three: Arc<Tensor>,
    /// The initializer that it comes from, elements reordered at most.
    pub initializer: Option<Arc<str>>,
}

impl Constant {
    /// The same for any number of samples.
    pub fn fixed(tensor: Tensor, initializer: Option<&str>) -> Self {
        let one = Arc::new(tensor);
        Self { three: Arc::clone(&one), one, initializer: initializer.map(Arc::from) }
    }

    /// Whether the batch size has no part in it.
    pub fn is_fixed(&self) -> bool {
        Arc::ptr_eq(&self.one, &self.three) || self.one == self.three
    }

    /// The element that all are equal to, if they are.
    pub fn uniform(&self) -> Option<f64> {
        let elements = self.one.floats();
        let first = *elements.first()?;
        (self.is_fixed() && elements.iter().all(|&x| x == first)).then_some(f64::from(first))
    }
}

/// Where the samples of a value are.
#[derive(Debug, Clone, Copy)]
pub struct Samples {
    /// The batch axis.
    pub axis: Option<usize>,
    /// Blocks in front of them inside the axis.
    pub major: usize,
}

impl From<Option<usize>> for Samples {
    fn from(axis: Option<usize>) -> Self {
        Self { axis, major: 1 }
    }
}

/// A value that a node of our graph computes.
#[derive(Debug, Clone)]
pub struct Dynamic {
    /// The node; its shape is [`canonical`] of `shape`.
    pub node: NodeId,
    /// Shape in the file, for one sample.
    pub shape: Vec<usize>,
    /// The axis of the file's shape that is `n` times as long for `n` samples.
    pub batch: Option<usize>,
    /// Blocks of elements in front of the samples inside the batch axis: 1 where the samples are its outermost part, `T`
    /// where `[T, N, d]` was made `[T·N, d]`.
    pub major: usize,
    /// What the file says the elements are.
    pub kind: ElementKind,
}

/// A value of the file.
#[derive(Debug, Clone)]
pub enum Value {
    /// Known already.
    Constant(Constant),
    /// Computed from the inputs.
    Dynamic(Dynamic),
}

impl From<Dynamic> for Value {
    fn from(value: Dynamic) -> Self {
        Value::Dynamic(value)
    }
}

impl From<Constant> for Value {
    fn from(value: Constant) -> Self {
        Value::Constant(value)
    }
}

impl Value {
    /// Shape in the file for one sample.
    pub fn shape(&self) -> &[usize] {
        match self {
            Value::Constant(c) => &c.one.shape,
            Value::Dynamic(d) => &d.shape,
        }
    }

    /// What the elements are.
    pub fn kind(&self) -> ElementKind {
        match self {
            Value::Constant(c) => c.one.kind(),
            Value::Dynamic(d) => d.kind,
        }
    }
}

/// The shape that a node has for a value of this shape in the file: without a leading axis of extent 1, which is the
/// batch as a rule. The elements and their order are the same.
pub fn canonical(shape: &[usize]) -> &[usize] {
    match shape {
        [1, rest @ ..] => rest,
        _ => shape,
    }
}

impl Dynamic {
    /// Number of axes in the file.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The axis that an attribute means; negative ones count from behind.
    pub fn axis(&self, call: &Call, axis: i64) -> Result<usize> {
        axis_of(call, axis, self.rank())
    }

    /// Refuses what would mix samples: work along the batch axis.
    pub fn keep_apart(&self, call: &Call, axes: impl IntoIterator<Item = usize>) -> Result<()> {
        match self.batch {
            Some(batch) if axes.into_iter().any(|axis| axis == batch) => Err(call.mixes_samples(batch)),
            _ => Ok(()),
        }
    }

    /// Where the samples are.
    pub fn samples(&self) -> Samples {
        self.samples_at(self.batch)
    }

    /// The same with the batch axis elsewhere.
    pub fn samples_at(&self, axis: Option<usize>) -> Samples {
        Samples { axis, major: self.major }
    }

    /// Elements of one sample.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The axis of `rank` that `axis` means; negative ones count from behind.
pub fn axis_of(call: &Call, axis: i64, rank: usize) -> Result<usize> {
    let from_front = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    match from_front.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank) {
        Some(axis) => Ok(axis),
        None => Err(call.wrong(format!("axis {axis}"), format!("an axis of {rank}"))),
    }
}
