//! Against the definition, cell by cell, for windows of every kind.

use super::*;
use crate::graph::Padding;

/// Cells of window `(i, j)` as `(place, whether it counts only)`, and how many count.
fn cells(window: &Window, [height, width]: [usize; 2], [i, j]: [usize; 2]) -> (Vec<usize>, usize) {
    let (mut inside, mut counted) = (Vec::new(), 0);
    for a in 0..window.kernel[0] {
        for b in 0..window.kernel[1] {
            let y = (i * window.stride[0] + a) as isize - window.padding.before[0] as isize;
            let x = (j * window.stride[1] + b) as isize - window.padding.before[1] as isize;
            let (h, w) = (height as isize, width as isize);
            if (0..h).contains(&y) && (0..w).contains(&x) {
                inside.push((y * w + x) as usize);
            }
            let around = |axis: usize, place: isize, extent: isize| {
                let (before, after) = (window.counted.before[axis] as isize, window.counted.after[axis] as isize);
                (-before..extent + after).contains(&place)
            };
            counted += usize::from(around(0, y, h) && around(1, x, w));
        }
    }
    (inside, counted)
}

#[test]
fn largest_values_means_and_adjoints_are_those_of_the_definition() {
    let even = Padding::even;
    let one_sided = Padding { before: [0, 1], after: [1, 0] };
    for (kernel, stride, padding, counted, size) in [
        ([3, 3], [2, 2], even(1), even(0), [9, 33]),
        ([3, 3], [2, 2], even(1), even(1), [8, 34]),
        ([2, 2], [2, 2], even(0), even(0), [6, 40]),
        ([3, 2], [1, 1], one_sided, even(0), [5, 7]),
        ([2, 5], [1, 3], even(1), even(1), [5, 23]),
        ([5, 4], [5, 4], even(0), even(0), [5, 4]),
        ([2, 3], [3, 2], Padding { before: [1, 2], after: [0, 1] }, one_sided, [7, 35]),
    ] {
        let window = Window { kernel, stride, padding, counted };
        let output: [usize; 2] =
            std::array::from_fn(|a| (size[a] + padding.before[a] + padding.after[a] - kernel[a]) / stride[a] + 1);
        let (plane, count) = (size[0] * size[1], output[0] * output[1]);
        let windows = Windows::new(&window, size, output);
        // Few different numbers: equals are common.
        let x: Vec<f64> = (0..2 * plane).map(|i| (i * i % 7) as f64 - 3.0).collect();
        let g: Vec<f64> = (0..2 * count).map(|i| (i * 5 % 11) as f64 - 4.5).collect();
        let (mut largest, mut means, mut spread) = (vec![0.0; 2 * count], vec![0.0; 2 * count], vec![9.0; 2 * plane]);
        let (mut places, mut expected_spread) = (vec![usize::MAX; 2 * count], vec![0.0; 2 * plane]);
        windows.largest(&x, &mut largest);
        windows.means(&x, &mut means);
        windows.spread(&g, &mut spread);
        windows.places(&x, |i, j| places[i] = j);
        for i in 0..2 * count {
            let (channel, inside) = (i / count, i % count);
            let (cells, counted) = cells(&window, size, [inside / output[1], inside % output[1]]);
            let cells: Vec<usize> = cells.iter().map(|cell| channel * plane + cell).collect();
            let best = cells.iter().copied().reduce(|a, b| if x[b] > x[a] { b } else { a }).unwrap();
            assert_eq!((largest[i], places[i]), (x[best], best), "{window:?} {i}");
            let sum: f64 = cells.iter().map(|&cell| x[cell]).sum();
            assert!((means[i] - sum / counted as f64).abs() < 1e-14, "{window:?} {i}");
            cells.iter().for_each(|&cell| expected_spread[cell] += g[i] / counted as f64);
        }
        assert!(spread.iter().zip(&expected_spread).all(|(a, b)| (a - b).abs() < 1e-13), "{window:?}");
    }
}

#[test]
fn nan_is_kept_and_minus_infinity_has_a_place() {
    let windows = Windows::new(&Window::square(2, 2, 0), [2, 4], [1, 2]);
    let (low, nan) = (f32::NEG_INFINITY, f32::NAN);
    let x = [nan, 3.0, low, low, 5.0, 1.0, low, low];
    let (mut y, mut places) = ([0.0; 2], [9; 2]);
    windows.largest(&x, &mut y);
    windows.places(&x, |i, j| places[i] = j);
    assert!(y[0].is_nan());
    assert_eq!((y[1], places), (low, [0, 2]));
}
