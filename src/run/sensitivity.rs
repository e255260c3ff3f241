//! The sensitivity stage.

use crate::error::Result;
use crate::exec::{Bindings, Samples};
use crate::progress::Stage;
use crate::quant::ActivationQuantizer;
use crate::run::Pipeline;
use crate::run::pipeline::key;
use crate::run::traces::{Draws, TRACES, traces_key};
use crate::sensitivity::{
    ActivationEffect, Measured, MeasuredReport, Measurement, Measurements, Pair, SensitivityReport, activation_effects,
    choose_pairs, quantized_layers,
};
use crate::space::{ActivationTerm, Objective};
use crate::store::{hash_file, read_json, write_json};
use crate::supernet::{Parameters, SuperNet};

impl Pipeline<'_> {
    /// Traces and sensitivities of the FP32 model.
    ///
    /// # Errors
    /// When the model has diverged or a file cannot be written.
    pub fn sensitivity(&mut self) -> Result<(String, SensitivityReport)> {
        let (_, float) = self.float()?;
        let space = &self.study.outline.space;
        let net = &self.study.outline.net;
        let (spec, scheme, network) = (&space.sensitivity, net.scheme(), net.network());
        let traces_key = traces_key(self.study, &float)?;
        let held_out = (spec.measured_images > 0).then_some((&self.study.data_hashes[1], space.evaluation.batch_size));
        let key = key("sensitivity", &(&traces_key, spec, scheme, held_out))?;
        self.stage("sensitivity", &key, |p| {
            let draws = Draws::new(p.study, &float)?;
            let traces = p.traces(&draws)?;
            let Draws { bindings, samples, estimator, .. } = &draws;
            let quantizers = p.input_quantizers(&float, net)?;
            let effects = p.activation_effects("activation sensitivities", &quantizers, bindings, samples)?;
            let measured = p.measured(&quantizers, bindings)?;
            let weights = scheme.layers.iter().map(|l| float.values(&format!("{}.weight", l.name)));
            let weights = weights.collect::<Result<Vec<_>>>()?;
            let found = Measurements {
                weights: &weights,
                effects: &effects,
                traces: &traces,
                estimator: *estimator,
                hessian: estimator.is_hessian(network.graph()),
                images: samples.sizes()[..traces.blocks].iter().sum::<usize>() as u64,
                increases: measured.as_ref().map_or(&[], |(measured, _)| measured.increases.as_slice()),
            };
            let mut report = SensitivityReport::new(scheme, spec, &found);
            // A measured objective knows only what was measured, which is what can be trained.
            if let Some(freed) = scheme.freed().filter(|_| spec.objective != Objective::Measured) {
                let quantizers = p.input_quantizers(&float, &SuperNet::new(network.clone(), freed.clone()))?;
                let effects = p.activation_effects("what pins keep layers from", &quantizers, bindings, samples)?;
                let found = Measurements { effects: &effects, ..found };
                report.add_alternatives(scheme, SensitivityReport::new(&freed, spec, &found));
            }
            report.measured = measured
                .map(|(measured, pairs)| MeasuredReport::new(scheme, &report, &measured, &pairs, &scheme.bases()));
            report.warnings.iter().for_each(|w| p.observer.warn(w));
            write_json(&p.workspace.path("sensitivity.json"), &report)?;
            Ok(vec!["sensitivity.json".into(), TRACES.into()])
        })?;
        let path = self.workspace.path("sensitivity.json");
        let report: SensitivityReport = read_json(&path)?;
        report.check(scheme, &path.display().to_string())?;
        // Not the key of the settings: a time limit or other draws change the numbers and not the settings.
        Ok((hash_file(&path)?, report))
    }

    /// The quantiser of every layer's input at each candidate of a SuperNet of this network, with its initial scale.
    fn input_quantizers(&self, float: &Parameters, net: &SuperNet) -> Result<InputQuantizers> {
        let scales = self.activation_scales(float, net)?;
        let quantizer = |l: usize, c: usize| {
            let candidate = net.scheme().layers[l].candidates[c];
            let quantized = net.scheme().layers[l].quantizes_input(candidate);
            quantized.then(|| (net.activation_quantizer(l, candidate), scales[l][c]))
        };
        let of_layer = |l: usize| (0..scales[l].len()).map(|c| quantizer(l, c)).collect();
        Ok((0..scales.len()).map(of_layer).collect())
    }

    fn activation_effects(
        &mut self,
        what: &str,
        quantizers: &InputQuantizers,
        bindings: &Bindings,
        samples: &Samples<'_>,
    ) -> Result<Vec<Vec<ActivationEffect>>> {
        let (spec, network) = (&self.study.outline.space.sensitivity, self.study.outline.net.network());
        self.observer.start(Stage::new(what, samples.sizes().len() as u64).of("batches"));
        let divergences = spec.activation_term == ActivationTerm::Divergence;
        let effects = activation_effects(network, bindings, quantizers, samples, divergences, self.observer)?;
        self.observer.finish(&format!("{} training {}", samples.count(), self.study.train.samples()));
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
        let held_out = self.study.test_split().samples(spec.measured_images)?;
        let variants = quantized_layers(scheme, bindings, quantizers, spec.scale)?;
        let bases = scheme.bases();
        // The interactions that matter most are those of the fewest bits.
        let pairs = bases.last().map_or(Vec::new(), |&least| choose_pairs(scheme, least, spec.pairs, space.seed));
        let uniform: Vec<Vec<usize>> = bases.iter().map(|&candidate| scheme.uniform(candidate)).collect();
        let network = self.study.outline.net.network();
        let mut measurement = Measurement::new(network, bindings, &variants, &pairs, &uniform);
        let pieces = measurement.pieces() * held_out.sizes().len() as u64;
        self.observer.start(Stage::new("measured losses", pieces).of("losses"));
        for block in 0..held_out.sizes().len() {
            let (images, labels) = held_out.block(block)?;
            measurement.push(&images, &labels, self.observer)?;
        }
        let measured = measurement.finish()?;
        self.observer.finish(&format!("{} held-out {}", measured.images, self.study.test.samples()));
        Ok(Some((measured, pairs)))
    }
}

/// By layer and candidate; none where the input is not quantised.
type InputQuantizers = Vec<Vec<Option<(ActivationQuantizer, f32)>>>;
