//! The range of every number in a search space, each stated here and nowhere else: the checks apply these constants
//! and the messages print them; a test compares the documentation of every field with its message.

use std::fmt;
use std::ops::Bound::{self, Excluded, Included};
use std::ops::RangeBounds;

/// The whole numbers from the first to the second, both included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole(pub u64, pub u64);

impl Whole {
    /// True if `value` is in the range.
    pub(super) fn contains(self, value: u64) -> bool {
        (self.0..=self.1).contains(&value)
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {} to {}", self.0, self.1)
    }
}

/// The real numbers between two ends. NaN and the infinities are in no range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Real(Bound<f64>, Bound<f64>);

impl Real {
    /// True if `value` is in the range; false for NaN.
    pub(super) fn contains(self, value: f64) -> bool {
        (self.0, self.1).contains(&value) && value.is_finite()
    }
}

impl fmt::Display for Real {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Included(min) => write!(f, "a number from {min}")?,
            Excluded(min) => write!(f, "a number above {min}")?,
            Bound::Unbounded => f.write_str("a number")?,
        }
        match self.1 {
            Included(max) => write!(f, " to {max}"),
            Excluded(max) => write!(f, " to below {max}"),
            Bound::Unbounded => Ok(()),
        }
    }
}

/// Seed of all random streams.
pub(super) const SEED: Whole = Whole(0, u64::MAX);
/// Channels, height or width of an input image.
pub(super) const SIDE: Whole = Whole(1, 4096);
/// An extent that a file leaves open.
pub(super) const EXTENT: Whole = Whole(1, 16_777_216);
/// Classes to tell apart.
pub(super) const CLASSES: Whole = Whole(2, 65_536);
/// Images that are used of a split.
pub(super) const IMAGES: Whole = Whole(1, 1_000_000_000);
/// Mean of a channel, pixels scaled to 0…1.
pub(super) const MEAN: Real = Real(Included(-1e6), Included(1e6));
/// Standard deviation of a channel, pixels scaled to 0…1.
pub(super) const STD: Real = Real(Excluded(0.0), Included(1e6));
/// Zero pixels added on each side before the random crop.
pub(super) const CROP_PADDING: Whole = Whole(0, 256);
/// Images in one batch.
pub(super) const BATCH_SIZE: Whole = Whole(1, 65_536);
/// Probes of every batch.
pub(super) const PROBES: Whole = Whole(1, 100_000);
/// Products of a trace; the least that every estimator can do with.
pub(super) const PRODUCTS: Whole = Whole(4, 10_000);
/// Wall time.
pub(super) const SECONDS: Real = Real(Excluded(0.0), Bound::Unbounded);
/// Held-out images for measuring; 0 measures nothing.
pub(super) const MEASURED_IMAGES: Whole = Whole(0, 1_000_000_000);
/// Pairs of layers.
pub(super) const PAIRS: Whole = Whole(0, 1_000_000);
/// Standard error of a trace, relative to the trace.
pub(super) const RELATIVE_ERROR: Real = Real(Excluded(0.0), Included(1.0));
/// Passes over the training images; 0 trains nothing.
pub(super) const EPOCHS: Whole = Whole(0, 10_000);
/// Step size of an optimizer.
pub(super) const LEARNING_RATE: Real = Real(Excluded(0.0), Included(10.0));
/// Weight decay, per step and unit of learning rate.
pub(super) const WEIGHT_DECAY: Real = Real(Included(0.0), Included(1.0));
/// Share of the target that is spread over all classes.
pub(super) const LABEL_SMOOTHING: Real = Real(Included(0.0), Excluded(1.0));
/// A probability, or the weight of one of two terms.
pub(super) const SHARE: Real = Real(Included(0.0), Included(1.0));
/// Temperature of the distillation term.
pub(super) const TEMPERATURE: Real = Real(Excluded(0.0), Included(100.0));
/// Sharpness of tempered sampling.
pub(super) const KAPPA: Real = Real(Included(0.0), Included(100.0));
/// Optimizer steps between checkpoints.
pub(super) const CHECKPOINT_STEPS: Whole = Whole(1, 1_000_000);
/// Images for recalibrating batch norm; 0 keeps the trained statistics.
pub(super) const RECALIBRATION_IMAGES: Whole = Whole(0, 1_000_000_000);
/// Weights that share a scale.
pub(super) const GROUP_SIZE: Whole = Whole(16, 1024);
/// An absolute or relative limit of a budget.
pub(super) const LIMIT: Real = Real(Excluded(0.0), Bound::Unbounded);
/// Mean weight bits over all parameters.
pub(super) const WEIGHT_BITS: Real = Real(Excluded(0.0), Included(32.0));

/// Work or bytes per second of hardware.
pub(super) const RATE: Real = Real(Excluded(0.0), Included(1e21));
/// Seconds of every layer beside its work.
pub(super) const OVERHEAD: Real = Real(Included(0.0), Included(1.0));
/// Share of a peak rate.
pub(super) const EFFICIENCY: Real = Real(Excluded(0.0), Included(1.0));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_belong_to_the_range_as_stated() {
        assert!(PROBES.contains(1) && PROBES.contains(100_000));
        assert!(!PROBES.contains(0) && !PROBES.contains(100_001));
        assert!(LABEL_SMOOTHING.contains(0.0) && !LABEL_SMOOTHING.contains(-f64::MIN_POSITIVE));
        assert!(LABEL_SMOOTHING.contains(1.0 - f64::EPSILON) && !LABEL_SMOOTHING.contains(1.0));
        assert!(LEARNING_RATE.contains(f64::MIN_POSITIVE) && !LEARNING_RATE.contains(0.0));
        assert!(LEARNING_RATE.contains(10.0) && !LEARNING_RATE.contains(10.000001));
        assert!(SEED.contains(0) && SEED.contains(u64::MAX));
    }

    #[test]
    fn nan_and_infinities_are_in_no_range() {
        for range in [LIMIT, MEAN, LEARNING_RATE, Real(Bound::Unbounded, Bound::Unbounded)] {
            for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                assert!(!range.contains(value), "{value} in {range}");
            }
        }
    }

    #[test]
    fn ranges_read_as_english() {
        assert_eq!(EPOCHS.to_string(), "a whole number from 0 to 10000");
        assert_eq!(LABEL_SMOOTHING.to_string(), "a number from 0 to below 1");
        assert_eq!(TEMPERATURE.to_string(), "a number above 0 to 100");
        assert_eq!(LIMIT.to_string(), "a number above 0");
    }
}
