//! Images per second without gradients.

use std::time::Instant;

use bitplan::exec::Backend;
use bitplan::space::Candidate;
use bitplan::supernet::{Split, bind_float, evaluate as run};
use serde_json::{Value, json};

use crate::{Job, subject};

/// Evaluates all images once to warm up and then `steps` times; the network is bound once.
pub fn evaluate(job: &Job) -> Value {
    let (network, shape) = subject::network(&job.network);
    let (dataset, normalization) = (subject::dataset(shape, job.images), subject::normalization(shape));
    let split = Split {
        dataset: &dataset,
        normalization: &normalization,
        batch_size: job.batch,
        order: None,
        backend: Backend::default(),
    };
    let (network, bindings) = match job.bits {
        32 => {
            let bindings = bind_float(&network, &subject::float_parameters(&network), false).unwrap();
            (network, bindings)
        }
        bits => {
            let (net, parameters) = subject::supernet(network);
            let configuration = net.scheme().uniform(Candidate::new(bits, bits).unwrap());
            let bindings = net.bind(&parameters, &configuration, false).unwrap();
            (net.network().clone(), bindings)
        }
    };
    let loss = run(&network, &bindings, &split).unwrap().evaluation(false).unwrap().loss;
    let seconds = (0..job.steps).map(|_| {
        let start = Instant::now();
        run(&network, &bindings, &split).unwrap();
        start.elapsed().as_secs_f64()
    });
    json!({"seconds": seconds.collect::<Vec<_>>(), "losses": [[loss]]})
}
