//! Rank correlations: how well one list of numbers predicts the order of another.
//!
//! ```text
//! ρ   = Pearson correlation of the ranks, equal values sharing their mean rank              Spearman (1904)
//! τ_b = (C − D) / √((n₀ − n₁)(n₀ − n₂))                                                     Kendall (1945)
//! ```
//!
//! `C` and `D` are the pairs in the same and in opposite order, `n₀ = n(n − 1)/2`, and `n₁`, `n₂` the pairs tied in either
//! list. Kendall's by Knight's algorithm (JASA 61, 1966): sort by the first list, count the exchanges of a merge sort by
//! the second. Cost: O(n log n) each. No value, as of a constant list, is `None`, never NaN.

/// Spearman's ρ. `None` for lists of different lengths, with a NaN, or one of them constant.
pub fn spearman(x: &[f64], y: &[f64]) -> Option<f64> {
    if !comparable(x, y) {
        return None;
    }
    // Doubled ranks are whole numbers: the sums are exact, and two perfect orders give exactly ±1.
    let (rx, ry) = (doubled_ranks(x), doubled_ranks(y));
    let mean = x.len() as f64 + 1.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    ratio(product(&rx, &ry), product(&rx, &rx), product(&ry, &ry))
}

/// Kendall's τ-b. `None` as [`spearman`].
pub fn kendall(x: &[f64], y: &[f64]) -> Option<f64> {
    if !comparable(x, y) {
        return None;
    }
    let mut order: Vec<usize> = (0..x.len()).collect();
    let compare = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal);
    order.sort_by(|&i, &j| compare(x[i], x[j]).then(compare(y[i], y[j])));
    let tied_x = tied_pairs(&order, |i, j| x[i] == x[j]);
    let tied_both = tied_pairs(&order, |i, j| x[i] == x[j] && y[i] == y[j]);
    let mut sorted: Vec<f64> = order.iter().map(|&i| y[i]).collect();
    let exchanges = merge_sort(&mut sorted);
    let by_y: Vec<usize> = (0..sorted.len()).collect();
    let tied_y = tied_pairs(&by_y, |i, j| sorted[i] == sorted[j]);
    let all = pairs(x.len());
    // C + D = n₀ − n₁ − n₂ + n₁₂ and D = exchanges.
    let difference = all + tied_both - tied_x - tied_y - 2.0 * exchanges;
    ratio(difference, all - tied_x, all - tied_y)
}

fn comparable(x: &[f64], y: &[f64]) -> bool {
    x.len() == y.len() && !x.iter().chain(y).any(|v| v.is_nan())
}

fn ratio(covariance: f64, a: f64, b: f64) -> Option<f64> {
    (a > 0.0 && b > 0.0).then(|| (covariance / (a * b).sqrt()).clamp(-1.0, 1.0))
}

/// `n(n − 1)/2`, exact below 2⁵³.
fn pairs(n: usize) -> f64 {
    n as f64 * (n as f64 - 1.0) / 2.0
}

/// Twice the rank of every number, counted from 1.
fn doubled_ranks(x: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|&i, &j| x[i].total_cmp(&x[j]));
    let mut ranks = vec![0.0; x.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&i, &j| x[i] == x[j]) {
        equal.iter().for_each(|&i| ranks[i] = (2 * before + equal.len() + 1) as f64);
        before += equal.len();
    }
    ranks
}

/// Pairs within the runs of equal neighbours.
fn tied_pairs(order: &[usize], equal: impl Fn(usize, usize) -> bool) -> f64 {
    order.chunk_by(|&i, &j| equal(i, j)).map(|run| pairs(run.len())).sum()
}

/// Sorts, and counts the pairs that were in strictly descending order.
fn merge_sort(values: &mut [f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut exchanges = merge_sort(left) + merge_sort(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut i, mut j) = (0, 0);
    while i < left.len() && j < right.len() {
        if right[j] < left[i] {
            exchanges += (left.len() - i) as f64;
            merged.push(right[j]);
            j += 1;
        } else {
            merged.push(left[i]);
            i += 1;
        }
    }
    merged.extend_from_slice(&left[i..]);
    merged.extend_from_slice(&right[j..]);
    values.copy_from_slice(&merged);
    exchanges
}

#[cfg(test)]
#[path = "rank_tests.rs"]
mod tests;
