//! Reductions, cumulative sums and softmax.

use crate::error::Result;

use super::super::tensor::{Data, Tensor};
use super::call::Call;
use super::strided::{Positions, strides};

/// ReduceSum, ReduceProd, ReduceMin, ReduceMax, ReduceMean: over the axes, or over all.
pub(super) fn reduce(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let op = call.node.op.as_str();
    let axes = call.ints_since(if op == "ReduceSum" { 13 } else { 18 }, "axes", 1)?.unwrap_or_default();
    if axes.is_empty() && call.node.int("noop_with_empty_axes", 0)? != 0 {
        return Ok(input.clone());
    }
    let rank = input.shape.len();
    let over = if axes.is_empty() { vec![true; rank] } else { call.marked(&axes, rank)? };
    let full: Vec<usize> = input.shape.iter().zip(&over).map(|(&size, &over)| if over { 1 } else { size }).collect();
    let elements = call.elements(&full)?;
    let grouped = input.len().checked_div(elements).unwrap_or(0);
    let neutral = match op {
        "ReduceMean" => false,
        "ReduceMin" | "ReduceMax" => !matches!(input.data, Data::Int(_)),
        _ => true,
    };
    if grouped == 0 && elements > 0 && !neutral {
        return Err(call.wrong("a reduction of no elements", "at least one"));
    }
    let view: Vec<isize> = strides(&full).into_iter().zip(&over).map(|(s, &over)| if over { 0 } else { s }).collect();
    let places = Positions::new(&input.shape, &view, 0, input.len());
    let data = match &input.data {
        Data::Float(v) => Data::Float(reduce_floats(op, v, places, elements, grouped)),
        Data::Int(v) => {
            let overflow = || call.wrong(format!("a {op} that overflows"), "a result that is a 64-bit integer");
            Data::Int(reduce_ints(op, v, places, elements, grouped).ok_or_else(overflow)?)
        }
        Data::Bool(v) if matches!(op, "ReduceMin" | "ReduceMax") => {
            let numbers: Vec<i64> = v.iter().map(|&v| v.into()).collect();
            let reduced = reduce_ints(op, &numbers, places, elements, grouped).unwrap_or_default();
            Data::Bool(reduced.into_iter().map(|v| v > 0).collect())
        }
        Data::Bool(_) => return Err(call.wrong("truth values", "floats or integers")),
    };
    let keep = call.node.int("keepdims", 1)? != 0;
    let kept = full.iter().zip(&over).filter(|(_, over)| keep || !**over).map(|(&size, _)| size);
    Ok(Tensor { shape: kept.collect(), data })
}

fn reduce_floats(op: &str, values: &[f32], places: Positions, elements: usize, grouped: usize) -> Vec<f32> {
    let start = match op {
        "ReduceProd" => 1.0,
        "ReduceMin" => f64::INFINITY,
        "ReduceMax" => f64::NEG_INFINITY,
        _ => 0.0,
    };
    let mut results = vec![start; elements];
    for (place, &value) in places.zip(values) {
        let (result, value): (&mut f64, f64) = (&mut results[place], value.into());
        *result = match op {
            "ReduceProd" => *result * value,
            "ReduceMin" | "ReduceMax" if result.is_nan() || value.is_nan() => f64::NAN,
            "ReduceMin" => result.min(value),
            "ReduceMax" => result.max(value),
            _ => *result + value,
        };
    }
    let divisor = if op == "ReduceMean" { grouped as f64 } else { 1.0 };
    results.into_iter().map(|v| (v / divisor) as f32).collect()
}

