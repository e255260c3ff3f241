//! ScatterND: blocks of an array replaced at given places, as slices assigned by a program become.

use crate::error::Result;

use super::super::tensor::{Data, Tensor};
use super::call::Call;

/// The first input with the blocks of the third at the places of the second, later ones over earlier ones.
pub(super) fn scatter_nd(call: &Call) -> Result<Tensor> {
    let (data, places, updates) = (call.required(0)?, call.required(1)?, call.required(2)?);
    let numbers = call.required_ints(1)?;
    let depth = places.shape.last().copied().unwrap_or(0);
    let (Some(outer), Some(inner)) = (data.shape.get(..depth), data.shape.get(depth..)) else {
        let found = format!("places of shape {:?} in an array of shape {:?}", places.shape, data.shape);
        return Err(call.wrong(found, "no more numbers for a place than the array has dimensions"));
    };
    let block: usize = inner.iter().product();
    let mut starts = Vec::with_capacity(numbers.len() / depth.max(1));
    for place in numbers.chunks_exact(depth.max(1)) {
        let mut start = 0;
        for (&number, &size) in place.iter().zip(outer) {
            let index = if number < 0 { number.saturating_add(size as i64) } else { number };
            let index = usize::try_from(index).ok().filter(|&index| index < size);
            let index = index.ok_or_else(|| call.wrong(format!("index {number}"), format!("one below {size}")))?;
            start = start * size + index;
        }
        starts.push(start * block);
    }
    let mut result = data.clone();
    let fits = starts.len() * block == updates.len() && depth > 0;
    let written = fits
        && match (&mut result.data, &updates.data) {
            (Data::Float(to), Data::Float(from)) => write(to, from, &starts, block),
            (Data::Int(to), Data::Int(from)) => write(to, from, &starts, block),
            (Data::Bool(to), Data::Bool(from)) => write(to, from, &starts, block),
            _ => false,
        };
    if written { Ok(result) } else { Err(call.wrong("updates that do not fit the places", "one block for each place")) }
}

fn write<T: Copy>(to: &mut [T], from: &[T], starts: &[usize], block: usize) -> bool {
    for (&start, from) in starts.iter().zip(from.chunks_exact(block.max(1))) {
        match to.get_mut(start..start + block) {
            Some(to) => to.copy_from_slice(from),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fold;
    use super::*;
    use crate::onnx::node::OnnxNode;

    fn scatter(places: Tensor, updates: Tensor) -> Result<Tensor> {
        let names = ["data", "places", "updates"].map(String::from).to_vec();
        let node = OnnxNode::new(&Arc::from("test"), 0, "ScatterND", names, ["y"]);
        let data = Tensor { shape: vec![3, 2], data: Data::Float(vec![0.0; 6]) };
        Ok(fold(&node, 16, &[Some(&data), Some(&places), Some(&updates)])?.unwrap().remove(0))
    }

    #[test]
    fn blocks_and_elements_go_where_they_belong() {
        let ints = |shape: &[usize], values: &[i64]| Tensor { shape: shape.to_vec(), data: Data::Int(values.to_vec()) };
        let floats =
            |shape: &[usize], values: &[f32]| Tensor { shape: shape.to_vec(), data: Data::Float(values.to_vec()) };
        let rows = scatter(ints(&[2, 1], &[2, 0]), floats(&[2, 2], &[1.0, 2.0, 3.0, 4.0])).unwrap();
        assert_eq!(rows.data, Data::Float(vec![3.0, 4.0, 0.0, 0.0, 1.0, 2.0]));
        let cells = scatter(ints(&[2, 2], &[1, 1, -1, 0]), floats(&[2], &[5.0, 6.0])).unwrap();
        assert_eq!(cells.data, Data::Float(vec![0.0, 0.0, 0.0, 5.0, 6.0, 0.0]));
        assert!(scatter(ints(&[1, 1], &[3]), floats(&[1, 2], &[1.0, 2.0])).is_err());
        assert!(scatter(ints(&[1, 3], &[0, 0, 0]), floats(&[1], &[1.0])).is_err());
        assert!(scatter(ints(&[1, 1], &[0]), floats(&[1], &[1.0])).is_err());
    }
}
