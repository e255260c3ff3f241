//! Where ticks go: multiples of 1, 2 or 5 times a power of ten.

/// No number that is drawn is further from zero.
pub(super) const LARGEST: f64 = 1e305;

/// Numbers closer to zero than this count as zero.
pub(super) const SMALLEST: f64 = 1e-305;

/// A power of ten, the nearest number to it.
pub(super) fn ten(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(1.0)
}

/// The exponent of the largest power of ten that is not above a positive number.
pub(super) fn decade(value: f64) -> i32 {
    let guess = value.log10().floor() as i32;
    // The logarithm of numbers just below a power of ten rounds up to it.
    if ten(guess) > value {
        guess - 1
    } else if ten(guess + 1) <= value {
        guess + 1
    } else {
        guess
    }
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below a positive number.
pub(super) fn nice_above(value: f64) -> f64 {
    let power = ten(decade(value));
    [1.0, 2.0, 5.0].map(|digit| digit * power).into_iter().find(|&nice| nice >= value).unwrap_or(10.0 * power)
}

/// The largest of 1, 2 and 5 times a power of ten that is not above a positive number.
pub(super) fn nice_below(value: f64) -> f64 {
    let power = ten(decade(value));
    [5.0, 2.0].map(|digit| digit * power).into_iter().find(|&nice| nice <= value).unwrap_or(power)
}

/// The multiples of a nice step that cover `low..=high`, at most about `count + 2` of them, and the step.
pub(super) fn linear(low: f64, high: f64, count: usize) -> (Vec<f64>, f64) {
    let step = nice_above(((high - low) / count.max(1) as f64).max(SMALLEST));
    // A limit that is a multiple of the step but for rounding is its own tick.
    let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
    let ticks = (0..=(last - first) as usize).map(|index| multiple(first + index as f64, step)).collect();
    (ticks, step)
}

/// `index` times a step without the error of the step's last digit where the step is below one.
fn multiple(index: f64, step: f64) -> f64 {
    if step < 1.0 && step > 1e-300 { index / (1.0 / step).round() } else { index * step }
}

/// Ticks of a logarithmic axis between positive ends: those with labels, then those without.
pub(super) fn log(low: f64, high: f64, count: usize) -> (Vec<f64>, Vec<f64>) {
    let (first, last) = (decade(low), decade(high));
    let decades = (last - first).unsigned_abs() as usize;
    let inside = |value: &f64| (low..=high).contains(value);
    let times = |digits: &[f64]| -> Vec<f64> {
        (first..=last).flat_map(|e| digits.iter().map(move |digit| digit * ten(e))).filter(inside).collect()
    };
    const BETWEEN: [f64; 5] = [3.0, 4.0, 6.0, 7.0, 9.0];
    if 3 * decades <= count + 1 || decades < 2 {
        return (times(&[1.0, 2.0, 5.0]), times(&BETWEEN));
    }
    let stride = decades.div_ceil(count.max(1)).max(1);
    if stride == 1 {
        return (times(&[1.0]), if decades <= 8 { times(&[2.0, 5.0]) } else { Vec::new() });
    }
    let stride = nice_above(stride as f64).min(1e3) as i32;
    let labelled: Vec<f64> = (first..=last).filter(|e| e.rem_euclid(stride) == 0).map(ten).filter(inside).collect();
    let rest = |e: &i32| stride <= 5 && e.rem_euclid(stride) != 0;
    (labelled, (first..=last).filter(rest).map(ten).filter(inside).collect())
}

#[cfg(test)]
#[path = "ticks_tests.rs"]
mod tests;
