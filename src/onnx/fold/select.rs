//! Operators that choose elements: Gather, GatherElements, Slice.

use crate::error::Result;

use super::super::tensor::Tensor;
use super::call::Call;
use super::strided::{Positions, strides};

/// Indices into a dimension of `size`; negative ones count from the end.
fn indices(call: &Call, position: usize, size: usize) -> Result<Vec<usize>> {
    let index = |&v: &i64| {
        let from_start = if v < 0 { v.saturating_add(size as i64) } else { v };
        let wrong = || call.wrong(format!("index {v}"), format!("an index of a dimension of size {size}"));
        usize::try_from(from_start).ok().filter(|&i| i < size).ok_or_else(wrong)
    };
    call.required_ints(position)?.iter().map(index).collect()
}

/// Gather: slices along one axis, by indices.
pub(super) fn gather(call: &Call) -> Result<Tensor> {
    let (input, places) = (call.required(0)?, call.required(1)?);
    let axis = call.axis(call.node.int("axis", 0)?, input.shape.len())?;
    let size = input.shape[axis];
    let chosen = indices(call, 1, size)?;
    let (before, after) = (&input.shape[..axis], &input.shape[axis + 1..]);
    let shape = [before, &places.shape, after].concat();
    let elements = call.elements(&shape)?;
    if elements == 0 {
        return Ok(Tensor { shape, data: input.data.pick([]) });
    }
    let (blocks, block) = (before.iter().product::<usize>(), after.iter().product::<usize>());
    let rows = (0..blocks).flat_map(|b| chosen.iter().map(move |i| (b * size + i) * block));
    Ok(Tensor { shape, data: input.data.pick(rows.flat_map(|start| start..start + block)) })
}

/// GatherElements: one element for each index, at the index' own place but along the axis.
pub(super) fn gather_elements(call: &Call) -> Result<Tensor> {
    let (input, places) = (call.required(0)?, call.required(1)?);
    let rank = input.shape.len();
    let axis = call.axis(call.node.int("axis", 0)?, rank)?;
    let fits = |i: usize| i == axis || places.shape[i] <= input.shape[i];
    if places.shape.len() != rank || !(0..rank).all(fits) {
        let found = format!("indices of shape {:?}", places.shape);
        return Err(call.wrong(found, format!("no dimension larger than those of {:?}", input.shape)));
    }
    let chosen = indices(call, 1, input.shape[axis])?;
    let mut view = strides(&input.shape);
    let along = std::mem::take(&mut view[axis]) as usize;
    let starts = Positions::new(&places.shape, &view, 0, places.len());
    let positions = starts.zip(&chosen).map(|(start, i)| start + i * along);
    Ok(Tensor { shape: places.shape.clone(), data: input.data.pick(positions) })
}

/// Slice: a range with a step along some axes; attributes before opset 10, inputs from then on.
pub(super) fn slice(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let rank = input.shape.len();
    let given = |name: &str, position| call.ints_since(10, name, position);
    let needed = |name: &str, position| -> Result<Vec<i64>> {
        given(name, position)?.ok_or_else(|| call.wrong(format!("no {name}"), name))
    };
    let (starts, ends) = (needed("starts", 1)?, needed("ends", 2)?);
    let axes = given("axes", 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = given("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        let found = format!("{} starts, {} ends, {} axes, {} steps", starts.len(), ends.len(), axes.len(), steps.len());
        return Err(call.wrong(found, "as many of each"));
    }
    call.marked(&axes, rank)?;
    let (mut shape, mut view, mut offset) = (input.shape.clone(), strides(&input.shape), 0isize);
    for (i, &axis) in axes.iter().enumerate() {
        let axis = call.axis(axis, rank)?;
        let (start, count) = range(starts[i], ends[i], steps[i], input.shape[axis])
            .ok_or_else(|| call.wrong("a step of 0", "another step"))?;
        offset += start as isize * view[axis];
        // With one element there is no step; with two or more it is smaller than the dimension.
        view[axis] *= if count > 1 { steps[i] as isize } else { 1 };
        shape[axis] = count;
    }
    let elements = call.elements(&shape)?;
    Ok(Tensor { data: input.data.pick(Positions::new(&shape, &view, offset, elements)), shape })
}

/// First position and number of positions of `start..end` by `step` in a dimension; `None` for a step of 0.
fn range(start: i64, end: i64, step: i64, size: usize) -> Option<(usize, usize)> {
    let dim = size as i64;
    let (lowest, highest) = if step > 0 { (0, dim) } else { (-1, dim - 1) };
    let inside = |v: i64| if v < 0 { v.saturating_add(dim) } else { v }.clamp(lowest, highest);
    let (start, end) = (inside(start), inside(end));
    let distance = if step > 0 { end - start } else { start - end };
    let count = if distance > 0 { (distance as u64).div_ceil(step.unsigned_abs().max(1)) } else { 0 };
    (step != 0).then_some((start.max(0) as usize, count as usize))
}
