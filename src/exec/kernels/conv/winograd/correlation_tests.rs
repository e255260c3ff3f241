use super::*;

#[test]
fn columns_and_channels_as_lanes_agree_with_the_definition_however_the_bands_are_cut() {
    let number = |i: usize| (i * 7 % 11) as f32 - 5.0;
    for [channels, outputs] in [[1, 1], [3, 5], [5, 33]] {
        for [height, width] in [[1, 3], [7, 7], [13, 4], [10, 21]] {
            let source: Vec<f32> = (0..channels * height * width).map(number).collect();
            let tap = |o: usize, c: usize, [ky, kx]: [usize; 2]| number(((o * channels + c) * 3 + ky) * 3 + kx + 2);
            let expected = |o: usize, y: usize, x: usize| {
                let terms = (0..channels).flat_map(|c| (0..9).map(move |at| (c, [at / 3, at % 3])));
                terms.fold(0.0, |sum, (c, [ky, kx])| {
                    // One row and column of zeros before the source.
                    let inside = (1..=height).contains(&(y + ky)) && (1..=width).contains(&(x + kx));
                    let at = |y: usize, x: usize| source[(c * height + y - 1) * width + x - 1];
                    if inside { sum + tap(o, c, [ky, kx]) * at(y + ky, x + kx) } else { sum }
                })
            };
            for (most, columns) in (1..=4).flat_map(|most| [false, true].map(|columns| (most, columns))) {
                let most = most.min(height.div_ceil(OUTPUTS));
                let bands = Bands::new(channels, [height, width], [1, 1], width, most);
                let plan = Correlation::with(bands, outputs, [height, width], columns, tap);
                let mut target = vec![f32::NAN; outputs * height * width];
                plan.image(&source, &mut vec![f32::NAN; plan.scratch_len()], &mut target);
                for (at, &found) in target.iter().enumerate() {
                    let (o, y, x) = (at / width / height, at / width % height, at % width);
                    // The sums of integers below 1000; a wrong product is off by one at least.
                    let difference = (found - expected(o, y, x)).abs();
                    assert!(difference < 1e-3, "{channels} {outputs} {height} {width} {most} {columns}: {o} {y} {x}");
                }
            }
        }
    }
}
