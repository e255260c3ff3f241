//! A node with its constant inputs, and the checks that its operators share.

use crate::error::{Error, Result};

use super::super::decode::{MAX_RANK, element_count};
use super::super::node::OnnxNode;
use super::super::tensor::Tensor;
use super::MAX_ELEMENTS;

/// One evaluation.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) node: &'a OnnxNode,
    pub(super) opset: i64,
    pub(super) inputs: &'a [Option<&'a Tensor>],
}

impl<'a> Call<'a> {
    /// An input that may be absent.
    pub(super) fn input(&self, position: usize) -> Option<&'a Tensor> {
        self.inputs.get(position).copied().flatten()
    }

    /// An input that must be there.
    pub(super) fn required(&self, position: usize) -> Result<&'a Tensor> {
        self.input(position).ok_or_else(|| self.wrong(format!("no input {position}"), "that input"))
    }

    /// A fault of the node.
    pub(super) fn wrong(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        self.node.wrong(found, expected, "export the model again")
    }

    /// The integers of an input; `None` if it is absent.
    pub(super) fn ints(&self, position: usize) -> Result<Option<Vec<i64>>> {
        let Some(tensor) = self.input(position) else { return Ok(None) };
        let wrong = || self.wrong(format!("floats in input {position}"), "integers");
        tensor.ints().ok_or_else(wrong).map(Some)
    }

    /// The integers of an input that must be there.
    pub(super) fn required_ints(&self, position: usize) -> Result<Vec<i64>> {
        self.required(position)?;
        Ok(self.ints(position)?.unwrap_or_default())
    }

    /// The one integer of an input; `None` if it is absent.
    pub(super) fn one_int(&self, position: usize) -> Result<Option<i64>> {
        let Some(tensor) = self.input(position) else { return Ok(None) };
        let wrong =
            || self.wrong(format!("{} {} in input {position}", tensor.len(), tensor.kind().word()), "one integer");
        tensor.scalar_int().ok_or_else(wrong).map(Some)
    }

    /// Integers that were an attribute before opset `since` and are an input from then on.
    pub(super) fn ints_since(&self, since: i64, attribute: &str, position: usize) -> Result<Option<Vec<i64>>> {
        if self.opset < since { Ok(self.node.ints(attribute)?.map(<[i64]>::to_vec)) } else { self.ints(position) }
    }

    /// An axis of `rank` dimensions; negative ones count from the end.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize> {
        let from_start = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
        let wrong = || self.wrong(format!("axis {axis}"), format!("an axis of {rank} dimensions"));
        usize::try_from(from_start).ok().filter(|&a| a < rank).ok_or_else(wrong)
    }

    /// Axes, which must differ, as a mark on each of `rank` dimensions.
    pub(super) fn marked(&self, axes: &[i64], rank: usize) -> Result<Vec<bool>> {
        let mut marked = vec![false; rank];
        for &axis in axes {
            let place = self.axis(axis, rank)?;
            if std::mem::replace(&mut marked[place], true) {
                return Err(self.wrong(format!("axis {axis} twice"), "different axes"));
            }
        }
        Ok(marked)
    }

    /// A shape in an input, which must be there, before its numbers are looked at.
    pub(super) fn shape(&self, position: usize) -> Result<Vec<i64>> {
        let wrong = |t: &Tensor| self.wrong(format!("a shape of {} sizes", t.len()), format!("at most {MAX_RANK}"));
        match self.required(position)? {
            tensor if tensor.len() > MAX_RANK => Err(wrong(tensor)),
            _ => self.required_ints(position),
        }
    }

    /// Sizes from integers.
    pub(super) fn sizes(&self, values: &[i64]) -> Result<Vec<usize>> {
        let size = |&v: &i64| usize::try_from(v).map_err(|_| self.wrong(format!("size {v}"), "sizes of 0 or more"));
        values.iter().map(size).collect()
    }

    /// Number of elements of a result, which must be within the limit.
    pub(super) fn elements(&self, shape: &[usize]) -> Result<usize> {
        element_count(shape).filter(|&n| n <= MAX_ELEMENTS).ok_or_else(|| {
            let found = match shape.len() {
                ..=8 => format!("a constant expression of shape {shape:?}"),
                rank => format!("a constant expression of {rank} dimensions"),
            };
            let remedy = "simplify the model, or keep that part of it out";
            self.node.wrong(found, format!("at most {MAX_ELEMENTS} elements in 64 dimensions"), remedy)
        })
    }
}
