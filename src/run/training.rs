//! The training stages: FP32, multi-precision, mixed-precision; and the integer master.

use crate::error::{Error, Result};
use crate::exec::forward;
use crate::model::Start;
use crate::run::Pipeline;
use crate::run::pipeline::key;
use crate::sampling::{Sampler, Strategy, roulette};
use crate::scheme::Scheme;
use crate::sensitivity::SensitivityReport;
use crate::space::Sampling;
use crate::supernet::{
    MasterCheckpoint, MixedPhase, Parameters, SuperNet, bind_float, given_float, initial_float, load_float,
    train_float, train_mixed_precision, train_multi_precision,
};
use crate::zoo::Values;

/// Images of the one pass that activation scales start from; more change the mean of |x| by less than a percent. Of samples
/// with several predictions so many predictions, but [`FEWEST_SCALE_SAMPLES`] at least.
const SCALE_IMAGES: usize = 256;

/// Samples of that pass that are not too alike.
const FEWEST_SCALE_SAMPLES: usize = 8;

impl Pipeline<'_> {
    /// The FP32 model, trained or loaded by name: its stage key and parameters.
    ///
    /// # Errors
    /// When training diverges, the given weights are of another model, or a file cannot be written.
    pub fn float(&mut self) -> Result<(String, Parameters)> {
        let space = &self.study.outline.space;
        let network = self.study.outline.net.network();
        let graph = crate::store::hash_json(network.graph())?;
        let data = (&self.study.data_hashes[0], &self.study.normalization, self.study.augmentation());
        if let Some(path) = self.study.float_weights() {
            let parameters = load_float(network, &path, &self.study.outline.start.tables())?;
            return Ok((key("fp32", &(graph, crate::store::hash_file(&path)?, data))?, parameters));
        }
        let built_in = match &self.study.outline.start {
            Start::Given(weights) => {
                let parameters = given_float(network, weights)?;
                return Ok((key("fp32", &(graph, parameters.content_hash()?, data))?, parameters));
            }
            start if start.dynamic().is_some() => {
                return Err(Error::Internal("dynamic convolutions are trained first".into()));
            }
            Start::Random(built_in) => built_in,
        };
        let (recipe, device) = (&space.training.fp32, self.study.outline.backend.device);
        let key = key("fp32", &(graph, recipe, space.seed, data, device))?;
        self.stage("fp32", &key, |p| {
            let initial = initial_float(built_in, space.seed)?;
            p.train("fp32", &key, initial, |session, state, observer| {
                train_float(network, recipe, session, state, observer)
            })
        })?;
        self.drop_checkpoint("fp32");
        let parameters = load_float(network, &self.workspace.path("fp32.safetensors"), &Values::new())?;
        Ok((key, parameters))
    }

    /// Activation scales from one pass of the FP32 network over some training images.
    pub(super) fn activation_scales(&self, float: &Parameters, net: &SuperNet) -> Result<Vec<Vec<f32>>> {
        let samples = SCALE_IMAGES / self.study.train.predictions_per_sample();
        let samples = samples.max(FEWEST_SCALE_SAMPLES);
        let images = self.study.train_split(samples).batches(samples)?;
        let tape = forward::<f32>(net.network(), &bind_float(net.network(), float, true)?, &images[0].0)?;
        net.initial_activation_scales(&tape)
    }

    /// The SuperNet, trained through multi-precision and mixed-precision phases; writes the integer master too.
    ///
    /// # Errors
    /// When training diverges or a file cannot be written.
    pub fn supernet(&mut self) -> Result<(String, Parameters)> {
        let (float_key, float) = self.float()?;
        let (sensitivity_key, sensitivity) = self.sensitivity()?;
        let (space, net) = (&self.study.outline.space, &self.study.outline.net);
        let recipe = &space.training.multi_precision;
        let multi_key =
            key("multi_precision", &(float_key, recipe, net.scheme(), space.seed, self.study.outline.backend.device))?;
        self.stage("multi_precision", &multi_key, |p| {
            let initial = net.initial(&float, &p.activation_scales(&float, net)?, space.training.first_scale())?;
            p.train("multi_precision", &multi_key, initial, |session, state, observer| {
                train_multi_precision(net, recipe, session, state, observer)
            })
        })?;
        self.drop_checkpoint("multi_precision");
        let recipe = &space.training.mixed_precision;
        let mixed_key = key("supernet", &(multi_key, sensitivity_key, recipe))?;
        let sampler = sampler(net.scheme(), &sensitivity, recipe.sampling, recipe.kappa);
        self.stage("supernet", &mixed_key, |p| {
            let mut initial = p.parameters("multi_precision")?;
            net.spread_norms(&mut initial)?;
            let mut files = p.train("supernet", &mixed_key, initial, |session, state, observer| {
                train_mixed_precision(net, MixedPhase { recipe, sampler: &sampler }, session, state, observer)
            })?;
            let parameters = p.parameters("supernet")?;
            let master = MasterCheckpoint::new(net, &p.study.normalization, &parameters)?;
            master.write(&p.workspace.path("master.safetensors"))?;
            files.push("master.safetensors".into());
            Ok(files)
        })?;
        self.drop_checkpoint("supernet");
        Ok((mixed_key, self.parameters("supernet")?))
    }
}

fn sampler(scheme: &Scheme, sensitivity: &SensitivityReport, sampling: Sampling, kappa: f64) -> Sampler {
    let strategy = strategy(sampling, kappa);
    let bits: Vec<Vec<u32>> =
        scheme.layers.iter().map(|l| l.candidates.iter().map(|c| u32::from(c.weight_bits())).collect()).collect();
    Sampler::new(roulette(strategy, &bits, &sensitivity.average_traces()), &scheme.groups)
}

/// Who draws the mixtures.
pub(super) fn strategy(sampling: Sampling, kappa: f64) -> Strategy {
    match sampling {
        Sampling::Hasb => Strategy::Hasb,
        Sampling::Uniform => Strategy::Uniform,
        Sampling::Tempered => Strategy::Tempered { kappa },
    }
}
