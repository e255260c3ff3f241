//! The sensitivity stage.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::run::Pipeline;
use crate::run::pipeline::key;
use crate::sensitivity::{
    NetworkHessian, Probes, SensitivityReport, TraceOptions, Traces, activation_divergence, hutchinson,
};
use crate::store::{read_json, write_json};
use crate::supernet::bind_float;

/// Probes taken so far, so that a kill loses at most one block of them.
#[derive(Serialize, Deserialize)]
struct Taken {
    key: String,
    probes: Probes,
}

impl Pipeline<'_> {
    /// Hessian traces and sensitivities of the FP32 model.
    ///
    /// # Errors
    /// When the model has diverged or a file cannot be written.
    pub fn sensitivity(&mut self) -> Result<(String, SensitivityReport)> {
        let (float_key, float) = self.float()?;
        let (space, net) = (&self.study.outline.space, &self.study.outline.net);
        let (spec, scheme, network) = (&space.sensitivity, net.scheme(), net.network());
        let key = key("sensitivity", &(float_key, spec, scheme, space.seed))?;
        self.stage("sensitivity", &key, |p| {
            let bindings = bind_float(network, &float, false)?;
            let batches = p.study.train_split(spec.batch_size).batches(spec.images)?;
            let images: usize = batches.iter().map(|(_, labels)| labels.len()).sum();
            let traces = p.traces(&key, &NetworkHessian::<f32>::new(network, &bindings, &batches))?;

            p.observer.start("activation sensitivities", batches.len() as u64);
            let scales = p.activation_scales(&float)?;
            let quantizer = |l: usize, c: usize| {
                let candidate = scheme.layers[l].candidates[c];
                (!candidate.is_fp32()).then(|| (net.activation_quantizer(l, candidate), scales[l][c]))
            };
            let of_layer = |l: usize| (0..scales[l].len()).map(|c| quantizer(l, c)).collect::<Vec<_>>();
            let quantizers: Vec<Vec<_>> = (0..scales.len()).map(of_layer).collect();
            let divergences = activation_divergence(network, &bindings, &quantizers, &batches, p.observer)?;
            p.observer.finish(&format!("{images} training images"));

            let weights = scheme.layers.iter().map(|l| float.values(&format!("{}.weight", l.name)));
            let weights = weights.collect::<Result<Vec<_>>>()?;
            let report = SensitivityReport::new(scheme, &weights, &divergences, &traces, spec, images as u64);
            report.warnings.iter().for_each(|w| p.observer.warn(w));
            write_json(&p.workspace.path("sensitivity.json"), &report)?;
            Ok(vec!["sensitivity.json".into()])
        })?;
        self.drop_checkpoint("sensitivity");
        let path = self.workspace.path("sensitivity.json");
        let report: SensitivityReport = read_json(&path)?;
        report.check(scheme, &path.display().to_string())?;
        Ok((key, report))
    }

    fn traces(&mut self, key: &str, operator: &NetworkHessian<'_, f32>) -> Result<Traces> {
        let space = &self.study.outline.space;
        let spec = &space.sensitivity;
        let options = TraceOptions {
            min_probes: spec.min_probes as u64,
            max_probes: spec.max_probes as u64,
            relative_error: spec.relative_error,
            seed: space.seed,
        };
        let path = self.workspace.path("sensitivity.checkpoint");
        let mut probes = taken(&path, key, self.study.outline.scheme().layers.len());
        let mut save = |probes: &Probes| write_json(&path, &Taken { key: key.into(), probes: probes.clone() });
        self.observer.start("Hessian traces", options.max_probes);
        let traces = hutchinson(operator, &options, &mut probes, &mut save, self.observer)?;
        let error = 100.0 * traces.worst_relative_error;
        self.observer.finish(&format!("{} probes, standard error at most {error:.0} % of a trace", traces.probes));
        Ok(traces)
    }
}

/// Probes of an interrupted run; none if they belong to something else.
fn taken(path: &Path, key: &str, layers: usize) -> Probes {
    match read_json::<Taken>(path) {
        Ok(taken) if taken.key == key && taken.probes.iter().all(|p| p.len() == layers) => taken.probes,
        _ => Probes::new(),
    }
}
