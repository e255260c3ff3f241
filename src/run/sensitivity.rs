//! The sensitivity stage.

use std::path::Path;

use crate::error::Result;
use crate::exec::{Bindings, Network};
use crate::quant::ActivationQuantizer;
use crate::run::pipeline::key;
use crate::run::{Pipeline, Study};
use crate::sensitivity::{
    ActivationEffect, Estimator, Measured, MeasuredReport, Measurement, Measurements, NetworkTraces, Pair, Samples,
    SensitivityReport, activation_effects, choose_pairs, quantized_layers,
};
use crate::space::ActivationTerm;
use crate::store::{read_json, write_json};
use crate::supernet::{Parameters, bind_float};
use crate::trace::{Cells, Part, TraceEstimator, TraceOptions, TraceSource, Traces, estimate, estimate_part, merge};

/// File of the draws: the checkpoint of the estimate, and what the parts of several processes are merged into.
const TRACES: &str = "traces.json";

/// What a draw depends on beside the estimator, which the file names itself. The weights themselves: those that two machines
/// trained may differ in a bit.
fn traces_key(float: &Parameters, pipeline: &Pipeline<'_>) -> Result<String> {
    let space = &pipeline.study.outline.space;
    let weights = float.content_hash()?;
    key(
        "traces",
        &(
            weights,
            &pipeline.study.normalization,
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
        let (_, float) = self.float()?;
        let space = &self.study.outline.space;
        let (spec, scheme, network) =
            (&space.sensitivity, self.study.outline.scheme(), self.study.outline.net.network());
        let traces_key = traces_key(&float, self)?;
        let held_out = (spec.measured_images > 0).then_some((&self.study.data_hashes[1], space.evaluation.batch_size));
        let key = key("sensitivity", &(&traces_key, spec, scheme, held_out))?;
        self.stage("sensitivity", &key, |p| {
            let bindings = bind_float(network, &float, false)?;
            let samples = samples(p.study)?;
            let estimator = Estimator::of(spec, network.graph());
            let traces = p.traces(&traces_key, network, &bindings, &samples, estimator)?;
            let quantizers = p.input_quantizers(&float)?;
            let effects = p.activation_effects(&quantizers, &bindings, &samples)?;
            let measured = p.measured(&quantizers, &bindings)?;
            let weights = scheme.layers.iter().map(|l| float.values(&format!("{}.weight", l.name)));
            let found = Measurements {
                weights: &weights.collect::<Result<Vec<_>>>()?,
                effects: &effects,
                traces: &traces,
                estimator: (estimator.to_string(), estimator.is_hessian(network.graph())),
                images: samples.sizes()[..traces.blocks].iter().sum::<usize>() as u64,
                increases: measured.as_ref().map_or(&[], |(measured, _)| measured.increases.as_slice()),
            };
            let mut report = SensitivityReport::new(scheme, spec, &found);
            report.measured = measured
                .map(|(measured, pairs)| MeasuredReport::new(scheme, &report, &measured, &pairs, &scheme.bases()));
            report.warnings.iter().for_each(|w| p.observer.warn(w));
            write_json(&p.workspace.path("sensitivity.json"), &report)?;
            Ok(vec!["sensitivity.json".into(), TRACES.into()])
        })?;
        let path = self.workspace.path("sensitivity.json");
        let report: SensitivityReport = read_json(&path)?;
        report.check(scheme, &path.display().to_string())?;
        // Draws made elsewhere, time limits and earlier draws change the numbers, not the settings.
        Ok((crate::store::hash_file(&path)?, report))
    }

    /// Takes over draws that were made elsewhere; [`Self::sensitivity`] goes on from them.
    ///
    /// # Errors
    /// When they are not of this search space, its weights, images and estimator.
    pub fn adopt_traces(&mut self, path: &Path) -> Result<()> {
        let (_, float) = self.float()?;
        let (spec, network) = (&self.study.outline.space.sensitivity, self.study.outline.net.network());
        let bindings = bind_float(network, &float, false)?;
        let samples = samples(self.study)?;
        let estimator = Estimator::of(spec, network.graph());
        let source = source(self.study, network, &bindings, &samples, estimator);
        let key = traces_key(&float, self)?;
        let ours = taken(&self.workspace.path(TRACES), &key, &source, estimator)?;
        let theirs = (path.display().to_string(), Cells::read(path)?);
        merge([("the search space".to_string(), ours), theirs])?.write(&self.workspace.path(TRACES))?;
        self.workspace.outdate("sensitivity")
    }

    /// Draws the cells of one part of all `max_probes` rounds and gives the name of its file.
    ///
    /// # Errors
    /// As [`Self::sensitivity`].
    pub fn traces_part(&mut self, part: Part) -> Result<String> {
        let (_, float) = self.float()?;
        let (spec, network) = (&self.study.outline.space.sensitivity, self.study.outline.net.network());
        let bindings = bind_float(network, &float, false)?;
        let samples = samples(self.study)?;
        let estimator = Estimator::of(spec, network.graph());
        let source = source(self.study, network, &bindings, &samples, estimator);
        let name = format!("traces-{}.json", part.to_string().replace('/', "-of-"));
        let path = self.workspace.path(&name);
        let mut cells = taken(&path, &traces_key(&float, self)?, &source, estimator)?;
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
        if estimator == Estimator::Products(TraceEstimator::Exact) {
            let products: usize = network.layers().iter().map(|l| l.parameters()).sum();
            let (batches, images) = (samples.sizes().len(), samples.count());
            self.observer.warn(&format!(
                "the estimator `exact` takes {products} products for each of {batches} batches, {images} images in all; \
                 `gauss_newton_exact` gives the same for networks that are linear in pieces"
            ));
        }
        let rounds = if source.random() { options.max_rounds } else { 1 };
        self.observer.start(&format!("traces ({estimator})"), rounds * samples.sizes().len() as u64);
        let mut save = |cells: &Cells| cells.write(&path);
        let traces = estimate(&source, &options, &mut cells, &mut save, self.observer)?;
        let error = traces
            .worst_relative_error
            .map_or("error unknown".into(), |e| format!("standard error at most {:.1} %", 100.0 * e));
        self.observer.finish(&format!("{} probes a batch, {error}", traces.rounds));
        Ok(traces)
    }

    /// The quantiser of every layer's input at each candidate, with its initial scale.
    fn input_quantizers(&self, float: &Parameters) -> Result<InputQuantizers> {
        let net = &self.study.outline.net;
        let scales = self.activation_scales(float)?;
        let quantizer = |l: usize, c: usize| {
            let candidate = net.scheme().layers[l].candidates[c];
            (!candidate.is_fp32()).then(|| (net.activation_quantizer(l, candidate), scales[l][c]))
        };
        let of_layer = |l: usize| (0..scales[l].len()).map(|c| quantizer(l, c)).collect();
        Ok((0..scales.len()).map(of_layer).collect())
    }

    fn activation_effects(
        &mut self,
        quantizers: &InputQuantizers,
        bindings: &Bindings,
        samples: &Samples<'_>,
    ) -> Result<Vec<Vec<ActivationEffect>>> {
        let (spec, network) = (&self.study.outline.space.sensitivity, self.study.outline.net.network());
        self.observer.start("activation sensitivities", samples.sizes().len() as u64);
        let divergences = spec.activation_term == ActivationTerm::Divergence;
        let effects = activation_effects(network, bindings, quantizers, samples, divergences, self.observer)?;
        self.observer.finish(&format!("{} training images", samples.count()));
        Ok(effects)
    }

    /// The loss with every layer at every candidate alone, with pairs, and with all layers at each uniform candidate, if
    /// images are named for it.
    fn measured(&mut self, quantizers: &InputQuantizers, bindings: &Bindings) -> Result<Option<(Measured, Vec<Pair>)>> {
        let space = &self.study.outline.space;
        let (spec, scheme) = (&space.sensitivity, self.study.outline.scheme());
        if spec.measured_images == 0 {
            return Ok(None);
        }
        let split = self.study.test_split();
        let held_out =
            Samples::new(split.dataset, split.normalization, split.batch_size, split.order, spec.measured_images)?;
        let variants = quantized_layers(scheme, bindings, quantizers, spec.scale)?;
        let bases = scheme.bases();
        // The interactions that matter most are those of the fewest bits.
        let pairs = bases.last().map_or(Vec::new(), |&least| choose_pairs(scheme, least, spec.pairs, space.seed));
        let uniform: Vec<Vec<usize>> = bases.iter().map(|&candidate| scheme.uniform(candidate)).collect();
        let network = self.study.outline.net.network();
        let mut measurement = Measurement::new(network, bindings, &variants, &pairs, &uniform);
        self.observer.start("measured losses", measurement.pieces() * held_out.sizes().len() as u64);
        for block in 0..held_out.sizes().len() {
            let (images, labels) = held_out.block(block)?;
            measurement.push(&images, &labels, self.observer)?;
        }
        let measured = measurement.finish()?;
        self.observer.finish(&format!("{} held-out images", measured.images));
        Ok(Some((measured, pairs)))
    }
}

/// By layer and candidate; none where the input is not quantised.
type InputQuantizers = Vec<Vec<Option<(ActivationQuantizer, f32)>>>;

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
