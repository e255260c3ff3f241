//! Categories along an axis: equal bands.

/// `count` bands of equal width between two coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    from: f64,
    width: f64,
    count: usize,
}

impl Band {
    /// Divides the way from `from` to `to`.
    pub fn new(count: usize, (from, to): (f64, f64)) -> Band {
        Band { from, width: (to - from) / count.max(1) as f64, count }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Width of one; negative if the coordinates fall.
    pub fn width(&self) -> f64 {
        self.width
    }

    /// Where a band begins; that of `count` is the end of the last one.
    pub fn start(&self, index: usize) -> f64 {
        self.from + self.width * index as f64
    }

    /// The middle of a band.
    pub fn center(&self, index: usize) -> f64 {
        self.from + self.width * (index as f64 + 0.5)
    }
}
