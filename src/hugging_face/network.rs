//! A network of a folder: its graph, where the parameters of the graph stand in the files, and what no file has.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::graph::{Graph, Parameter};
use crate::hugging_face::tensors::MappedTensors;

/// Numbers that follow from the configuration, with their shape.
pub type Constant = (Vec<usize>, Vec<f32>);

/// What a configuration makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The operators.
    pub graph: Graph,
    /// Parameters of the graph whose tensor has another name, with that name.
    pub renamed: BTreeMap<String, String>,
    /// Parameters of the graph that no file has.
    pub constants: BTreeMap<String, Constant>,
    /// What may stand before every name of a file, or be missing there, such as `model.`.
    pub base: &'static str,
}

impl Network {
    /// The tensor of every parameter that the files have.
    ///
    /// A tensor is looked for under its own name, with [`Self::base`] before it or taken away, and under the names that
    /// norms had in the first checkpoints of BERT, `gamma` and `beta`.
    ///
    /// # Errors
    /// When there is none, or it has another shape.
    pub fn find(&self, tensors: &MappedTensors) -> Result<BTreeMap<String, String>> {
        let mut names = BTreeMap::new();
        for Parameter { name: parameter, shape, .. } in self.graph.parameters() {
            if self.constants.contains_key(&parameter) {
                continue;
            }
            // A head that is stored is used, whatever the configuration says of tying; so transformers does.
            let stored = self.spellings(&parameter).iter().any(|name| tensors.shape(name).is_some());
            let expected = self.renamed.get(&parameter).filter(|_| !stored).unwrap_or(&parameter);
            let name = self.spellings(expected).into_iter().find(|name| tensors.shape(name).is_some());
            let name = name.unwrap_or_else(|| expected.clone());
            match tensors.shape(&name) {
                Some(found) if found == shape => names.insert(parameter, name),
                found => {
                    let found = found.map_or("no such tensor".into(), |found| format!("the shape {found:?}"));
                    let remedy = "check that config.json and the tensors are of the same model";
                    return Err(Error::input(tensors.place(&name), found, format!("the shape {shape:?}"), remedy));
                }
            };
        }
        Ok(names)
    }

    /// Refuses files with tensors inside modules of the graph that it does not use: biases, or norms of queries, of another
    /// architecture than the configuration says.
    ///
    /// # Errors
    /// When there is one.
    pub fn refuse_dropped(&self, tensors: &MappedTensors, unused: &[String]) -> Result<()> {
        let inside = |name: &str| {
            let bare = name.strip_prefix(self.base).unwrap_or(name);
            let module = bare.rsplit_once('.')?.0;
            let parent = format!("{}.", module.rsplit_once('.').map_or(module, |(parent, _)| parent));
            // Parts of one layer: its number is in front of them.
            let numbered = parent.split('.').any(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
            let bare_node = |node: &str| node.strip_prefix(self.base).unwrap_or(node).to_string();
            let mut nodes = self.graph.nodes().iter().map(|node| bare_node(&node.name));
            nodes.find(|node| node == module || (numbered && node.starts_with(&parent)))
        };
        match unused.iter().find_map(|name| inside(name).map(|node| (name, node))) {
            None => Ok(()),
            Some((name, node)) => {
                let found = format!("a tensor that the architecture of config.json does not use, beside `{node}`");
                let remedy = "check `architectures` and `model_type` in config.json";
                Err(Error::input(tensors.place(name), found, "tensors of this architecture", remedy))
            }
        }
    }

    /// Names under which a tensor may stand.
    fn spellings(&self, name: &str) -> Vec<String> {
        let other = match name.strip_prefix(self.base) {
            Some(bare) => bare.to_string(),
            None => format!("{}{name}", self.base),
        };
        let old = |name: &str| {
            let weight = name.strip_suffix("LayerNorm.weight").map(|start| format!("{start}LayerNorm.gamma"));
            weight.or_else(|| name.strip_suffix("LayerNorm.bias").map(|start| format!("{start}LayerNorm.beta")))
        };
        let old = [old(name), old(&other)].into_iter().flatten();
        [name.to_string(), other.clone()].into_iter().chain(old).collect()
    }
}

/// Ends of names of tensors that a file may have and no network here uses: tables that are computed anew.
const IDLE: [&str; 2] = [".rotary_emb.inv_freq", "embeddings.position_ids"];

/// Parts of names of heads that encoders are trained with.
const HEADS: [&str; 6] = ["pooler.", "cls.", "lm_head.", "vocab_transform.", "vocab_layer_norm.", "vocab_projector."];

/// Tensors of the files that the network does not use, but for those that never matter.
pub(super) fn unused(tensors: &MappedTensors, names: &BTreeMap<String, String>) -> Vec<String> {
    let used: BTreeSet<&str> = names.values().map(String::as_str).collect();
    let head = |name: &str| HEADS.iter().any(|head| name.starts_with(head) || name.contains(&format!(".{head}")));
    let idle = |name: &&str| !used.contains(name) && !IDLE.iter().any(|end| name.ends_with(end)) && !head(name);
    tensors.names().filter(idle).map(str::to_string).collect()
}

#[cfg(test)]
#[path = "network_tests.rs"]
mod tests;
