//! Sums of f64 whose result does not depend on the order, but for the last bit.

/// Neumaier's compensated sum: the same to the last bit in nearly every order.
pub fn sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0f64, 0.0f64);
    for value in values {
        let next = total + value;
        lost += if total.abs() >= value.abs() { (total - next) + value } else { (value - next) + total };
        total = next;
    }
    total + lost
}
