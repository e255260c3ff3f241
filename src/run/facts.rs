//! What is known of a run before anything is computed, for its report.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::report::collect::{CandidateFacts, FACTS_FORMAT, Facts, LayerFacts, SamplingFacts, UniformFacts};
use crate::run::training::strategy;
use crate::run::{Outline, Study};
use crate::scheme::LayerScheme;
use crate::space::ModelSource;
use crate::store::{hash_file, hash_json};

/// The facts of a study.
///
/// # Errors
/// When the weights that the search space names cannot be read.
pub(super) fn facts(study: &Study) -> Result<Facts> {
    let Outline { space, net, notes, .. } = &study.outline;
    let (scheme, training) = (net.scheme(), &space.training);
    let layer = |l: &LayerScheme| LayerFacts {
        name: l.name.clone(),
        parameters: l.cost.parameters,
        macs: l.cost.macs,
        candidates: l.candidates.iter().map(|&candidate| candidate_facts(l, candidate)).collect(),
        pinned: l.pinned,
    };
    let uniform = |&candidate: &_| UniformFacts {
        name: scheme.uniform_name(candidate),
        configuration: scheme.uniform(candidate),
    };
    let [train, held_out] = study.data_hashes.clone();
    let mut inputs: BTreeMap<String, String> = [
        ("search space".to_string(), hash_json(space)?),
        ("network".to_string(), hash_json(net.network().graph())?),
        ("training data".to_string(), train),
        ("held-out data".to_string(), held_out),
    ]
    .into();
    if let Some(path) = study.float_weights() {
        inputs.insert("weights".into(), hash_file(&path)?);
    }
    let given = space.model.weights.is_some() || matches!(space.model.source, ModelSource::File { .. });
    let language = study.train.predictions_per_sample() > 1;
    Ok(Facts {
        format: FACTS_FORMAT.into(),
        version: crate::VERSION.into(),
        name: space.name.clone(),
        network: net.network().graph().name.clone(),
        samples: if language { "windows of text".into() } else { study.train.samples().to_string() },
        language,
        training_samples: study.train.len() as u64,
        held_out_samples: study.test.len() as u64,
        seed: space.seed,
        device: study.outline.backend.device.to_string(),
        rounding: space.quantizer.rounding.name().into(),
        group_size: space.quantizer.group_size,
        layers: scheme.layers.iter().map(layer).collect(),
        groups: scheme.groups.clone(),
        plans: space.plans.iter().map(|plan| plan.name.clone()).collect(),
        uniforms: scheme.bases().iter().map(uniform).collect(),
        float_cost: scheme.float_cost(),
        copied_parameters: study.outline.copied,
        float_epochs: (!given).then_some(training.fp32.epochs as u64),
        multi_precision_epochs: training.multi_precision.recipe.epochs as u64,
        mixed_precision: SamplingFacts {
            epochs: training.mixed_precision.recipe.epochs as u64,
            strategy: strategy(training.mixed_precision.sampling, training.mixed_precision.kappa),
            sigma: training.mixed_precision.sigma,
            warmup: training.mixed_precision.warmup_epochs as u64,
        },
        inputs,
        notes: notes.clone(),
    })
}

fn candidate_facts(layer: &LayerScheme, candidate: crate::space::Candidate) -> CandidateFacts {
    let (bitops, weight_bytes) = layer.cost_at(candidate);
    CandidateFacts { candidate, bitops, weight_bytes }
}
