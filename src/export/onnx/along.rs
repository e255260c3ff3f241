//! Linear maps along one axis.

use crate::error::Result;
use crate::export::onnx::attributes::{float, int, text};
use crate::export::onnx::lower::{Lowering, Value};
use crate::graph::{AxisMap, Border, Coordinates, Interpolation, Node, NodeId};
use crate::onnx::proto::AttributeProto;

impl Lowering<'_> {
    /// A map along an axis of the sample.
    pub fn along(&mut self, id: NodeId, node: &Node, axis: usize, map: &AxisMap) -> Result<Value> {
        let x = self.float(node.inputs[0])?;
        let before = self.graph().nodes()[node.inputs[0]].shape.clone();
        let (extent, rank) = (before.get(axis).copied().unwrap_or(1), before.len() + 1);
        let name = |what: &str| format!("{}.{what}", node.name);
        // The batch stands in front.
        let at = axis + 1;
        Ok(match map {
            AxisMap::Slice { start, step, count } => {
                let end = *start as i64 + *step as i64 * *count as i64;
                // Behind the first element lies no place that a negative number could name.
                let end = if end < 0 { i64::MIN } else { end };
                let bounds = [("start", *start as i64), ("end", end), ("axis", at as i64), ("step", *step as i64)];
                let bounds = bounds.map(|(what, value)| self.writer.integers(&name(what), &[value]));
                self.last(id, "Slice", &[&x, &bounds[0], &bounds[1], &bounds[2], &bounds[3]], vec![])
            }
            AxisMap::Gather { indices } => {
                let places: Vec<i64> = indices.iter().map(|&index| index as i64).collect();
                let places = self.writer.integers(&name("places"), &places);
                self.last(id, "Gather", &[&x, &places], vec![int("axis", at as i64)])
            }
            AxisMap::Repeat { count } => {
                // Axes of extent 1 take the extent of what they meet.
                let mut shape = vec![1i64; rank];
                shape[at] = *count as i64;
                let shape = self.writer.integers(&name("shape"), &shape);
                self.last(id, "Expand", &[&x, &shape], vec![])
            }
            AxisMap::Pad { before, after, border } => {
                let mut pads = vec![0i64; 2 * rank];
                (pads[at], pads[rank + at]) = (*before as i64, *after as i64);
                let pads = self.writer.integers(&name("pads"), &pads);
                let mode = match border {
                    Border::Zero => "constant",
                    Border::Edge => "edge",
                    Border::Reflect => "reflect",
                };
                self.last(id, "Pad", &[&x, &pads], vec![text("mode", mode)])
            }
            AxisMap::Stuff { stride } => self.stuff(id, node, axis, *stride, &x),
            AxisMap::Resize { count, scale, coordinates, interpolation } => {
                match resize(&before, axis, *count, *scale, *coordinates, *interpolation) {
                    Some(attributes) => {
                        let mut scales = vec![1f32; rank];
                        scales[at] = *scale as f32;
                        let scales = self.writer.floats(&name("scales"), &[rank], &scales, None);
                        self.last(id, "Resize", &[&x, "", &scales], attributes)
                    }
                    None => self.mapped(id, node, axis, map, &x),
                }
            }
            AxisMap::Sum | AxisMap::Mean if extent == 1 => self.last(id, "Identity", &[&x], vec![]),
            AxisMap::Sum => self.reduce(id, node, false, at, &x),
            AxisMap::Mean => self.reduce(id, node, true, at, &x),
        })
    }

    /// Zeros between elements: each becomes a row with zeros behind it, the rows one; those behind the last go.
    fn stuff(&mut self, id: NodeId, node: &Node, axis: usize, stride: usize, x: &str) -> Value {
        let batched = self.any_batched(node);
        let mut shape = self.graph().nodes()[node.inputs[0]].shape.clone();
        let name = |what: &str| format!("{}.{what}", node.name);
        shape.insert(axis + 1, 1);
        let apart = self.reshape(x, batched, &shape, &name("apart"));
        let rank = shape.len() + 1;
        let mut pads = vec![0i64; 2 * rank];
        pads[rank + axis + 2] = stride as i64 - 1;
        let pads = self.writer.integers(&name("pads"), &pads);
        let padded = self.step(node, "Pad", &[&apart, &pads], "padded", vec![]);
        shape.remove(axis + 1);
        shape[axis] *= stride;
        let joined = self.reshape(&padded, batched, &shape, &name("joined"));
        let bounds = [("start", 0), ("end", node.shape[axis] as i64), ("axis", axis as i64 + 1)];
        let bounds = bounds.map(|(what, value)| self.writer.integers(&name(what), &[value]));
        self.last(id, "Slice", &[&joined, &bounds[0], &bounds[1], &bounds[2]], vec![])
    }

    /// A map by its matrix: elements picked where each row has one factor 1, else a product.
    fn mapped(&mut self, id: NodeId, node: &Node, axis: usize, map: &AxisMap, x: &str) -> Value {
        let before = self.graph().nodes()[node.inputs[0]].shape.clone();
        let (extent, count) = (before[axis], node.shape[axis]);
        let rows: Vec<_> = (0..count).map(|i| map.row(i, extent)).collect();
        if rows.iter().all(|row| matches!(row.as_slice(), [(_, 1.0)])) {
            let places: Vec<i64> = rows.iter().flatten().map(|&(place, _)| place as i64).collect();
            let places = self.writer.integers(&format!("{}.places", node.name), &places);
            return self.last(id, "Gather", &[x, &places], vec![int("axis", axis as i64 + 1)]);
        }
        // y = A x along the axis, the axes before it joined and those behind it joined.
        let mut matrix = vec![0f32; count * extent];
        for (i, row) in rows.iter().enumerate() {
            row.iter().for_each(|&(place, factor)| matrix[i * extent + place] += factor as f32);
        }
        let batched = self.any_batched(node);
        let name = |what: &str| format!("{}.{what}", node.name);
        let (outer, inner) = (before[..axis].iter().product(), before[axis + 1..].iter().product());
        let matrix = self.writer.floats(&name("matrix"), &[count, extent], &matrix, None);
        let joined = self.reshape(x, batched, &[outer, extent, inner], &name("joined"));
        let product = self.step(node, "MatMul", &[&matrix, &joined], "product", vec![]);
        let shape = self.shape(&node.name, batched, &node.shape);
        self.last(id, "Reshape", &[&product, &shape], vec![])
    }
}

