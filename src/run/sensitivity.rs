//! The sensitivity stage.

use std::path::Path;

use crate::error::Result;
use crate::exec::{Bindings, Network};
use crate::run::pipeline::key;
use crate::run::{Pipeline, Study};
use crate::sensitivity::{
    ActivationEffect, Estimator, Measurements, NetworkTraces, Samples, SensitivityReport, activation_effects,
};
use crate::space::{ActivationTerm, Objective};
use crate::store::{read_json, write_json};
use crate::supernet::{Parameters, bind_float};
use crate::trace::{Cells, Part, TraceOptions, TraceSource, Traces, estimate, estimate_part, merge};

/// File of the draws: the checkpoint of the estimate, and what the parts of several processes are merged into.
const TRACES: &str = "traces.json";

/// What a draw depends on beside the estimator, which the file names itself.
fn traces_key(float_key: &str, pipeline: &Pipeline<'_>) -> Result<String> {
    let space = &pipeline.study.outline.space;
    key(
        "traces",
        &(
            float_key,
            &pipeline.study.data_hashes[0],
            space.sensitivity.images,
            space.sensitivity.batch_size,
            space.seed,
        ),
    )
}

impl Pipeline<'_> {
    /// Traces and sensitivities of the FP32 model.
    ///
    /// # Errors
    /// When the model has diverged or a file cannot be written.
    pub fn sensitivity(&mut self) -> Result<(String, SensitivityReport)> {
        let (float_key, float) = self.float()?;
        let space = &self.study.outline.space;
        let (spec, scheme, network) =
            (&space.sensitivity, self.study.outline.scheme(), self.study.outline.net.network());
        let traces_key = traces_key(&float_key, self)?;
        let key = key("sensitivity", &(&traces_key, spec, scheme))?;
        self.stage("sensitivity", &key, |p| {
            let bindings = bind_float(network, &float, false)?;
            let samples = samples(p.study)?;
            let estimator = Estimator::of(spec, network.graph());
            let traces = p.traces(&traces_key, network, &bindings, &samples, estimator)?;
            let effects = p.activation_effects(&float, &bindings, &samples)?;
            let weights = scheme.layers.iter().map(|l| float.values(&format!("{}.weight", l.name)));
            let found = Measurements {
                weights: &weights.collect::<Result<Vec<_>>>()?,
                effects: &effects,
                traces: &traces,
                estimator: (estimator.to_string(), estimator.is_hessian(network.graph())),
                images: samples.count() as u64,
                increases: &[],
            };
            let report = SensitivityReport::new(scheme, spec, &found);
            report.warnings.iter().for_each(|w| p.observer.warn(w));
            write_json(&p.workspace.path("sensitivity.json"), &report)?;
            Ok(vec!["sensitivity.json".into(), TRACES.into()])
        })?;
        let path = self.workspace.path("sensitivity.json");
        let report: SensitivityReport = read_json(&path)?;
        report.check(scheme, &path.display().to_string())?;
        Ok((key, report))
    }

    /// Takes over draws that were made elsewhere; [`Self::sensitivity`] goes on from them.
    ///
    /// # Errors
    /// When they are not of this search space, its weights, images and estimator.
    pub fn adopt_traces(&mut self, path: &Path) -> Result<()> {
        let (float_key, float) = self.float()?;
        let (spec, network) = (&self.study.outline.space.sensitivity, self.study.outline.net.network());
        let bindings = bind_float(network, &float, false)?;
        let samples = samples(self.study)?;
        let estimator = Estimator::of(spec, network.graph());
        let source = source(self.study, network, &bindings, &samples, estimator);
        let key = traces_key(&float_key, self)?;
        let ours = Cells::new(&key, &estimator.to_string(), source.names(), source.shares().to_vec())?;
        let theirs = (path.display().to_string(), Cells::read(path)?);
        merge([("the search space".to_string(), ours), theirs])?.write(&self.workspace.path(TRACES))?;
        self.workspace.outdate("sensitivity")
    }

    /// Draws the cells of one part of all `max_probes` rounds and gives the name of its file.
    ///
    /// # Errors
    /// As [`Self::sensitivity`].
    pub fn traces_part(&mut self, part: Part) -> Result<String> {
        let (float_key, float) = self.float()?;
        let (spec, network) = (&self.study.outline.space.sensitivity, self.study.outline.net.network());
        let bindings = bind_float(network, &float, false)?;
        let samples = samples(self.study)?;
        let estimator = Estimator::of(spec, network.graph());
        let source = source(self.study, network, &bindings, &samples, estimator);
        let name = format!("traces-{}.json", part.to_string().replace('/', "-of-"));
        let path = self.workspace.path(&name);
        let mut cells = taken(&path, &traces_key(&float_key, self)?, &source, estimator)?;
        self.observer.start("traces", (spec.max_probes * samples.sizes().len()) as u64);
        let mut save = |cells: &Cells| cells.write(&path);
        estimate_part(&source, spec.max_probes as u64, part, &mut cells, &mut save, self.observer)?;
        self.observer.finish(&name);
        Ok(name)
    }

    fn traces(
        &mut self,
        key: &str,
        network: &Network,
        bindings: &Bindings,
        samples: &Samples<'_>,
        estimator: Estimator,
    ) -> Result<Traces> {
        let spec = &self.study.outline.space.sensitivity;
        let options = TraceOptions {
            min_rounds: spec.min_probes as u64,
            max_rounds: spec.max_probes as u64,
            relative_error: spec.relative_error,
            max_seconds: spec.max_seconds,
        };
        let source = source(self.study, network, bindings, samples, estimator);
        let path = self.workspace.path(TRACES);
        let mut cells = taken(&path, key, &source, estimator)?;
        let rounds = if source.random() { options.max_rounds } else { 1 };
        self.observer.start(&format!("traces ({estimator})"), rounds * samples.sizes().len() as u64);
        let mut save = |cells: &Cells| cells.write(&path);
        let traces = estimate(&source, &options, &mut cells, &mut save, self.observer)?;
        let error = traces.worst_relative_error.map_or("unknown".into(), |e| format!("{:.1} %", 100.0 * e));
        self.observer.finish(&format!("{} probes a batch, standard error at most {error} of a trace", traces.rounds));
        Ok(traces)
    }

    fn activation_effects(
        &mut self,
        float: &Parameters,
        bindings: &Bindings,
        samples: &Samples<'_>,
    ) -> Result<Vec<Vec<ActivationEffect>>> {
        let (spec, net) = (&self.study.outline.space.sensitivity, &self.study.outline.net);
        let scheme = net.scheme();
        self.observer.start("activation sensitivities", samples.sizes().len() as u64);
        let scales = self.activation_scales(float)?;
        let quantizer = |l: usize, c: usize| {
            let candidate = scheme.layers[l].candidates[c];
            (!candidate.is_fp32()).then(|| (net.activation_quantizer(l, candidate), scales[l][c]))
        };
        let of_layer = |l: usize| (0..scales[l].len()).map(|c| quantizer(l, c)).collect::<Vec<_>>();
        let quantizers: Vec<Vec<_>> = (0..scales.len()).map(of_layer).collect();
        let divergences = spec.objective == Objective::Hessian && spec.activation_term == ActivationTerm::Divergence;
        let effects = activation_effects(net.network(), bindings, &quantizers, samples, divergences, self.observer)?;
        self.observer.finish(&format!("{} training images", samples.count()));
        Ok(effects)
    }
}

/// The training images that the loss is taken over.
fn samples(study: &Study) -> Result<Samples<'_>> {
    let spec = &study.outline.space.sensitivity;
    let split = study.train_split(spec.batch_size);
    Samples::new(split.dataset, split.normalization, split.batch_size, split.order, spec.images)
}

fn source<'a>(
    study: &Study,
    network: &'a Network,
    bindings: &'a Bindings,
    samples: &'a Samples<'a>,
    estimator: Estimator,
) -> NetworkTraces<'a, f32> {
    let space = &study.outline.space;
    NetworkTraces::new(network, bindings, samples, estimator, space.sensitivity.activation_traces, space.seed)
}

/// Draws of an interrupted or merged estimate; none if there are none or they belong to something else.
///
/// # Errors
/// When the search space cannot be drawn from.
fn taken(path: &Path, key: &str, source: &NetworkTraces<'_, f32>, estimator: Estimator) -> Result<Cells> {
    let empty = Cells::new(key, &estimator.to_string(), source.names(), source.shares().to_vec())?;
    let found = Cells::read(path).and_then(|cells| merge([(String::new(), empty.clone()), (String::new(), cells)]));
    Ok(found.unwrap_or(empty))
}
