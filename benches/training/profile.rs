//! Where the time of one SuperNet iteration goes, part by part.

use std::time::Instant;

use bitplan::exec::engine::{Engine, Memory, Mode, Part};
use bitplan::exec::{Loss, awake};
use bitplan::graph::LayerCost;
use bitplan::space::Candidate;
use serde_json::{Value, json};

use crate::{Job, subject};

/// Bytes that an element costs at least in each of the engine's five visits to a norm's input: statistics (x), value (x, y)
/// forward and backward, gradient behind it (x, g; g), gradient through it (x, g; dx).
const NORM_BYTES: u64 = 4 * (1 + 2 + 2 + 3 + 3);

/// As [`NORM_BYTES`], for the quantiser of a layer's input: value forward and backward (x; x̂), gradient (x, g; dx).
const QUANTIZER_BYTES: u64 = 4 * (2 + 2 + 3);

/// Runs iterations over all precisions as training does, without the optimiser, and reports seconds for each of them.
pub fn measure(job: &Job) -> Value {
    let (network, shape) = subject::network(&job.network);
    let (net, parameters) = subject::supernet(network);
    let data = subject::dataset(shape, job.batch);
    let bitplan::data::Pixels::Floats(images) = data.pixels() else { panic!("images are floats") };
    let labels: Vec<u32> = data.labels().to_vec();
    let mut engine = Engine::new(net.network(), Mode::Training(Memory::Recompute));
    let (mut wall, mut binding, mut loss) = (0.0, 0.0, 0.0);
    const WARM_UP: usize = 2;
    for step in 0..WARM_UP + job.steps {
        if step == WARM_UP {
            engine.measure_time();
            (wall, binding, loss) = (0.0, 0.0, 0.0);
        }
        for bits in subject::PRECISIONS {
            let configuration = net.scheme().uniform(Candidate::new(bits, bits).unwrap());
            awake(|| {
                let start = Instant::now();
                let bindings = net.bind(&parameters, &configuration, true).unwrap();
                binding += start.elapsed().as_secs_f64();
                let recorded = engine.record(&bindings, images).unwrap();
                let before = Instant::now();
                let seed = Loss::default().evaluate(&recorded.outputs.logits, &labels, None).gradient;
                loss += before.elapsed().as_secs_f64();
                recorded.gradients(&seed).unwrap();
                wall += start.elapsed().as_secs_f64();
            });
        }
    }
    let steps = job.steps as f64;
    let passes = (job.batch * subject::PRECISIONS.len()) as u64;
    let costs = LayerCost::of(net.network().graph());
    let flops = 2 * passes * costs.iter().map(|c| c.macs).sum::<u64>();
    let inputs: u64 = costs.iter().map(|c| c.input_elements).sum();
    // A norm's input is the output of the layer in front of it.
    let normed = net.network().norms().iter().filter_map(|n| n.layer).map(|l| costs[l].output_elements).sum::<u64>();
    let parts: Vec<Value> = Part::ALL
        .iter()
        .map(|&part| {
            let (flops, bytes) = match part {
                Part::Forward | Part::InputGradient | Part::WeightGradient => (flops, 0),
                Part::Quantizers => (0, passes * QUANTIZER_BYTES * inputs),
                Part::Norms => (0, passes * NORM_BYTES * normed),
                Part::Others => (0, 0),
            };
            let seconds = engine.time_spent(part).as_secs_f64() / steps;
            json!({"part": format!("{part:?}"), "thread_seconds": seconds, "flops": flops, "bytes": bytes})
        })
        .collect();
    json!({"parts": parts, "wall": wall / steps, "binding": binding / steps, "loss": loss / steps})
}