/// The attributes of Resize, if runtimes compute this map as we do: rows or columns of an image, and a scale that gives the
/// extent as a number in f32, too.
fn resize(
    shape: &[usize],
    axis: usize,
    count: usize,
    scale: f64,
    coordinates: Coordinates,
    interpolation: Interpolation,
) -> Option<Vec<AttributeProto>> {
    let extent = *shape.get(axis)?;
    // Readers multiply in either precision.
    let scale = scale as f32;
    let single = (extent as f32 * scale).floor() == count as f32;
    let double = (extent as f64 * f64::from(scale)).floor() == count as f64;
    (shape.len() == 3 && axis > 0 && single && double).then_some(())?;
    let place = match coordinates {
        Coordinates::HalfPixel => "half_pixel",
        Coordinates::PytorchHalfPixel => "pytorch_half_pixel",
        Coordinates::AlignCorners => "align_corners",
        Coordinates::Asymmetric => "asymmetric",
    };
    let nearest = |mode: &str| vec![text("mode", "nearest"), text("nearest_mode", mode)];
    let mut attributes = match interpolation {
        Interpolation::Floor => nearest("floor"),
        Interpolation::Ceil => nearest("ceil"),
        Interpolation::RoundPreferFloor => nearest("round_prefer_floor"),
        Interpolation::RoundPreferCeil => nearest("round_prefer_ceil"),
        Interpolation::Linear => vec![text("mode", "linear")],
        Interpolation::Cubic { a } => vec![text("mode", "cubic"), float("cubic_coeff_a", a)],
    };
    attributes.push(text("coordinate_transformation_mode", place));
    Some(attributes)
}
