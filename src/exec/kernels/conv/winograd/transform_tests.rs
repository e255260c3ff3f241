use super::*;

/// The matrix of a linear map of arrays, column by column.
fn matrix<const IN: usize, const OUT: usize>(map: impl Fn([f32; IN]) -> [f32; OUT]) -> [[f64; IN]; OUT] {
    let mut rows = [[0.0; IN]; OUT];
    for column in 0..IN {
        let unit = std::array::from_fn(|i| if i == column { 1.0 } else { 0.0 });
        for (row, value) in rows.iter_mut().zip(map(unit)) {
            row[column] = f64::from(value);
        }
    }
    rows
}

/// The largest `|Σ_j Aᵀ[i, j]·G[j, k]·Bᵀ[j, n] − δ(n = i + k)|`: the bilinear map is the filter if and only if this is
/// 0.
fn distance_from_the_filter(
    a: [[f64; PRODUCTS]; OUTPUTS],
    g: [[f64; TAPS]; PRODUCTS],
    b: [[f64; PRODUCTS]; PRODUCTS],
) -> f64 {
    let mut distance: f64 = 0.0;
    for (i, k, n) in (0..OUTPUTS).flat_map(|i| (0..TAPS).flat_map(move |k| (0..PRODUCTS).map(move |n| (i, k, n)))) {
        let found: f64 = (0..PRODUCTS).map(|j| a[i][j] * g[j][k] * b[j][n]).sum();
        distance = distance.max((found - if n == i + k { 1.0 } else { 0.0 }).abs());
    }
    distance
}

/// Rounding of a few dozen operations in f64 on numbers below 10.
const EXACT: f64 = 1e-14;

#[test]
fn the_transforms_make_the_filter_in_fused_and_in_plain_arithmetic() {
    let fused = (matrix(outputs::<true>), matrix(inputs::<true>));
    let plain = (matrix(outputs::<false>), matrix(inputs::<false>));
    assert_eq!(fused, plain, "every coefficient is exact in single precision");
    assert!(distance_from_the_filter(fused.0, FILTER, fused.1) <= EXACT);
}

#[test]
fn a_wrong_coefficient_is_seen() {
    let (a, b) = (matrix(outputs::<true>), matrix(inputs::<true>));
    for (row, column) in (0..PRODUCTS).flat_map(|row| (0..PRODUCTS).map(move |column| (row, column))) {
        let mut wrong = b;
        wrong[row][column] += 1e-6;
        // Every product has a tap in which it takes part.
        assert!(distance_from_the_filter(a, FILTER, wrong) > 1e-8, "{row} {column}");
    }
    for (row, column) in (0..OUTPUTS).flat_map(|row| (0..PRODUCTS).map(move |column| (row, column))) {
        let mut wrong = a;
        wrong[row][column] += 1e-6;
        assert!(distance_from_the_filter(wrong, FILTER, b) > 1e-8, "{row} {column}");
    }
}

#[test]
fn the_adjoints_are_the_transposes() {
    let a = matrix(outputs::<true>);
    let adjoint = matrix(outputs_adjoint::<true>);
    for (i, j) in (0..OUTPUTS).flat_map(|i| (0..PRODUCTS).map(move |j| (i, j))) {
        assert_eq!(a[i][j], adjoint[j][i], "{i} {j}");
    }
    let g = matrix(|w: [f32; TAPS]| std::array::from_fn::<f32, PRODUCTS, _>(|j| filter(j, w)));
    let transpose = matrix(|m: [f32; PRODUCTS]| std::array::from_fn::<f32, TAPS, _>(|k| filter_adjoint(k, m)));
    for (j, k) in (0..PRODUCTS).flat_map(|j| (0..TAPS).map(move |k| (j, k))) {
        assert_eq!((g[j][k], g[j][k] as f32), (transpose[k][j], FILTER[j][k] as f32), "{j} {k}");
    }
}
