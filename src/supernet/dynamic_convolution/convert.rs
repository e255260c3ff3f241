//! The network that training has found: every dynamic convolution becomes the convolution in groups that its gates chose,
//! between two orders of the channels where the groups are not runs of neighbours ([`super::grouped`]).
//!
//! The authors' code evaluates the first group's convolution alone and leaves the other channels as they are, which is not
//! the function that was trained; here the outputs stay equal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::exec::host;
use crate::graph::{Graph, Regrouping};
use crate::supernet::Parameters;
use crate::supernet::dynamic_convolution::DynamicConvolutions;
use crate::supernet::dynamic_convolution::grouped::grouped;

/// What a layer learnt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LearntSplit {
    /// Its name.
    pub name: String,
    /// Channels in and out.
    pub channels: usize,
    /// `d`, the groups.
    pub split: usize,
    /// Whether the groups are runs of neighbouring channels.
    pub in_order: bool,
}

/// A network without gates.
#[derive(Debug, Clone)]
pub struct Converted {
    /// What it computes.
    pub graph: Graph,
    /// Its FP32 parameters.
    pub parameters: Parameters,
    /// Its partial convolutions.
    pub splits: Vec<LearntSplit>,
}

impl DynamicConvolutions {
    /// The network of `graph` and its trained parameters with convolutions in groups: the same outputs.
    ///
    /// # Errors
    /// When a parameter is missing.
    pub fn convert(&self, graph: &Graph, trained: &Parameters) -> Result<Converted> {
        let mut parameters = Parameters::default();
        for parameter in graph.parameters() {
            parameters.insert(&parameter.name, trained.get(&parameter.name)?.clone());
        }
        let (mut regroupings, mut splits) = (BTreeMap::new(), Vec::new());
        for layer in &self.layers {
            let name = format!("{}.weight", layer.name);
            let mask = layer.mask(trained)?;
            let found = grouped(&mask, &host::read::<f32>(trained.get(&name)?)?)?;
            let mut shape = layer.shape.clone();
            if let Some(inputs) = shape.get_mut(1) {
                *inputs /= found.groups;
            }
            let (channels, in_order) = (mask.channels(), found.is_in_order());
            splits.push(LearntSplit { name: layer.name.clone(), channels, split: found.groups, in_order });
            parameters.set(name, found.weight, &shape)?;
            let order = (!in_order).then_some(found.order);
            regroupings.insert(layer.name.clone(), Regrouping { groups: found.groups, order });
        }
        Ok(Converted { graph: graph.regrouped(&regroupings)?, parameters, splits })
    }
}
