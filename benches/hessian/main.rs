//! Cost of Hessian products and of traces on ResNet-20, one job at a time; `scripts/bench_hessian.py` calls it beside
//! PyTorch and PyHessian.
//!
//! ```text
//! hessian product JOB      seconds of one product over all images; the products of a job share the base point
//! hessian forms JOB        the same for `vᵀ(Hv)` of every layer, all that a trace needs
//! hessian converge JOB     seconds until the probes' standard error of every trace is `relative_error` of it
//! hessian compare JOB      for each estimator: seconds, and the largest and median relative standard error of a layer
//! ```
//!
//! JOB: JSON file with data (a CIFAR-10 batch), weights (safetensors), images, micro_batch, threads, mean, std, seed, and
//! products, relative_error or seconds.

#![allow(clippy::unwrap_used)] // a benchmark stops at the first surprise

use std::path::Path;
use std::time::Instant;

use bitplan::data::{Dataset, Normalization, cifar};
use bitplan::exec::{Bindings, HessianPass, Loss, Network, Samples, Variation, host};
use bitplan::numeric::rng::Stream;
use bitplan::progress::Silent;
use bitplan::sensitivity::{Estimator, NetworkTraces};
use bitplan::supernet::{bind_float, load_float};
use bitplan::trace::{Cells, ProbeDistribution, TraceEstimator, TraceOptions, TraceSource, Traces, estimate};
use bitplan::zoo::resnet20;
use serde::Deserialize;
use serde_json::{Value, json};

// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
struct Job {
    data: String,
    weights: String,
    images: usize,
    micro_batch: usize,
    threads: usize,
    mean: Vec<f32>,
    std: Vec<f32>,
    seed: u64,
    #[serde(default)]
    products: usize,
    #[serde(default)]
    relative_error: f64,
    #[serde(default)]
    seconds: f64,
}

struct Bench {
    job: Job,
    network: Network,
    bindings: Bindings,
    dataset: Dataset,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [command, job] = arguments.as_slice() else {
        // What `cargo test --benches` and a bare `cargo bench` do: nothing to measure without a job.
        return println!("usage: hessian product|forms|converge|compare JOB (see scripts/bench_hessian.py)");
    };
    let job: Job = serde_json::from_str(&std::fs::read_to_string(job).unwrap()).unwrap();
    rayon::ThreadPoolBuilder::new().num_threads(job.threads).build_global().unwrap();
    let network = Network::new(resnet20([3, 32, 32], 10).unwrap());
    let parameters = load_float(&network, Path::new(&job.weights), &Default::default()).unwrap();
    let bindings = bind_float(&network, &parameters, false).unwrap();
    let mut dataset = cifar::read(Path::new(&job.data), [3, 32, 32], 10).unwrap();
    dataset.truncate(job.images);
    let bench = Bench { job, network, bindings, dataset };
    println!(
        "{}",
        match command.as_str() {
            "product" => bench.product(false),
            "forms" => bench.product(true),
            "converge" => bench.converge(),
            "compare" => bench.compare(),
            _ => panic!("unknown command {command}"),
        }
    );
}

