//! Speed of training, evaluation and their operations, one job at a time; `scripts/bench_training.py` calls it beside
//! PyTorch.
//!
//! ```text
//! training export FILE     first parameters, images and labels of a job, for PyTorch
//! training float FILE      seconds and losses of the steps of FP32 training
//! training supernet FILE   the same of multi-precision training: a step is one iteration over all precisions
//! training evaluate FILE   images per second in evaluation mode, FP32 or quantised
//! training operations FILE seconds of single operations
//! training quantize FILE   inputs and results of the quantisers, to compare
//! training peak FILE       floating-point operations and bytes copied per second
//! training profile FILE    where the time of one SuperNet iteration goes
//! ```
//!
//! FILE: JSON, a `Job`. Images are random numbers: speed does not depend on them.

#![allow(clippy::unwrap_used)] // a benchmark stops at the first surprise

mod evaluate;
mod operations;
mod peak;
mod profile;
mod quantize;
mod subject;
mod train;

use serde::Deserialize;

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What to measure; parts that a command does not read may be missing.
#[derive(Deserialize)]
struct Job {
    /// Threads of the pool.
    threads: usize,
    /// `resnet8`, `resnet20` or `inverted_residuals`.
    #[serde(default)]
    network: String,
    /// Images in a batch.
    #[serde(default)]
    batch: usize,
    /// Images in all, for `export` and `evaluate`.
    #[serde(default)]
    images: usize,
    /// Steps of training, or repetitions of an operation or an evaluation.
    #[serde(default)]
    steps: usize,
    /// `adam` or `sgd`.
    #[serde(default)]
    optimizer: bitplan::space::Optimizer,
    #[serde(default)]
    learning_rate: f64,
    #[serde(default)]
    weight_decay: f64,
    /// Bits of weights and activations in `evaluate`; 32 for FP32.
    #[serde(default)]
    bits: u8,
    /// Where `export` and `quantize` write.
    #[serde(default)]
    tensors: String,
    /// What `operations` measures.
    #[serde(default)]
    operations: Vec<operations::Operation>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [command, job] = arguments.as_slice() else {
        // What `cargo test --benches` and a bare `cargo bench` do: nothing to measure without a job.
        return println!(
            "usage: training COMMAND FILE; COMMAND: export, float, supernet, evaluate, operations, quantize, peak or profile \
             (see scripts/bench_training.py)"
        );
    };
    let job: Job = serde_json::from_str(&std::fs::read_to_string(job).unwrap()).unwrap();
    rayon::ThreadPoolBuilder::new().num_threads(job.threads).build_global().unwrap();
    let answer = match command.as_str() {
        "export" => subject::export(&job),
        "float" => train::float(&job),
        "supernet" => train::supernet(&job),
        "evaluate" => evaluate::evaluate(&job),
        "operations" => operations::measure(&job),
        "quantize" => quantize::export(&job),
        "peak" => peak::measure(&job),
        "profile" => profile::measure(&job),
        _ => panic!("unknown command {command}"),
    };
    println!("{answer}");
}