fn reduce_ints(op: &str, values: &[i64], places: Positions, elements: usize, grouped: usize) -> Option<Vec<i64>> {
    let start = match op {
        "ReduceProd" => 1,
        "ReduceMin" => i64::MAX,
        "ReduceMax" => i64::MIN,
        _ => 0,
    };
    let mut results = vec![start; elements];
    for (place, &value) in places.zip(values) {
        let result: &mut i64 = &mut results[place];
        *result = match op {
            "ReduceProd" => result.checked_mul(value)?,
            "ReduceMin" => value.min(*result),
            "ReduceMax" => value.max(*result),
            _ => result.checked_add(value)?,
        };
    }
    let divisor = if op == "ReduceMean" { grouped.max(1) as i64 } else { 1 };
    Some(results.into_iter().map(|v| v / divisor).collect())
}

/// The lines of a tensor along an axis: position of the first element, distance between elements, number of them.
fn lines(shape: &[usize], axis: usize) -> impl Iterator<Item = usize> {
    let (size, block) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    let blocks: usize = if shape.contains(&0) { 0 } else { shape[..axis].iter().product() };
    (0..blocks).flat_map(move |b| (0..block).map(move |i| b * size * block + i))
}

/// CumSum along an axis; `exclusive` leaves an element's own value out, `reverse` begins at the end.
pub(super) fn cumulative_sum(call: &Call) -> Result<Tensor> {
    fn along<T: Copy>(
        (values, shape, axis): (&mut [T], &[usize], usize),
        (exclusive, reverse): (bool, bool),
        zero: T,
        add: impl Fn(T, T) -> Option<T>,
    ) -> Option<()> {
        let (size, stride) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
        for first in lines(shape, axis) {
            let mut sum = zero;
            for i in 0..size {
                let place = &mut values[first + stride * if reverse { size - 1 - i } else { i }];
                let next = add(sum, *place)?;
                *place = if exclusive { sum } else { next };
                sum = next;
            }
        }
        Some(())
    }
    let input = call.required(0)?;
    let axis = call.one_int(1)?.ok_or_else(|| call.wrong("no axis", "an axis"))?;
    let axis = call.axis(axis, input.shape.len())?;
    let order = (call.node.int("exclusive", 0)? != 0, call.node.int("reverse", 0)? != 0);
    let data = match &input.data {
        Data::Float(v) => {
            let mut sums: Vec<f64> = v.iter().map(|&v| v.into()).collect();
            along((&mut sums, &input.shape, axis), order, 0.0, |a, b| Some(a + b))
                .map(|()| Data::Float(sums.into_iter().map(|v| v as f32).collect()))
        }
        Data::Int(v) => {
            let mut sums = v.clone();
            along((&mut sums, &input.shape, axis), order, 0, i64::checked_add).map(|()| Data::Int(sums))
        }
        Data::Bool(_) => return Err(call.wrong("truth values", "floats or integers")),
    };
    let data = data.ok_or_else(|| call.wrong("a sum that overflows", "sums that are 64-bit integers"))?;
    Ok(Tensor { shape: input.shape.clone(), data })
}

/// Softmax along an axis; before opset 13 along all dimensions from the axis on.
pub(super) fn softmax(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let Data::Float(values) = &input.data else { return Err(call.wrong(input.kind().word(), "floats")) };
    let axis = call.axis(call.node.int("axis", if call.opset < 13 { 1 } else { -1 })?, input.shape.len())?;
    let (before, from) = input.shape.split_at(axis);
    let shape = match call.opset {
        ..13 => vec![before.iter().product(), from.iter().product()],
        _ => input.shape.clone(),
    };
    let axis = if call.opset < 13 { 1 } else { axis };
    let (size, stride) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    let mut result = values.clone();
    for first in lines(&shape, axis) {
        let places = || (0..size).map(|i| first + i * stride);
        let largest = places().map(|p| f64::from(values[p])).fold(f64::NEG_INFINITY, f64::max);
        let power = |p: usize| (f64::from(values[p]) - largest).exp();
        let sum: f64 = places().map(power).sum();
        places().for_each(|p| result[p] = (power(p) / sum) as f32);
    }
    Ok(Tensor { shape: input.shape.clone(), data: Data::Float(result) })
}
