//! Linear maps along one axis: `y_i = Σ_j A_ij x_j`, the other axes unchanged.
//!
//! One family of operators: slices, gathers, repetitions, paddings, resizing, sums and means. Each is given by the rows of
//! its sparse matrix `A`, from which execution, tangents and adjoints follow.

use serde::{Deserialize, Serialize};

/// What stands around the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Border {
    /// Zeros.
    Zero,
    /// The outermost element.
    Edge,
    /// The data mirrored, the outermost element not repeated.
    Reflect,
}

/// How the place of an output among the inputs is found; `s` is output extent by input extent, as the file states it
/// (ONNX, operator `Resize`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordinates {
    /// `(i + ½)/s − ½`.
    HalfPixel,
    /// The same; 0 where the output has one element.
    PytorchHalfPixel,
    /// `i (n − 1)/(m − 1)`: the outermost elements keep their places.
    AlignCorners,
    /// `i/s`.
    Asymmetric,
}

/// How a value between elements is found.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpolation {
    /// The element at the place rounded down.
    Floor,
    /// The element at the place rounded up.
    Ceil,
    /// The nearest; of two the lower.
    RoundPreferFloor,
    /// The nearest; of two the upper.
    RoundPreferCeil,
    /// Between the two neighbours in proportion.
    Linear,
    /// Cubic convolution of the four neighbours (Keys 1981) with this `a`; neighbours outside repeat the outermost element.
    Cubic {
        /// Slope at the distance 1.
        a: f64,
    },
}

/// A map along one axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AxisMap {
    /// `y_i = x_{start + i·step}`.
    Slice {
        /// First element.
        start: usize,
        /// Distance, negative for going back; not 0.
        step: isize,
        /// Elements of the output.
        count: usize,
    },
    /// `y_i = x_{indices_i}`.
    Gather {
        /// Elements of the input.
        indices: Vec<usize>,
    },
    /// `y_i = x_0`, from an axis of extent 1.
    Repeat {
        /// Elements of the output.
        count: usize,
    },
    /// Elements added on both sides.
    Pad {
        /// Elements in front.
        before: usize,
        /// Elements behind.
        after: usize,
        /// What they are.
        border: Border,
    },
    /// Zeros between the elements, so that these stand `stride` apart: what turns a convolution into a transposed one.
    Stuff {
        /// Distance of the elements in the output.
        stride: usize,
    },
    /// Another resolution.
    Resize {
        /// Elements of the output.
        count: usize,
        /// Output extent by input extent, for the coordinates.
        scale: f64,
        /// Places.
        coordinates: Coordinates,
        /// Values.
        interpolation: Interpolation,
    },
    /// The sum of all.
    Sum,
    /// The mean of all.
    Mean,
}

/// Where four neighbours stand in a row, at most; longer rows are sums over the whole axis.
pub type Row = Vec<(usize, f64)>;

impl AxisMap {
    /// Extent of the output for an input of `extent`; none if the map does not fit it.
    pub fn output(&self, extent: usize) -> Option<usize> {
        match *self {
            AxisMap::Slice { start, step, count } => {
                let last = isize::try_from(count.checked_sub(1)?).ok()?.checked_mul(step)?;
                let last = isize::try_from(start).ok()?.checked_add(last)?;
                (start < extent && last >= 0 && last.unsigned_abs() < extent && step != 0).then_some(count)
            }
            AxisMap::Gather { ref indices } => indices.iter().all(|&index| index < extent).then_some(indices.len()),
            AxisMap::Repeat { count } => (extent == 1).then_some(count),
            AxisMap::Pad { before, after, border } => {
                let fits = border != Border::Reflect || before.max(after) < extent;
                fits.then_some(())?;
                extent.checked_add(before)?.checked_add(after)
            }
            AxisMap::Stuff { stride } => {
                extent.checked_sub(1)?.checked_mul(stride)?.checked_add(1).filter(|_| stride > 0)
            }
            AxisMap::Resize { count, scale, .. } => (scale > 0.0 && scale.is_finite()).then_some(count),
            AxisMap::Sum | AxisMap::Mean => Some(1),
        }
    }

    /// Row `i` of the matrix for an input of `extent`: columns and their factors. The map must fit.
    pub fn row(&self, i: usize, extent: usize) -> Row {
        match *self {
            AxisMap::Slice { start, step, .. } => vec![(start.wrapping_add_signed(i as isize * step), 1.0)],
            AxisMap::Gather { ref indices } => vec![(indices[i], 1.0)],
            AxisMap::Repeat { .. } => vec![(0, 1.0)],
            AxisMap::Pad { before, border, .. } => {
                let (place, last) = (i as isize - before as isize, extent as isize - 1);
                let source = match border {
                    Border::Zero => (0..=last).contains(&place).then_some(place),
                    Border::Edge => Some(place.clamp(0, last)),
                    Border::Reflect => Some(if place < 0 { -place } else { last - (last - place).abs() }),
                };
                source.into_iter().map(|place| (place as usize, 1.0)).collect()
            }
            AxisMap::Stuff { stride } => (i.is_multiple_of(stride)).then_some((i / stride, 1.0)).into_iter().collect(),
            AxisMap::Resize { count, scale, coordinates, interpolation } => {
                let place = coordinates.place(i, extent, count, scale);
                interpolation.row(place, extent)
            }
            AxisMap::Sum => (0..extent).map(|j| (j, 1.0)).collect(),
            AxisMap::Mean => (0..extent).map(|j| (j, 1.0 / extent as f64)).collect(),
        }
    }

    /// Whether no factor is negative.
    pub fn is_non_negative(&self) -> bool {
        !matches!(self, AxisMap::Resize { interpolation: Interpolation::Cubic { .. }, .. })
    }
}

