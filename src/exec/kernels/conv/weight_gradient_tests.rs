//! Every version of the inner loop against the definition.

use super::*;

type Add = fn(&Plan, &[f32], &[[f32; GROUP]], &Range<usize>, &mut [[f32; GROUP]]);

/// The versions of all instruction sets in plain code, which any machine can run: groups, run, step, pixels at a time.
const VERSIONS: [(Add, [usize; 4]); 13] = [
    (groups::<Plain<16, true>, 1, 1, 3, 3, 1, 4>, [1, 3, 1, 4]),
    (groups::<Plain<16, true>, 1, 1, 5, 3, 1, 2>, [1, 3, 1, 2]),
    (groups::<Plain<16, true>, 1, 1, 5, 3, 1, 1>, [1, 3, 1, 1]),
    (groups::<Plain<16, true>, 1, 1, 3, 3, 2, 1>, [1, 3, 2, 1]),
    (groups::<Plain<16, true>, 1, 1, 9, 1, 1, 1>, [1, 1, 1, 1]),
    (groups::<Plain<16, true>, 1, 1, 9, 1, 2, 1>, [1, 1, 2, 1]),
    (groups::<Plain<16, true>, 2, 1, 3, 3, 1, 1>, [2, 3, 1, 1]),
    (groups::<Plain<16, true>, 2, 1, 9, 1, 2, 1>, [2, 1, 2, 1]),
    (groups::<Plain<8, true>, 1, 2, 2, 3, 1, 1>, [1, 3, 1, 1]),
    (groups::<Plain<8, true>, 1, 2, 6, 1, 2, 1>, [1, 1, 2, 1]),
    (narrow::<Plain<8, true>>, [2, 3, 2, 1]),
    (narrow::<Plain<4, true>>, [2, 3, 1, 1]),
    (narrow::<Plain<4, false>>, [2, 1, 1, 1]),
];

/// Small integers: every sum is exact in any order, rounded once or twice.
fn number(i: usize) -> f32 {
    (i * 7 % 11) as f32 - 5.0
}

/// Runs `add` over bands of three rows and compares with the definition.
fn agrees(add: Add, [groups, run, step]: [usize; 3], [height, width]: [usize; 2], runs: usize) {
    let pitch = (width - 1) * step + 4;
    // Runs are neighbours inside, and anywhere among themselves.
    let offsets: Vec<usize> = (0..runs).flat_map(|r| (0..run).map(move |k| 5 * r + k)).collect();
    let padded: Vec<f32> = (0..5 * runs + height * pitch + 3).map(number).collect();
    let (pixels, rows) = (height * width, runs * run);
    let dy: Vec<f32> = (0..groups * GROUP * pixels).map(|i| number(3 * i + 1)).collect();
    let plan = Plan { height, width, band: 3, pitch, step, run, offsets };
    // Sums are added to what is there.
    let mut sums = vec![[1.0; GROUP]; groups * rows];
    for start in (0..height).step_by(3) {
        let band = start..(start + 3).min(height);
        let mut gradients = vec![[f32::NAN; GROUP]; groups * band.len() * width];
        group_channels(&dy[start * width..], pixels, band.len() * width, &mut gradients);
        add(&plan, &padded, &gradients, &band, &mut sums);
    }
    let check = |sums: &[[f32; GROUP]]| {
        for (o, r) in (0..groups * GROUP).flat_map(|o| (0..rows).map(move |r| (o, r))) {
            let at = |q: usize| plan.offsets[r] + q / width * pitch + q % width * step;
            let expected = 1.0 + (0..pixels).map(|q| dy[o * pixels + q] * padded[at(q)]).sum::<f32>();
            let found = sums[o / GROUP * rows + r][o % GROUP];
            assert_eq!(found, expected, "{groups} {run} {step} {height} {width} {o} {r}");
        }
    };
    check(&sums);
    sums.fill([1.0; GROUP]);
    add_image(&plan, &padded, &dy, &mut vec![[f32::NAN; GROUP]; 2 * 3 * width], &mut sums);
    check(&sums);
}

#[test]
fn the_version_of_every_instruction_set_agrees_with_the_definition() {
    for (add, [groups, run, step, at_a_time]) in VERSIONS {
        for size in [[1, 1], [7, 7], [5, 14], [4, 12]] {
            for runs in [1, 3, 4, 5, 9, 10] {
                if size[1] % at_a_time == 0 {
                    agrees(add, [groups, run, step], size, runs);
                }
            }
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_instructions_agree_with_the_definition() {
    use crate::exec::kernels::conv::vector::{Avx2, Avx512};
    for (run, step) in [(3, 1), (3, 2), (1, 1), (1, 2)] {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            agrees(narrow::<Avx2>, [2, run, step], [7, 7], 5);
        }
    }
    if is_x86_feature_detected!("avx512f") {
        agrees(groups::<Avx512, 2, 1, 3, 3, 1, 1>, [2, 3, 1], [7, 7], 5);
    }
}
