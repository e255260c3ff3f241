//! ONNX broadcasting: shapes aligned from behind, extents of 1 repeated.

use crate::error::Result;
use crate::graph::{AxisMap, NodeId};

use super::call::Call;
use super::context::Context;
use super::value::{Dynamic, Samples, canonical};

/// The joint shape of several shapes.
pub fn joint(call: &Call, shapes: &[&[usize]]) -> Result<Vec<usize>> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let mut joint = vec![1; rank];
    for shape in shapes {
        for (extent, &other) in joint.iter_mut().skip(rank - shape.len()).zip(*shape) {
            match (*extent, other) {
                (a, b) if a == b => {}
                (1, _) => *extent = other,
                (_, 1) => {}
                _ => return Err(call.wrong(format!("shapes {shapes:?}"), "shapes that can be broadcast")),
            }
        }
    }
    Ok(joint)
}

/// The joint shape and the batch axis of several values.
pub fn joint_shape(call: &Call, values: &[&Dynamic]) -> Result<(Vec<usize>, Samples)> {
    let shapes: Vec<&[usize]> = values.iter().map(|value| &value.shape[..]).collect();
    let joint = joint(call, &shapes)?;
    let moved = |value: &Dynamic| value.batch.map(|batch| batch + joint.len() - value.rank());
    let Some(batch) = values.iter().find_map(|value| moved(value)) else { return Ok((joint, None.into())) };
    for value in values {
        let own = (batch + value.rank()).checked_sub(joint.len()).and_then(|axis| value.shape.get(axis)).copied();
        let fits = match moved(value) {
            Some(axis) => axis == batch && own == joint.get(batch).copied(),
            None => own.unwrap_or(1) == 1,
        };
        if !fits {
            return Err(call.mixes_samples(batch));
        }
    }
    let mut majors = values.iter().filter(|value| value.batch.is_some()).map(|value| value.major);
    let major = majors.next().unwrap_or(1);
    if majors.any(|other| other != major) {
        return Err(call.mixes_samples(batch));
    }
    Ok((joint, Samples { axis: Some(batch), major }))
}

/// A node of the canonical form of `target`, to which the value is broadcast.
pub fn expand(context: &mut Context, value: &Dynamic, target: &[usize]) -> Result<NodeId> {
    let padded = [&vec![1; target.len().saturating_sub(value.rank())][..], &value.shape].concat();
    let dropped = target.len() - canonical(target).len();
    let mut node = context.reshape("aligned", value.node, padded.get(dropped..).unwrap_or_default())?;
    for (axis, (&from, &to)) in padded.iter().zip(target).enumerate().skip(dropped) {
        if from == 1 && to > 1 {
            node = context.along("repeated", node, axis - dropped, AxisMap::Repeat { count: to })?;
        }
    }
    Ok(node)
}