impl Coordinates {
    fn place(self, i: usize, extent: usize, count: usize, scale: f64) -> f64 {
        let i = i as f64;
        match self {
            Coordinates::PytorchHalfPixel if count == 1 => 0.0,
            Coordinates::HalfPixel | Coordinates::PytorchHalfPixel => (i + 0.5) / scale - 0.5,
            Coordinates::AlignCorners if count == 1 => 0.0,
            Coordinates::AlignCorners => i * (extent as f64 - 1.0) / (count as f64 - 1.0),
            Coordinates::Asymmetric => i / scale,
        }
    }
}

impl Interpolation {
    fn row(self, place: f64, extent: usize) -> Row {
        let last = extent.saturating_sub(1);
        // Saturates: negative places become 0.
        let inside = |place: f64| (place as usize).min(last);
        let one = |place: f64| vec![(inside(place), 1.0)];
        match self {
            Interpolation::Floor => one(place.floor()),
            Interpolation::Ceil => one(place.ceil()),
            Interpolation::RoundPreferFloor => one((place - 0.5).ceil()),
            Interpolation::RoundPreferCeil => one((place + 0.5).floor()),
            Interpolation::Linear => {
                let place = place.clamp(0.0, last as f64);
                let (low, t) = (place.floor(), place - place.floor());
                if t == 0.0 { one(low) } else { vec![(inside(low), 1.0 - t), (inside(low + 1.0), t)] }
            }
            Interpolation::Cubic { a } => {
                let (low, t) = (place.floor(), place - place.floor());
                let near = |d: f64| ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
                let far = |d: f64| ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a;
                let factors = [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)];
                let mut row = Row::new();
                for (k, factor) in factors.into_iter().enumerate() {
                    let at = inside(low - 1.0 + k as f64);
                    // Neighbours outside the data fall on its last element.
                    match row.iter_mut().find(|(j, _)| *j == at) {
                        Some((_, sum)) => *sum += factor,
                        None => row.push((at, factor)),
                    }
                }
                row
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(map: &AxisMap, x: &[f64]) -> Vec<f64> {
        let count = map.output(x.len()).unwrap();
        (0..count).map(|i| map.row(i, x.len()).into_iter().map(|(j, a)| a * x[j]).sum()).collect()
    }

    #[test]
    fn moves_do_what_their_definitions_say() {
        let x = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(apply(&AxisMap::Slice { start: 3, step: -2, count: 2 }, &x), [4.0, 2.0]);
        assert_eq!(apply(&AxisMap::Gather { indices: vec![2, 0, 2] }, &x), [3.0, 1.0, 3.0]);
        assert_eq!(apply(&AxisMap::Repeat { count: 3 }, &[7.0]), [7.0; 3]);
        let pad = |border| apply(&AxisMap::Pad { before: 2, after: 3, border }, &x);
        assert_eq!(pad(Border::Zero), [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0]);
        assert_eq!(pad(Border::Edge), [1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 4.0, 4.0]);
        assert_eq!(pad(Border::Reflect), [3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0]);
        assert_eq!(apply(&AxisMap::Stuff { stride: 2 }, &x), [1.0, 0.0, 2.0, 0.0, 3.0, 0.0, 4.0]);
        assert_eq!((apply(&AxisMap::Sum, &x), apply(&AxisMap::Mean, &x)), (vec![10.0], vec![2.5]));
    }

    #[test]
    fn maps_that_do_not_fit_have_no_output() {
        assert_eq!(AxisMap::Slice { start: 1, step: 2, count: 3 }.output(5), None);
        assert_eq!(AxisMap::Slice { start: 1, step: -1, count: 3 }.output(5), None);
        assert_eq!(AxisMap::Gather { indices: vec![5] }.output(5), None);
        assert_eq!(AxisMap::Repeat { count: 3 }.output(2), None);
        assert_eq!(AxisMap::Pad { before: 5, after: 0, border: Border::Reflect }.output(5), None);
        assert_eq!(AxisMap::Pad { before: usize::MAX, after: 1, border: Border::Zero }.output(5), None);
        assert_eq!(AxisMap::Stuff { stride: 0 }.output(5), None);
    }

    #[test]
    fn resizing_agrees_with_the_examples_of_the_onnx_specification() {
        // Operator tests resize_upsample_scales_linear, _linear_align_corners and _cubic of ONNX, one row of each.
        let resize =
            |coordinates, interpolation, count, scale| AxisMap::Resize { count, scale, coordinates, interpolation };
        let linear = apply(&resize(Coordinates::HalfPixel, Interpolation::Linear, 4, 2.0), &[1.0, 2.0]);
        assert_eq!(linear, [1.0, 1.25, 1.75, 2.0]);
        let corners = apply(&resize(Coordinates::AlignCorners, Interpolation::Linear, 4, 2.0), &[1.0, 2.0]);
        corners.iter().zip([1.0, 4.0 / 3.0, 5.0 / 3.0, 2.0]).for_each(|(a, b)| assert!((a - b).abs() < 1e-15));
        let nearest = apply(&resize(Coordinates::Asymmetric, Interpolation::Floor, 6, 3.0), &[1.0, 2.0]);
        assert_eq!(nearest, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
        let cubic =
            apply(&resize(Coordinates::HalfPixel, Interpolation::Cubic { a: -0.75 }, 8, 2.0), &[1.0, 2.0, 3.0, 4.0]);
        // The example's first row, whose four columns of rows 1, 5, 9, 13 take 0.421875 away.
        let expected = [0.47265625, 0.76953125, 1.24609375, 1.875, 2.28125, 2.91015625, 3.38671875, 3.68359375];
        cubic.iter().zip(expected).for_each(|(a, b)| assert!((a - 0.421875 - b).abs() < 1e-12, "{cubic:?}"));
    }
}
