use super::*;

type Sweep = fn(&Bands, &[f32], [usize; 2], &mut [f32], &mut [f32]);

/// The versions of all instruction sets are ordinary code, which any machine can run.
const VERSIONS: [Sweep; 5] =
    [Bands::sweep::<16, true>, Bands::sweep::<8, true>, Bands::sweep::<4, true>, Bands::sweep::<4, false>, transform];

#[test]
fn the_version_of_every_instruction_set_transforms_the_padded_rows() {
    for (source, lead, size) in [
        ([7, 7], [1, 1], [7, 7]),
        ([14, 28], [1, 1], [14, 28]),
        ([9, 13], [-1, -2], [6, 9]),
        ([3, 2], [2, 5], [9, 12]),
        ([5, 1], [0, 17], [11, 33]),
    ] {
        let [height, width] = source;
        let image: Vec<f32> = (0..3 * height * width).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
        let padded = |channel: usize, row: usize, column: usize| {
            let (y, x) = (row as isize - lead[0], column as isize - lead[1]);
            let inside = (0..height as isize).contains(&y) && (0..width as isize).contains(&x);
            if inside { image[(channel * height + y as usize) * width + x as usize] } else { 0.0 }
        };
        for (version, most) in VERSIONS.into_iter().flat_map(|version| [1, 2, 3].map(|most| (version, most))) {
            let bands = Bands::new(3, source, lead, size[1], most);
            let all = size[0].div_ceil(OUTPUTS);
            for first in (0..all).step_by(most) {
                let count = most.min(all - first);
                let mut rows = vec![f32::NAN; bands.rows_len()];
                let mut found = vec![f32::NAN; PRODUCTS * bands.product_len()];
                version(&bands, &image, [first, count], &mut rows, &mut found);
                for (r, &offset) in bands.offsets().iter().enumerate() {
                    for (band, x) in (0..count).flat_map(|band| (0..size[1]).map(move |x| (band, x))) {
                        let row = |i| padded(r / TAPS, (first + band) * OUTPUTS + i, x + r % TAPS);
                        let expected = inputs::<true>(std::array::from_fn(row));
                        for (j, expected) in expected.into_iter().enumerate() {
                            let found = found[j * bands.product_len() + offset + band * bands.pitch() + x];
                            // Products of small integers and of powers of 5/8 and 3/2 have few bits: all is exact.
                            assert_eq!(found, expected, "{source:?} {lead:?} {size:?} {most}: {j} {r} {band} {x}");
                        }
                    }
                }
            }
        }
    }
}
