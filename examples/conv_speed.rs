//! Time and speed of the convolution kernels on the shapes of ResNet-8 at 28 × 28, batch 64, and of some depthwise and
//! grouped ones: the algorithm that is chosen against columns and a matrix product, in the same run. Arguments:
//! repetitions (7), threads (all).
//!
//! Prints the median milliseconds and GFLOP/s of each operation.

use std::time::Instant;

use bitplan::exec::kernels::conv::{self, ConvShape, im2col};

/// Median seconds of `repetitions` runs, after one that warms the caches.
fn median_seconds(repetitions: usize, mut run: impl FnMut()) -> f64 {
    run();
    let mut seconds: Vec<f64> = (0..repetitions)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[repetitions / 2]
}

/// Numbers in [-1, 1), the same at every run.
fn numbers(length: usize, seed: u32) -> Vec<f32> {
    (0..length as u32)
        .map(|i| (i.wrapping_add(seed).wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0)
        .collect()
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let repetitions = arguments.next().and_then(Result::ok).unwrap_or(7).max(1);
    let threads = arguments.next().and_then(Result::ok).unwrap_or(0);
    if let Err(error) = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global() {
        eprintln!("{error}; the default number of threads is used");
    }
    println!("{} threads, median of {repetitions}", rayon::current_num_threads());
    println!(
        "{:<22} {:<16} {:>16} {:>18} {:>7}",
        "convolution", "operation", "chosen ms GF/s", "im2col ms GF/s", "ratio"
    );
    // in, out, kernel, stride, map, groups
    for [inputs, outputs, kernel, stride, map, groups] in [
        [1, 16, 3, 1, 28, 1],
        [3, 16, 3, 1, 32, 1],
        [16, 16, 3, 1, 28, 1],
        [16, 32, 3, 2, 28, 1],
        [32, 32, 3, 1, 14, 1],
        [16, 32, 1, 2, 28, 1],
        [32, 64, 3, 2, 14, 1],
        [64, 64, 3, 1, 7, 1],
        [32, 64, 1, 2, 14, 1],
        [96, 96, 3, 1, 16, 96],
        [96, 96, 3, 2, 16, 96],
        [128, 128, 3, 1, 14, 32],
    ] {
        let shape = ConvShape {
            batch: 64,
            in_channels: inputs,
            out_channels: outputs,
            in_height: map,
            in_width: map,
            kernel_height: kernel,
            kernel_width: kernel,
            stride: [stride; 2],
            padding: [kernel / 2; 2],
            padding_after: [kernel / 2; 2],
            groups,
        };
        let (x, w, dy) =
            (numbers(shape.input_len(), 1), numbers(shape.weight_len(), 2), numbers(shape.output_len(), 3));
        let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
        let seconds = [
            [
                median_seconds(repetitions, || conv::forward(&shape, &x, &w, &mut y)),
                median_seconds(repetitions, || im2col::forward(&shape, &x, &w, &mut y)),
            ],
            [
                median_seconds(repetitions, || conv::input_gradient(&shape, &dy, &w, &mut dx)),
                median_seconds(repetitions, || im2col::input_gradient(&shape, &dy, &w, &mut dx)),
            ],
            [
                median_seconds(repetitions, || conv::weight_gradient(&shape, &x, &dy, &mut dw)),
                median_seconds(repetitions, || im2col::weight_gradient(&shape, &x, &dy, &mut dw)),
            ],
        ];
        let operations = 2.0 * shape.output_len() as f64 * (shape.weight_len() / outputs) as f64;
        let name = format!("{inputs}->{outputs}/{groups} {kernel}x{kernel} s{stride} {map}x{map}");
        for (operation, [direct, im2col]) in ["forward", "input gradient", "weight gradient"].iter().zip(seconds) {
            let cell = |seconds: f64| format!("{:7.3} {:6.1}", seconds * 1e3, operations / seconds / 1e9);
            println!("{name:<22} {operation:<16} {:>16} {:>18} {:>7.1}", cell(direct), cell(im2col), im2col / direct);
        }
    }
}
