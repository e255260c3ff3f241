//! Axes in another order. Axes that stay neighbours are treated as one, runs that stay runs are copied, and where neither
//! order has runs the elements move in squares that fit into the nearest cache, whichever way they are read.

/// Edge of a square: a cache line of floats.
const SQUARE: usize = 16;

/// An axis of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Axis {
    extent: usize,
    /// Step in the input.
    source: usize,
    /// Step in the output.
    target: usize,
}

/// A permutation of the axes of one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permutation {
    /// Axes of the output, outermost first, none of extent 1.
    axes: Vec<Axis>,
}

impl Permutation {
    /// Output axis `i` is axis `order[i]` of a tensor of this shape.
    pub fn new(shape: &[usize], order: &[usize]) -> Self {
        let mut axes: Vec<Axis> = Vec::new();
        for &axis in order.iter().filter(|&&axis| shape[axis] != 1) {
            let (extent, source) = (shape[axis], shape[axis + 1..].iter().product());
            match axes.last_mut() {
                Some(last) if last.source == source * extent => {
                    (last.extent, last.source) = (last.extent * extent, source);
                }
                _ => axes.push(Axis { extent, source, target: 1 }),
            }
        }
        for i in (1..axes.len()).rev() {
            axes[i - 1].target = axes[i].target * axes[i].extent;
        }
        Self { axes }
    }

    /// The way back from the output of [`Permutation::new`].
    pub fn inverse(shape: &[usize], order: &[usize]) -> Self {
        let permuted: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let mut back = vec![0; order.len()];
        order.iter().enumerate().for_each(|(to, &from)| back[from] = to);
        Self::new(&permuted, &back)
    }

    /// `y` is `x` with its axes in the other order.
    pub fn apply<T: Copy>(&self, x: &[T], y: &mut [T]) {
        let Some((&last, outer)) = self.axes.split_last() else { return y.copy_from_slice(x) };
        if last.source == 1 {
            let run = last.extent;
            return every(outer, [0; 2], &mut |source, target| {
                y[target..][..run].copy_from_slice(&x[source..][..run]);
            });
        }
        // The input's innermost axis is one of the outer ones here; with the last axis it makes a matrix to transpose.
        let (inner, around): (Vec<Axis>, Vec<Axis>) = outer.iter().partition(|axis| axis.source == 1);
        let rows = inner.first().copied().unwrap_or(Axis { extent: 1, source: 1, target: 0 });
        every(&around, [0; 2], &mut |source, target| transpose([rows, last], &x[source..], &mut y[target..]));
    }
}

/// Calls `visit(place in the input, place in the output)` for every index of these axes.
fn every(axes: &[Axis], [source, target]: [usize; 2], visit: &mut impl FnMut(usize, usize)) {
    match axes.split_first() {
        None => visit(source, target),
        Some((axis, inner)) => {
            (0..axis.extent).for_each(|i| every(inner, [source + i * axis.source, target + i * axis.target], visit))
        }
    }
}

/// A matrix whose rows are contiguous in the output and whose columns are in the input.
fn transpose<T: Copy>([rows, columns]: [Axis; 2], x: &[T], y: &mut [T]) {
    for row in (0..rows.extent).step_by(SQUARE) {
        for column in (0..columns.extent).step_by(SQUARE) {
            let width = SQUARE.min(columns.extent - column);
            for r in row..(row + SQUARE).min(rows.extent) {
                let y = &mut y[r * rows.target + column..][..width];
                let x = x[r + column * columns.source..].iter().step_by(columns.source);
                y.iter_mut().zip(x).for_each(|(y, &x)| *y = x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition: the element at an index of the output is that at the permuted index of the input.
    fn expected(shape: &[usize], order: &[usize], x: &[u32]) -> Vec<u32> {
        let permuted: Vec<usize> = order.iter().map(|&axis| shape[axis]).collect();
        let element = |mut place: usize| {
            let mut index = vec![0; shape.len()];
            for axis in (0..shape.len()).rev() {
                index[order[axis]] = place % permuted[axis];
                place /= permuted[axis];
            }
            x[index.iter().zip(shape).fold(0, |sum, (&i, &extent)| sum * extent + i)]
        };
        (0..x.len()).map(element).collect()
    }

    #[test]
    fn every_order_of_axes_is_the_definitions_and_its_inverse_leads_back() {
        for shape in [[3, 5, 4, 2], [1, 19, 1, 33], [17, 1, 20, 3], [2, 2, 2, 18]] {
            let x: Vec<u32> = (0..shape.iter().product::<usize>() as u32).collect();
            let mut orders = 0;
            for code in 0..256 {
                let order = [code & 3, code >> 2 & 3, code >> 4 & 3, code >> 6 & 3];
                if (0..4).any(|axis| !order.contains(&axis)) {
                    continue;
                }
                let (mut y, mut back) = (vec![0; x.len()], vec![0; x.len()]);
                Permutation::new(&shape, &order).apply(&x, &mut y);
                assert_eq!(y, expected(&shape, &order, &x), "{shape:?} {order:?}");
                Permutation::inverse(&shape, &order).apply(&y, &mut back);
                assert_eq!(back, x, "{shape:?} {order:?}");
                orders += 1;
            }
            assert_eq!(orders, 24);
        }
    }

    #[test]
    fn neighbours_that_stay_neighbours_are_one_axis() {
        assert_eq!(Permutation::new(&[4, 5, 6], &[0, 1, 2]).axes.len(), 1);
        assert_eq!(Permutation::new(&[4, 5, 6], &[2, 0, 1]).axes.len(), 2);
        assert_eq!(Permutation::new(&[4, 1, 6], &[0, 2, 1]).axes.len(), 1);
        assert_eq!(Permutation::new(&[4, 5, 6], &[2, 1, 0]).axes.len(), 3);
    }
}