impl Bench {
    fn samples(&self) -> Samples<'_> {
        let normalization = Normalization::new(self.job.mean.clone(), self.job.std.clone()).unwrap();
        Samples::new(&self.dataset, &normalization, self.job.micro_batch, None, usize::MAX).unwrap()
    }

    fn product(&self, forms: bool) -> Value {
        let samples = self.samples();
        let probe = |p: usize| {
            let layer = |(l, layer): (usize, &bitplan::graph::Layer)| {
                let mut stream = Stream::new(self.job.seed, "bench", &[p as u64, l as u64]);
                let v = (0..layer.parameters()).map(|_| stream.rademacher()).collect::<Vec<_>>();
                host::tensor(v, layer.weight_shape.as_slice()).unwrap()
            };
            Variation::of_weights(self.network.layers().iter().enumerate().map(layer).collect())
        };
        let probes: Vec<Variation> = (0..self.job.products).map(probe).collect();
        let run = |blocks: usize| {
            let mut sums = vec![0.0; probes.len()];
            for block in 0..blocks {
                let (images, labels) = samples.block(block).unwrap();
                let pass =
                    HessianPass::new::<f32>(&self.network, &self.bindings, &Loss::default(), &images, &labels).unwrap();
                for (probe, sum) in probes.iter().zip(&mut sums) {
                    let first = match forms {
                        true => pass.forms::<f32>(probe).unwrap()[0],
                        false => {
                            let product = pass.apply::<f32>(probe).unwrap();
                            f64::from(host::read::<f32>(product.weights[0].as_ref().unwrap()).unwrap()[0])
                        }
                    };
                    *sum += first * labels.len() as f64 / self.job.images as f64;
                }
            }
            sums
        };
        run(1);
        let start = Instant::now();
        let values = run(samples.sizes().len());
        let seconds = start.elapsed().as_secs_f64() / probes.len() as f64;
        json!({"seconds_per_product": seconds, "first_layer": values})
    }

    fn estimate(&self, samples: &Samples<'_>, estimator: Estimator, rounds: u64, cells: &mut Cells) -> Traces {
        let options = TraceOptions { min_rounds: rounds, max_rounds: rounds, relative_error: 1e-12, max_seconds: None };
        let source = NetworkTraces::<f32>::new(&self.network, &self.bindings, samples, estimator, None, self.job.seed);
        estimate(&source, &options, cells, &mut |_| Ok(()), &mut Silent).unwrap()
    }

    fn cells(&self, samples: &Samples<'_>, estimator: Estimator) -> Cells {
        let source = NetworkTraces::<f32>::new(&self.network, &self.bindings, samples, estimator, None, self.job.seed);
        Cells::new("bench", &estimator.to_string(), source.names(), source.shares().to_vec()).unwrap()
    }

    fn converge(&self) -> Value {
        let samples = self.samples();
        let estimator = Estimator::GaussNewton { exact: false };
        let mut cells = self.cells(&samples, estimator);
        let start = Instant::now();
        let mut rounds = 2;
        let traces = loop {
            let traces = self.estimate(&samples, estimator, rounds, &mut cells);
            let good = |t: &bitplan::trace::TraceEstimate| t.probe_stderr.unwrap() <= self.job.relative_error * t.trace;
            if traces.quantities.iter().all(good) {
                break traces;
            }
            rounds += 1;
        };
        let layers = self.network.layers().iter().zip(&traces.quantities);
        let layers: Vec<Value> =
            layers.map(|(l, t)| json!({"name": l.name, "trace": t.trace, "stderr": t.probe_stderr.unwrap()})).collect();
        json!({"seconds": start.elapsed().as_secs_f64(), "draws": rounds, "layers": layers})
    }

    fn compare(&self) -> Value {
        let hutchinson = |distribution| Estimator::Products(TraceEstimator::Hutchinson { distribution });
        let estimators = [
            Estimator::GaussNewton { exact: false },
            Estimator::GaussNewton { exact: true },
            hutchinson(ProbeDistribution::Rademacher),
            hutchinson(ProbeDistribution::Gaussian),
            Estimator::Products(TraceEstimator::HutchPlusPlus { products: 6 }),
            Estimator::Products(TraceEstimator::XTrace { products: 6 }),
        ];
        let samples = self.samples();
        let row = |estimator: Estimator| {
            let mut cells = self.cells(&samples, estimator);
            let start = Instant::now();
            let mut rounds = 2;
            // At least two rounds, for the error of the probes; then until the time is up.
            let traces = loop {
                let traces = self.estimate(&samples, estimator, rounds, &mut cells);
                if start.elapsed().as_secs_f64() >= self.job.seconds || traces.rounds < rounds {
                    break traces;
                }
                rounds += 1;
            };
            let seconds = start.elapsed().as_secs_f64();
            let mut errors: Vec<f64> =
                traces.quantities.iter().map(|t| t.probe_stderr.unwrap() / t.trace.abs()).collect();
            errors.sort_by(f64::total_cmp);
            let (median, largest) = (errors[errors.len() / 2], errors[errors.len() - 1]);
            json!({
                "estimator": estimator.to_string(),
                "rounds": traces.rounds,
                "seconds": seconds,
                "median_relative_error": median,
                "largest_relative_error": largest,
                // Errors fall with the root of the time: seconds for 5 % in the worst layer.
                "seconds_to_5_percent": seconds * (largest / 0.05).powi(2),
                "traces": traces.quantities.iter().map(|t| t.trace).collect::<Vec<_>>(),
            })
        };
        json!(estimators.map(row))
    }
}
