//! Inputs and results of the quantisers, for a comparison element by element: a network of quantised layers amplifies
//! the last bit of a sum, so that its losses say little about them.

use std::path::Path;

use bitplan::numeric::rng::Stream;
use bitplan::quant::{ActivationQuantizer, Rounding, ScaleGradient, WeightQuantizer};
use bitplan::store::{Array, TensorFile};
use serde_json::{Value, json};

use crate::Job;
use crate::subject::PRECISIONS;

const CHANNELS: usize = 32;
const PER_CHANNEL: usize = 144;
const SAMPLES: usize = 16;
const PER_SAMPLE: usize = 4096;

/// Writes values, upstream gradients, scales, and for each precision the quantised values and both gradients.
pub fn export(job: &Job) -> Value {
    let normal = |name: &str, length: usize| {
        let mut stream = Stream::new(1, name, &[]);
        (0..length).map(|_| stream.normal() as f32).collect::<Vec<f32>>()
    };
    let mut file = TensorFile::new(&json!({})).unwrap();
    let mut put = |name: String, shape: &[usize], values: &[f32]| {
        file.arrays.insert(name, Array::F32(shape.to_vec(), values.to_vec()));
    };
    let weights = WeightQuantizer {
        master_bits: u32::from(PRECISIONS[0]),
        rounding: Rounding::HalfEven,
        scale_gradient: ScaleGradient::Paper,
    };
    let matrix = [CHANNELS, PER_CHANNEL];
    let (w, g) = (normal("w", CHANNELS * PER_CHANNEL), normal("g", CHANNELS * PER_CHANNEL));
    let scale = weights.initial_scale(&w, CHANNELS);
    put("weight.value".into(), &matrix, &w);
    put("weight.upstream".into(), &matrix, &g);
    put("weight.scale".into(), &[CHANNELS], &scale);
    let batch = [SAMPLES, PER_SAMPLE];
    let (x, upstream) = (normal("x", SAMPLES * PER_SAMPLE), normal("u", SAMPLES * PER_SAMPLE));
    put("activation.value".into(), &batch, &x);
    put("activation.upstream".into(), &batch, &upstream);
    for bits in PRECISIONS {
        let (d_weight, d_scale) = weights.backward(&w, &scale, u32::from(bits), &g);
        put(format!("weight.{bits}.quantized"), &matrix, &weights.fake_quantize(&w, &scale, u32::from(bits)));
        put(format!("weight.{bits}.gradient"), &matrix, &d_weight);
        put(format!("weight.{bits}.scale_gradient"), &[CHANNELS], &d_scale);
        for (sign, unsigned) in [("signed", false), ("unsigned", true)] {
            let quantizer = ActivationQuantizer::new(u32::from(bits), unsigned, Rounding::HalfEven);
            let scale = quantizer.initial_scale(&x);
            let (mut quantized, mut gradient) = (vec![0f32; x.len()], vec![0f32; x.len()]);
            quantizer.forward(&x, scale, &mut quantized);
            let d_scale = quantizer.backward(&x, scale, SAMPLES, &upstream, &mut gradient);
            put(format!("{sign}.{bits}.scale"), &[], &[scale]);
            put(format!("{sign}.{bits}.quantized"), &batch, &quantized);
            put(format!("{sign}.{bits}.gradient"), &batch, &gradient);
            put(format!("{sign}.{bits}.scale_gradient"), &[], &[d_scale]);
        }
    }
    file.write(Path::new(&job.tensors)).unwrap();
    json!({"tensors": job.tensors})
}
