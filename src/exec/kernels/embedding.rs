//! Rows of a table for token numbers, and the adjoint in the table.

use crate::exec::kernels::Real;

/// `y[p] = table[x[p]]`; a number that is no row of the table gives NaN, which no caller can overlook.
pub fn lookup<T: Real>(x: &[T], table: &[T], features: usize, y: &mut [T]) {
    for (row, &token) in y.chunks_exact_mut(features).zip(x) {
        let number = token.to_f64();
        match table.chunks_exact(features).nth(number.max(0.0) as usize) {
            Some(values) if number >= 0.0 && number.fract() == 0.0 => row.copy_from_slice(values),
            _ => row.fill(T::from_f64(f64::NAN)),
        }
    }
}

/// `d_table`, the adjoint of [`lookup`] in the table, applied to `g`.
pub fn table_gradient<T: Real>(x: &[T], g: &[T], features: usize, d_table: &mut [T]) {
    d_table.fill(T::ZERO);
    add_table_gradient(x, g, features, d_table);
}

/// [`table_gradient`], added to what is there.
pub fn add_table_gradient<T: Real>(x: &[T], g: &[T], features: usize, d_table: &mut [T]) {
    for (g, token) in g.chunks_exact(features).zip(x) {
        let row = d_table.chunks_exact_mut(features).nth(token.to_f64() as usize);
        row.into_iter().flatten().zip(g).for_each(|(sum, &g)| *sum += g);
    }
}
