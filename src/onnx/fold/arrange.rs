//! Operators that fill: Pad, Trilu, Range, ConstantOfShape.

use crate::error::Result;

use super::super::tensor::{Data, Tensor};
use super::call::Call;

/// Elements at `positions`, and a filler where there is none.
fn filled(
    call: &Call,
    data: &Data,
    filler: Option<&Tensor>,
    positions: impl Iterator<Item = Option<usize>>,
) -> Result<Data> {
    fn of<T: Copy>(values: &[T], filler: T, positions: impl Iterator<Item = Option<usize>>) -> Vec<T> {
        positions.map(|p| p.and_then(|p| values.get(p).copied()).unwrap_or(filler)).collect()
    }
    let wrong = || call.wrong("a filler of another type or more than one", "one element of the type of the data");
    Ok(match (data, filler.map(|t| &t.data)) {
        (Data::Float(v), None) => Data::Float(of(v, 0.0, positions)),
        (Data::Int(v), None) => Data::Int(of(v, 0, positions)),
        (Data::Bool(v), None) => Data::Bool(of(v, false, positions)),
        (Data::Float(v), Some(Data::Float(f))) if f.len() == 1 => Data::Float(of(v, f[0], positions)),
        (Data::Int(v), Some(Data::Int(f))) if f.len() == 1 => Data::Int(of(v, f[0], positions)),
        (Data::Bool(v), Some(Data::Bool(f))) if f.len() == 1 => Data::Bool(of(v, f[0], positions)),
        _ => return Err(wrong()),
    })
}

/// Pad with a constant; negative pads cut. Attributes before opset 11, inputs from then on, axes from opset 18.
pub(super) fn pad(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let rank = input.shape.len();
    let value = Tensor::float(call.node.float("value", 0.0)? as f32);
    let filler = if call.opset < 11 { Some(&value) } else { call.input(2) };
    let pads = call.ints_since(11, "pads", 1)?.ok_or_else(|| call.wrong("no pads", "pads"))?;
    let axes = call.ints(3)?.unwrap_or_else(|| (0..rank as i64).collect());
    if pads.len() != 2 * axes.len() {
        return Err(call.wrong(format!("{} pads", pads.len()), format!("two for each of {} axes", axes.len())));
    }
    call.marked(&axes, rank)?;
    let (mut shape, mut shift) = (input.shape.clone(), vec![0i64; rank]);
    for (i, &axis) in axes.iter().enumerate() {
        let axis = call.axis(axis, rank)?;
        let (before, after) = (pads[i], pads[i + axes.len()]);
        let size = i128::from(before) + i128::from(after) + input.shape[axis] as i128;
        let wrong =
            || call.wrong(format!("pads {before} and {after} of size {}", input.shape[axis]), "a size of 0 or more");
        shape[axis] = usize::try_from(size).map_err(|_| wrong())?;
        shift[axis] = before;
    }
    let elements = call.elements(&shape)?;
    let mut index = vec![0usize; rank];
    let positions = (0..elements).map(|_| {
        let source = index.iter().zip(&shift).zip(&input.shape).try_fold(0usize, |at, ((&i, &shift), &size)| {
            let own =
                (i as i64).checked_sub(shift).and_then(|own| usize::try_from(own).ok()).filter(|&own| own < size)?;
            Some(at * size + own)
        });
        advance(&mut index, &shape);
        source
    });
    let data = filled(call, &input.data, filler, positions)?;
    Ok(Tensor { shape, data })
}

/// The next index of a tensor, the last dimension fastest.
fn advance(index: &mut [usize], shape: &[usize]) {
    for (i, &size) in index.iter_mut().zip(shape).rev() {
        *i += 1;
        if *i < size {
            return;
        }
        *i = 0;
    }
}

/// Trilu: the upper or lower triangle of the last two dimensions, counted from diagonal `k`; zeros elsewhere.
pub(super) fn trilu(call: &Call) -> Result<Tensor> {
    let input = call.required(0)?;
    let upper = call.node.int("upper", 1)? != 0;
    let k = i128::from(call.one_int(1)?.unwrap_or(0));
    let [.., rows, columns] = input.shape[..] else {
        return Err(call.wrong(format!("shape {:?}", input.shape), "two dimensions or more"));
    };
    let kept = |p: usize| {
        let (row, column) = ((p / columns % rows) as i128, (p % columns) as i128);
        let keep = if upper { column - row >= k } else { column - row <= k };
        keep.then_some(p)
    };
    let data = filled(call, &input.data, None, (0..input.len()).map(kept))?;
    Ok(Tensor { shape: input.shape.clone(), data })
}

/// Range: `start + i·step` for `i < max(⌈(limit - start) / step⌉, 0)`.
pub(super) fn range(call: &Call) -> Result<Tensor> {
    let inputs = [call.required(0)?, call.required(1)?, call.required(2)?];
    let zero = || call.wrong("a step of 0 or not a number", "another step");
    if let [Some(start), Some(limit), Some(step)] = inputs.map(Tensor::scalar_int) {
        let (start, limit, step) = (i128::from(start), i128::from(limit), i128::from(step));
        let steps = (limit - start).checked_div(step).ok_or_else(zero)?;
        let rest = (limit - start) % step != 0;
        let whole = steps + i128::from(rest && (limit > start) == (step > 0));
        let n = call.elements(&[usize::try_from(whole.max(0)).unwrap_or(usize::MAX)])?;
        return Ok(Tensor::of_ints((0..n).map(|i| (start + i as i128 * step) as i64)));
    }
    let floats = inputs.iter().all(|t| matches!(t.data, Data::Float(_)));
    match inputs.map(Tensor::scalar) {
        [Some(start), Some(limit), Some(step)] if floats => {
            let steps = ((limit - start) / step).ceil();
            if steps.is_nan() {
                return Err(zero());
            }
            let n = call.elements(&[steps.max(0.0) as usize])?;
            Ok(Tensor::of_floats((0..n).map(|i| (start + i as f64 * step) as f32)))
        }
        _ => Err(call.wrong("other inputs", "three floats or three integers")),
    }
}

/// ConstantOfShape: one value everywhere, the float 0 by default.
pub(super) fn constant_of_shape(call: &Call) -> Result<Tensor> {
    let shape = call.sizes(&call.shape(0)?)?;
    let zero = Tensor::float(0.0);
    let value = call.node.tensor("value")?.unwrap_or(&zero);
    if value.len() != 1 {
        return Err(call.wrong(format!("a value of {} elements", value.len()), "one element"));
    }
    let elements = call.elements(&shape)?;
    Ok(Tensor { shape, data: value.data.pick(std::iter::repeat_n(0, elements)) })
}
