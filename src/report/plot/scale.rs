//! Numbers along an axis, linear or logarithmic.

use super::ticks::{self, LARGEST, SMALLEST};
use crate::report::units;

/// Places numbers between two coordinates.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale {
    log: bool,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    ticks: Vec<Tick>,
}

/// A place on an axis that the reader can name.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// The number.
    pub value: f64,
    /// Its coordinate.
    pub at: f64,
    /// Its text; a minor tick has none.
    pub label: Option<String>,
}

impl Scale {
    /// A linear axis over the finite ones of these values, from coordinate `from` to `to`. One value gets room around it; none, `0..1`.
    pub fn linear(values: impl IntoIterator<Item = f64>, (from, to): (f64, f64)) -> Scale {
        let (mut low, mut high) = range(values.into_iter().filter(|v| v.is_finite())).unwrap_or((0.0, 1.0));
        let size = low.abs().max(high.abs());
        if size < SMALLEST {
            (low, high) = (0.0, 1.0);
        } else if high - low <= 1e-9 * size {
            (low, high) = (low - 0.1 * size, high + 0.1 * size);
        }
        let (values, step) = ticks::linear(low, high, room(from, to));
        let labelled = values.into_iter().map(|v| (v, units::tick(v, step))).collect();
        Scale::with_ticks(false, labelled, (from, to))
    }

    /// A linear axis that has zero on it: for bars.
    pub fn linear_from_zero(values: impl IntoIterator<Item = f64>, span: (f64, f64)) -> Scale {
        Scale::linear(values.into_iter().chain([0.0]), span)
    }

    /// A linear axis from one whole number to another with whole ticks: epochs, indices.
    pub fn whole(low: u64, high: u64, (from, to): (f64, f64)) -> Scale {
        let (first, last) = (low as f64, high.max(low + 1) as f64);
        let (values, step) = ticks::linear(first, last, room(from, to));
        let step = step.max(1.0);
        let inside = values.into_iter().filter(|v| v.fract() == 0.0 && (first..=last).contains(v));
        let ticks = inside.map(|v| (v, units::tick(v, step))).collect();
        Scale { low: first, high: last, ..Scale::with_ticks(false, ticks, (from, to)) }.placed()
    }

    /// A logarithmic axis over the positive and finite ones of these values. If others are among them, the axis begins below the
    /// smallest positive one, so that its floor is free for what [`Scale::shows`] denies.
    pub fn log(values: impl IntoIterator<Item = f64>, (from, to): (f64, f64)) -> Scale {
        let values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        let hidden = values.iter().any(|&v| v < SMALLEST);
        let (low, high) = range(values.into_iter().filter(|&v| v >= SMALLEST)).unwrap_or((1.0, 10.0));
        let room = room(from, to);
        let (near_low, near_high) = (ticks::nice_below(low), ticks::nice_above(high));
        if !hidden && high < 4.0 * low && high - low > 1e-3 * high {
            // Within less than a factor of four there is hardly a 1, 2 or 5: plain steps at logarithmic places, and ends at the values.
            let (values, step) = ticks::linear(low, high, room);
            let room = (high / low).powf(0.06);
            let (low, high) = (low / room, high * room);
            let inside: Vec<f64> = values.into_iter().filter(|v| (low..=high).contains(v)).collect();
            if inside.len() > 1 {
                let labelled = inside.into_iter().map(|v| (v, units::tick(v, step))).collect();
                return Scale { low, high, ..Scale::with_ticks(true, labelled, (from, to)) }.placed();
            }
        }
        let low = if hidden || near_low >= near_high { ticks::nice_below(near_low * 0.99) } else { near_low };
        let high = if low >= near_high { ticks::nice_above(near_high * 1.01) } else { near_high };
        let (labelled, minor) = ticks::log(low, high, room);
        let label = |v: f64| Tick { value: v, at: 0.0, label: Some(units::tick(v, v)) };
        let minor = minor.into_iter().map(|value| Tick { value, at: 0.0, label: None });
        let mut ticks: Vec<Tick> = labelled.into_iter().map(label).chain(minor).collect();
        ticks.sort_by(|a, b| a.value.total_cmp(&b.value));
        Scale { log: true, low, high, from, to, ticks }.placed()
    }

    /// An axis with ticks of its own: bit widths, for example. It reaches from the smallest to the largest tick.
    pub fn with_ticks(log: bool, mut ticks: Vec<(f64, String)>, (from, to): (f64, f64)) -> Scale {
        ticks.retain(|(value, _)| value.is_finite() && !(log && *value < SMALLEST));
        ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (low, high) = range(ticks.iter().map(|t| t.0)).unwrap_or(if log { (1.0, 10.0) } else { (0.0, 1.0) });
        let ticks = ticks.into_iter().map(|(value, label)| Tick { value, at: 0.0, label: Some(label) }).collect();
        Scale { log, low, high, from, to, ticks }.placed()
    }

    /// The same axis with room before the first and after the last tick, in units of its coordinates.
    pub fn padded(mut self, room: f64) -> Scale {
        let room = room * (self.to - self.from).signum();
        let (from, to) = (self.from + room, self.to - room);
        let share = (self.to - self.from) / (to - from);
        let (low, high) = (self.unit(self.low), self.unit(self.high));
        let before = (from - self.from) / (self.to - self.from) * share * (high - low);
        (self.low, self.high) = (self.number(low - before), self.number(high + before));
        self.placed()
    }

    fn placed(mut self) -> Scale {
        let places: Vec<f64> = self.ticks.iter().map(|tick| self.at(tick.value)).collect();
        for (tick, at) in self.ticks.iter_mut().zip(places) {
            tick.at = at;
        }
        self
    }

    fn unit(&self, value: f64) -> f64 {
        if self.log { value.max(SMALLEST).log10() } else { value }
    }

    fn number(&self, unit: f64) -> f64 {
        if self.log { 10f64.powf(unit) } else { unit }
    }

    /// The coordinate of a number; outside of the axis, that of its nearer end; of a number that is none, that of its beginning.
    pub fn at(&self, value: f64) -> f64 {
        if value.is_nan() {
            return self.from;
        }
        let (low, high) = (self.unit(self.low), self.unit(self.high));
        if high <= low {
            return (self.from + self.to) / 2.0;
        }
        // Halves, so that the difference of two huge numbers of opposite sign is finite.
        let share = (self.unit(value) / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Whether a number has a place of its own: a logarithmic axis cannot show zero or less. Others are drawn open at the end they left by.
    pub fn shows(&self, value: f64) -> bool {
        let (low, high) = (self.unit(self.low), self.unit(self.high));
        // A hair of room: an end that is a round number leaves out what differs from it by rounding only.
        let room = 1e-6 * (high / 2.0 - low / 2.0);
        value.is_finite() && !(self.log && value < SMALLEST) && (low - room..=high + room).contains(&self.unit(value))
    }

    /// Where the axis begins: the floor of bars.
    pub fn floor(&self) -> f64 {
        self.from
    }

    /// Its ticks, smallest number first.
    pub fn ticks(&self) -> &[Tick] {
        &self.ticks
    }
}

/// How many labels there is room for: along an axis that rises, since coordinates grow downward, one for each line or so.
fn room(from: f64, to: f64) -> usize {
    let each = if to < from { 27.0 } else { 62.0 };
    (((to - from).abs() / each) as usize).clamp(2, 10)
}

fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().map(|v| v.clamp(-LARGEST, LARGEST)).fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

#[cfg(test)]
#[path = "scale_tests.rs"]
mod tests;
