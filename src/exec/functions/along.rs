//! Linear maps along one axis, `y_i = Σ_j A_ij x_j`, and their adjoints `dx_j = Σ_i A_ij g_i`.

use crate::exec::kernels::Real;
use crate::exec::kernels::elementwise::add_scaled;
use crate::graph::AxisMap;

/// A map on tensors `[outer, extent, inner]`.
pub struct Along {
    /// The matrix, row by row.
    rows: Vec<Vec<(usize, f64)>>,
    /// If every row has one 1: the runs of neighbours that stay neighbours.
    copies: Option<Vec<Run>>,
    extent: usize,
    inner: usize,
}

/// Elements `from..from + count` of the input become `to..` of the output.
struct Run {
    from: usize,
    to: usize,
    count: usize,
}

/// The runs of a map that only chooses.
fn copies(rows: &[Vec<(usize, f64)>]) -> Option<Vec<Run>> {
    let mut runs: Vec<Run> = Vec::new();
    for (to, row) in rows.iter().enumerate() {
        let &[(from, 1.0)] = row.as_slice() else { return None };
        match runs.last_mut() {
            Some(run) if run.from + run.count == from => run.count += 1,
            _ => runs.push(Run { from, to, count: 1 }),
        }
    }
    Some(runs)
}

/// Rows with more terms than this are summed in double precision.
const LONG: usize = 8;

impl Along {
    /// A map along `axis` of tensors of this shape, whatever stands in front of it.
    pub fn new(map: &AxisMap, axis: usize, shape: &[usize]) -> Self {
        let extent = shape[axis];
        let count = map.output(extent).unwrap_or(0);
        let rows: Vec<_> = (0..count).map(|i| map.row(i, extent)).collect();
        Self { copies: copies(&rows), rows, extent, inner: shape[axis + 1..].iter().product() }
    }

    /// `y = A x`.
    pub fn forward<T: Real>(&self, x: &[T], y: &mut [T]) {
        let inner = self.inner;
        for (y, x) in y.chunks_exact_mut(self.rows.len() * inner).zip(x.chunks_exact(self.extent * inner)) {
            if let Some(runs) = &self.copies {
                for &Run { from, to, count } in runs {
                    match count * inner {
                        1 => y[to] = x[from],
                        length => y[to * inner..][..length].copy_from_slice(&x[from * inner..][..length]),
                    }
                }
                continue;
            }
            for (row, y) in self.rows.iter().zip(y.chunks_exact_mut(inner)) {
                let source = |j: usize| &x[j * inner..][..inner];
                match row.as_slice() {
                    [] => y.fill(T::ZERO),
                    terms if terms.len() > LONG => {
                        let mut sums = vec![0.0; inner];
                        for &(j, a) in terms {
                            sums.iter_mut().zip(source(j)).for_each(|(sum, x)| *sum += a * x.to_f64());
                        }
                        y.iter_mut().zip(sums).for_each(|(y, sum)| *y = T::from_f64(sum));
                    }
                    terms => {
                        y.fill(T::ZERO);
                        for &(j, a) in terms {
                            add_scaled(source(j), T::from_f64(a), y);
                        }
                    }
                }
            }
        }
    }

    /// `dx = Aᵀ g`.
    pub fn adjoint<T: Real>(&self, g: &[T], dx: &mut [T]) {
        let inner = self.inner;
        dx.fill(T::ZERO);
        for (dx, g) in dx.chunks_exact_mut(self.extent * inner).zip(g.chunks_exact(self.rows.len() * inner)) {
            if let Some(runs) = &self.copies {
                for &Run { from, to, count } in runs {
                    let (from, to) = (&g[to * inner..], &mut dx[from * inner..]);
                    from.iter().zip(to).take(count * inner).for_each(|(&g, dx)| *dx += g);
                }
                continue;
            }
            for (row, g) in self.rows.iter().zip(g.chunks_exact(inner)) {
                for &(j, a) in row {
                    add_scaled(g, T::from_f64(a), &mut dx[j * inner..][..inner]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Border, Coordinates, Interpolation};

    #[test]
    fn the_adjoint_is_the_transposed_matrix_on_every_axis() {
        let resize = |interpolation| AxisMap::Resize {
            count: 9,
            scale: 1.8,
            coordinates: Coordinates::HalfPixel,
            interpolation,
        };
        for map in [
            AxisMap::Slice { start: 4, step: -2, count: 3 },
            AxisMap::Gather { indices: vec![1, 1, 0, 3] },
            AxisMap::Pad { before: 2, after: 1, border: Border::Reflect },
            AxisMap::Stuff { stride: 3 },
            resize(Interpolation::Linear),
            resize(Interpolation::Cubic { a: -0.75 }),
            AxisMap::Mean,
            AxisMap::Sum,
        ] {
            for axis in 0..2 {
                let shape = if axis == 0 { [5, 3] } else { [3, 5] };
                let along = Along::new(&map, axis, &shape);
                let x: Vec<f64> = (0..2 * 15).map(|i| f64::from(i * i % 11) - 4.0).collect();
                let mut y = vec![f64::NAN; 2 * 3 * map.output(5).unwrap()];
                along.forward(&x, &mut y);
                let g: Vec<f64> = (0..y.len()).map(|i| ((i * 7) % 5) as f64 - 1.5).collect();
                let mut dx = vec![f64::NAN; x.len()];
                along.adjoint(&g, &mut dx);
                let inner = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                assert!((inner(&y, &g) - inner(&x, &dx)).abs() < 1e-9, "{map:?} axis {axis}");
                assert!(inner(&y, &y) > 0.0);
            }
        }
    }
}
