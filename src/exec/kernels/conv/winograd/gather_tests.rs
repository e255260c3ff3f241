use super::*;

type ByColumns = fn(&Columns, &[f32], &mut [f32]);
type ByChannels = fn(&Channels, &[[f32; GROUP]], &mut [[f32; GROUP]]);

/// The versions of all instruction sets are ordinary code, which any machine can run.
const BY_COLUMNS: [ByColumns; 5] = [
    Columns::sweep::<16, true>,
    Columns::sweep::<8, true>,
    Columns::sweep::<4, true>,
    Columns::sweep::<4, false>,
    columns,
];
const BY_CHANNELS: [ByChannels; 5] = [
    Channels::sweep::<16, true>,
    Channels::sweep::<8, true>,
    Channels::sweep::<4, true>,
    Channels::sweep::<4, false>,
    channels,
];

fn number(i: usize) -> f32 {
    (i * 7 % 11) as f32 - 5.0
}

#[test]
fn columns_of_every_width_find_their_rows() {
    for (height, width) in [1usize, 4, 6, 11].into_iter().flat_map(|h| [1, 3, 7, 8, 15, 16, 20, 33].map(|w| (h, w))) {
        let (outputs, pitch, all) = (3, width + 2, height.div_ceil(OUTPUTS));
        for (version, most) in BY_COLUMNS.into_iter().flat_map(|version| [1, 2, 3].map(|most| (version, most))) {
            let mut target = vec![f32::NAN; outputs * height * width];
            let step = most * pitch + 1;
            let products: Vec<f32> = (0..all * PRODUCTS * outputs * step + GROUP).map(number).collect();
            let part = |first: usize| &products[first * PRODUCTS * outputs * step..];
            for first in (0..all).step_by(most) {
                let bands = [first, most.min(all - first)];
                let plan = Columns { outputs, size: [height, width], steps: [outputs * step, step, pitch], bands };
                version(&plan, part(first), &mut target);
            }
            for (at, found) in target.iter().enumerate() {
                let (output, row, x) = (at / width / height, at / width % height, at % width);
                let (first, band) = (row / OUTPUTS / most * most, row / OUTPUTS % most);
                let product = |j| part(first)[j * outputs * step + output * step + band * pitch + x];
                let expected = outputs_of(std::array::from_fn(product))[row % OUTPUTS];
                assert_eq!(*found, expected, "{height} {width} {most}: {output} {row} {x}");
            }
        }
    }
}

/// Sums of small integers with exact coefficients are exact in any order.
fn outputs_of(products: [f32; PRODUCTS]) -> [f32; OUTPUTS] {
    super::outputs::<true>(products)
}

#[test]
fn channels_find_their_rows() {
    let (groups, width) = (2, 5);
    let products: Vec<[f32; GROUP]> =
        (0..PRODUCTS * groups * 9 * width).map(|at| std::array::from_fn(|lane| number(at * GROUP + lane))).collect();
    for (height, most) in [1usize, 4, 6, 11].into_iter().flat_map(|height| [1, 2, 3].map(|most| (height, most))) {
        let all = height.div_ceil(OUTPUTS);
        let part = |first: usize| {
            let one = groups * most.min(all - first) * width;
            (one, &products[first * PRODUCTS * groups * width..][..PRODUCTS * one])
        };
        for version in BY_CHANNELS {
            let mut target = vec![[f32::NAN; GROUP]; groups * height * width];
            for first in (0..all).step_by(most) {
                let bands = [first, most.min(all - first)];
                version(&Channels { size: [height, width], bands }, part(first).1, &mut target);
            }
            for (at, lane) in (0..target.len()).flat_map(|at| (0..GROUP).map(move |lane| (at, lane))) {
                let (group, row, x) = (at / width / height, at / width % height, at % width);
                let (first, band) = (row / OUTPUTS / most * most, row / OUTPUTS % most);
                let (one, products) = part(first);
                let product = |j: usize| products[j * one + group * one / groups + band * width + x][lane];
                let expected = outputs_of(std::array::from_fn(product))[row % OUTPUTS];
                assert_eq!(target[at][lane], expected, "{height} {most}: {group} {row} {x} {lane}");
            }
        }
    }
}
