//! Kernels whose cells stand apart: the same convolution with zeros written between them.

/// A kernel `[rows, columns]` and the distance of its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dilation {
    /// Cells that have weights.
    pub kernel: [usize; 2],
    /// Distance between them.
    pub distance: [usize; 2],
}

impl Dilation {
    /// Rows and columns that the kernel spans.
    pub fn span(&self) -> [usize; 2] {
        [0, 1].map(|axis| (self.kernel[axis] - 1) * self.distance[axis] + 1)
    }

    /// Where each weight stands in its spread kernel.
    fn places(&self) -> Vec<usize> {
        let width = self.span()[1];
        let cells = (0..self.kernel[0]).flat_map(|y| (0..self.kernel[1]).map(move |x| (y, x)));
        cells.map(|(y, x)| y * self.distance[0] * width + x * self.distance[1]).collect()
    }

    /// The kernels with zeros between the cells.
    pub fn spread<T: Copy + Default>(&self, w: &[T]) -> Vec<T> {
        let ([height, width], places) = (self.span(), self.places());
        let mut spread = vec![T::default(); w.len() / places.len() * height * width];
        for (w, spread) in w.chunks_exact(places.len()).zip(spread.chunks_exact_mut(height * width)) {
            w.iter().zip(&places).for_each(|(&w, &place)| spread[place] = w);
        }
        spread
    }

    /// Adjoint of [`Self::spread`]: the cells that have weights.
    pub fn gather<T: Copy>(&self, spread: &[T], w: &mut [T]) {
        let ([height, width], places) = (self.span(), self.places());
        for (w, spread) in w.chunks_exact_mut(places.len()).zip(spread.chunks_exact(height * width)) {
            w.iter_mut().zip(&places).for_each(|(w, &place)| *w = spread[place]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_apart_and_come_back() {
        let dilation = Dilation { kernel: [2, 2], distance: [2, 3] };
        let spread = dilation.spread(&[1, 2, 3, 4]);
        assert_eq!(spread, [1, 0, 0, 2, 0, 0, 0, 0, 3, 0, 0, 4]);
        let mut back = [0; 4];
        dilation.gather(&spread, &mut back);
        assert_eq!(back, [1, 2, 3, 4]);
    }
}
