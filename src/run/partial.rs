//! Networks whose convolutions learn in how many groups they work: they are trained first, and the network that was found
//! takes their place in the outline, its weights given. Everything behind, from budgets to packed weights, knows that one only.

use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::exec::Network;
use crate::model::{Model, network_file};
use crate::progress::{Observer, Stage};
use crate::run::pipeline::key;
use crate::run::{Outline, Pipeline, Study, Workspace};
use crate::store::write_json;
use crate::supernet::dynamic_convolution::{Converted, DynamicConvolutions, LearntSplit, Steering};
use crate::supernet::{initial_float, train_dynamic};

/// Name of the stage, and of the trained parameters with their gates.
const STAGE: &str = "partial";

/// The network that was found, as a file that `model.file` can name.
const NETWORK: &str = "network.safetensors";

#[derive(Serialize)]
struct Splits<'a> {
    format: &'static str,
    layers: &'a [LearntSplit],
    /// Weights of these layers, with all channels in one group and as found.
    weights: [usize; 2],
}

/// The outline with the network that is quantised: the given one, unless its convolutions learn their groups. Then these
/// are trained in `folder`, or found there.
///
/// # Errors
/// When training fails or is stopped, or a file cannot be written.
pub fn settle(outline: Outline, folder: &Path, space_file: &Path, observer: &mut dyn Observer) -> Result<Outline> {
    if outline.start.dynamic().is_none() {
        return Ok(outline);
    }
    let study = Study::open(outline)?;
    let mut workspace = Workspace::open(folder)?;
    workspace.remember_space(space_file)?;
    Pipeline::new(&study, &mut workspace, observer).partial()?;
    settled(study.outline, folder)
}

/// The same without training: what stands in `folder`.
///
/// # Errors
/// When the network has not been found yet.
pub fn settled(outline: Outline, folder: &Path) -> Result<Outline> {
    if outline.start.dynamic().is_none() {
        return Ok(outline);
    }
    let model = Model::read(&folder.join(NETWORK), &Default::default())?;
    Ok(Outline::of(outline.space, model)?.on(outline.backend))
}

impl Pipeline<'_> {
    /// Trains the network with its gates; writes the network that they chose and the splits.
    fn partial(&mut self) -> Result<()> {
        let outline = &self.study.outline;
        let built_in = match outline.start.dynamic() {
            Some(built_in) => built_in,
            None => return Err(Error::Internal("no dynamic convolutions".into())),
        };
        let (network, space) = (outline.net.network(), &outline.space);
        let dynamic = DynamicConvolutions::new(network, &built_in.dynamic, Steering::default())?;
        let data = (&self.study.data_hashes[0], &self.study.normalization, self.study.augmentation());
        let (recipe, device) = (&space.training.fp32, outline.backend.device);
        let key = key(STAGE, &(network.graph(), &built_in.dynamic, recipe, space.seed, data, device))?;
        self.stage(STAGE, &key, |p| {
            let mut initial = initial_float(built_in, space.seed)?;
            dynamic.add_gates(&mut initial)?;
            let mut files = p.train(STAGE, &key, initial, |session, state, observer| {
                train_dynamic(network, &dynamic, recipe, session, state, observer)
            })?;
            let converted = dynamic.convert(network.graph(), &p.parameters(STAGE)?)?;
            files.extend(p.write_converted(network, &converted)?);
            Ok(files)
        })?;
        self.drop_checkpoint(STAGE);
        Ok(())
    }

    fn write_converted(&mut self, before: &Network, converted: &Converted) -> Result<[String; 2]> {
        let mut file = network_file(&converted.graph)?;
        converted.parameters.store(&mut file, "")?;
        file.write(&self.workspace.path(NETWORK))?;
        let weights = |graph: &crate::graph::Graph| -> usize {
            let learnt = |name: &str| converted.splits.iter().any(|split| split.name == name);
            let layers = graph.layers().into_iter().filter(|layer| learnt(&layer.name));
            layers.map(|layer| layer.weight_shape.iter().product::<usize>()).sum()
        };
        let splits = Splits {
            format: "bitplan.splits/1",
            layers: &converted.splits,
            weights: [weights(before.graph()), weights(&converted.graph)],
        };
        write_json(&self.workspace.path("splits.json"), &splits)?;
        let groups: Vec<String> = converted.splits.iter().map(|split| split.split.to_string()).collect();
        self.observer.start(Stage::new("partial convolutions", 1));
        self.observer.finish(&format!("groups {}", groups.join(" ")));
        Ok([NETWORK.into(), "splits.json".into()])
    }
}
