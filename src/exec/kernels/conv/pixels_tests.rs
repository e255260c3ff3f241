//! Every version of the inner loop against the definition.

use super::super::correlate::pack;
use super::*;

type Run = fn(&[f32], &[usize], &[[f32; GROUP]], &Window, &mut [[f32; GROUP]]);

/// The versions of all instruction sets in plain code, which any machine can run: groups (0: any), step.
const VERSIONS: [(Run, [usize; 2]); 13] = [
    (tiles::<Plain<16, true>, 1, 1, 4, 1>, [1, 1]),
    (tiles::<Plain<16, true>, 1, 1, 7, 2>, [1, 2]),
    (tiles::<Plain<16, true>, 1, 1, 14, 1>, [1, 1]),
    (tiles::<Plain<16, true>, 1, 1, 16, 2>, [1, 2]),
    (tiles::<Plain<16, true>, 2, 1, 6, 1>, [2, 1]),
    (tiles::<Plain<16, true>, 2, 1, 8, 2>, [2, 2]),
    (narrow::<Plain<8, true>, 1>, [0, 1]),
    (narrow::<Plain<8, true>, 2>, [0, 2]),
    (narrow::<Plain<4, true>, 1>, [0, 1]),
    (narrow::<Plain<4, false>, 1>, [0, 1]),
    (narrow::<Plain<4, false>, 2>, [0, 2]),
    (pixels, [0, 1]),
    (pixels, [0, 2]),
];

/// Runs one version on a target with gaps, which stay as they are, and compares with the definition.
fn agrees(run: Run, groups: usize, step: usize, [height, width]: [usize; 2]) {
    // Small integers: every sum is exact in any order, rounded once or twice.
    let weight = |o: usize, r: usize| ((o * 5 + r * 3) % 7) as f32 - 3.0;
    let offsets = [0, 1, 17, 40, 100];
    let row_step = width * step + 3;
    let source: Vec<f32> = (0..140 + height * row_step + 16 * step).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
    let outputs = groups * GROUP - 3;
    let weights = pack(outputs, offsets.len(), weight);
    let place = Place { first: 2, steps: [2 * width + 1, 2], channel: 2 + height * (2 * width + 1) };
    let window = Window { size: [height, width], row_step, step, place };
    let mut expected = vec![[-1.0; GROUP]; groups * place.channel];
    for (g, y, x) in (0..groups).flat_map(|g| (0..height * width).map(move |q| (g, q / width, q % width))) {
        let target = &mut expected[g * place.channel + place.first + y * place.steps[0] + x * place.steps[1]];
        for (lane, target) in target.iter_mut().enumerate() {
            let product = |r: usize| weight(g * GROUP + lane, r) * source[offsets[r] + y * row_step + x * step];
            let channel = g * GROUP + lane;
            *target = if channel < outputs { (0..offsets.len()).map(product).sum() } else { 0.0 };
        }
    }
    let mut found = vec![[-1.0; GROUP]; groups * place.channel];
    run(&source, &offsets, &weights, &window, &mut found);
    assert_eq!(found, expected, "{groups} {step} {height} {width}");
}

#[test]
fn the_version_of_every_instruction_set_agrees_with_the_definition() {
    for (run, [groups, step]) in VERSIONS {
        for width in [1usize, 4, 5, 7, 8, 9, 14, 16, 19, 28] {
            for groups in if groups == 0 { 1..=3 } else { groups..=groups } {
                agrees(run, groups, step, [3, width]);
            }
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_instructions_agree_with_the_definition() {
    use crate::exec::kernels::conv::vector::{Avx2, Avx512};
    for width in [1, 7, 14] {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            agrees(narrow::<Avx2, 1>, 3, 1, [3, width]);
            agrees(narrow::<Avx2, 2>, 3, 2, [3, width]);
        }
        if is_x86_feature_detected!("avx512f") {
            agrees(tiles::<Avx512, 2, 1, 8, 2>, 2, 2, [3, width]);
        }
    }
}

#[test]
fn a_row_holds_its_tiles_or_says_no() {
    for width in 1..200usize {
        let reaches = |p: usize| width.saturating_sub(p) + p <= width;
        let expected = [best(ONE, width), best(TWO, width), best(NARROW, width)].into_iter().all(reaches);
        assert_eq!(within_row(width), expected, "{width}");
    }
    assert!(within_row(7) && within_row(14) && !within_row(5));
}
