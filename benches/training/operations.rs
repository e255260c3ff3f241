//! Seconds of single operations on whole batches.

use std::time::Instant;

use bitplan::exec::kernels::conv::{self, ConvShape};
use bitplan::exec::kernels::elementwise;
use bitplan::exec::kernels::norm::ChannelMap;
use bitplan::numeric::rng::Stream;
use bitplan::quant::{ActivationQuantizer, Rounding};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Job;

/// An operation on square images `[batch, channels, extent, extent]`.
#[derive(Deserialize)]
pub struct Operation {
    /// `forward`, `input_gradient`, `weight_gradient`, `norm_relu` or `fake_quant`.
    kind: String,
    batch: usize,
    channels: usize,
    extent: usize,
    /// Output channels of a convolution.
    #[serde(default)]
    out: usize,
    #[serde(default)]
    kernel: usize,
    #[serde(default)]
    stride: usize,
    #[serde(default)]
    groups: usize,
}

/// For each operation, the seconds of each of its runs after one to warm up.
pub fn measure(job: &Job) -> Value {
    let of = |operation: &Operation| match operation.kind.as_str() {
        "forward" | "input_gradient" | "weight_gradient" => convolution(operation, job.steps),
        "norm_relu" => norm_relu(operation, job.steps),
        "fake_quant" => fake_quant(operation, job.steps),
        kind => panic!("unknown operation {kind}"),
    };
    json!({"seconds": job.operations.iter().map(of).collect::<Vec<_>>()})
}

fn normal(name: &str, length: usize) -> Vec<f32> {
    let mut stream = Stream::new(1, name, &[]);
    (0..length).map(|_| stream.normal() as f32).collect()
}

fn timed(steps: usize, mut run: impl FnMut()) -> Vec<f64> {
    run();
    let once = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    (0..steps).map(once).collect()
}

fn convolution(operation: &Operation, steps: usize) -> Vec<f64> {
    let padding = [operation.kernel / 2; 2];
    let shape = ConvShape {
        batch: operation.batch,
        in_channels: operation.channels,
        out_channels: operation.out,
        in_height: operation.extent,
        in_width: operation.extent,
        kernel_height: operation.kernel,
        kernel_width: operation.kernel,
        stride: [operation.stride; 2],
        padding,
        padding_after: padding,
        groups: operation.groups,
    };
    let (mut x, mut w) = (normal("x", shape.input_len()), normal("w", shape.weight_len()));
    let mut y = normal("y", shape.output_len());
    match operation.kind.as_str() {
        "forward" => timed(steps, || conv::forward::<f32>(&shape, &x, &w, &mut y)),
        "input_gradient" => timed(steps, || conv::input_gradient::<f32>(&shape, &y, &w, &mut x)),
        _ => timed(steps, || conv::weight_gradient::<f32>(&shape, &x, &y, &mut w)),
    }
}

/// Training: forward with batch statistics, and the gradients in the input, the scales and the shifts.
fn norm_relu(operation: &Operation, steps: usize) -> Vec<f64> {
    let Operation { batch, channels, extent, .. } = *operation;
    let map = ChannelMap { batch, channels, positions: extent * extent };
    let (x, g) = (normal("x", batch * channels * extent * extent), normal("g", batch * channels * extent * extent));
    let (mut y, mut masked, mut dx) = (vec![0f32; x.len()], vec![0f32; x.len()], vec![0f32; x.len()]);
    let n = (batch * extent * extent) as f64;
    timed(steps, || {
        // γ is 1 and β is 0.
        let (mean, variance) = map.statistics::<f32>(&x);
        let inverse: Vec<f64> = variance.iter().map(|v| 1.0 / (v + 1e-5).sqrt()).collect();
        let each = |of: &dyn Fn(usize) -> f64| (0..channels).map(|c| of(c) as f32).collect::<Vec<f32>>();
        let (a, b) = (each(&|c| inverse[c]), each(&|c| -inverse[c] * mean[c]));
        map.affine(&x, &a, &b, true, &mut y);
        elementwise::mask(&y, &g, &mut masked);
        let (s1, s2) = map.gradient_sums::<f32>(&x, &masked, &mean, &inverse);
        let slope = |c: usize| -inverse[c] * inverse[c] * s2[c] / n;
        let (q, r) = (each(&slope), each(&|c| -inverse[c] * s1[c] / n - slope(c) * mean[c]));
        map.combine(&x, &masked, [&a, &q, &r], &mut dx);
    })
}

/// 4 bits, unsigned: forward, and the gradients in the input and the scale.
fn fake_quant(operation: &Operation, steps: usize) -> Vec<f64> {
    let Operation { batch, channels, extent, .. } = *operation;
    let (x, g) = (normal("x", batch * channels * extent * extent), normal("g", batch * channels * extent * extent));
    let (mut y, mut dx) = (vec![0f32; x.len()], vec![0f32; x.len()]);
    let quantizer = ActivationQuantizer::new(4, true, Rounding::HalfEven);
    timed(steps, || {
        quantizer.forward(&x, 0.1, &mut y);
        std::hint::black_box(quantizer.backward(&x, 0.1, batch, &g, &mut dx));
    })
}
