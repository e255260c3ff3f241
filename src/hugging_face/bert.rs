//! The graph of BERT and its relatives for a fixed number of positions: one text without padding, every token of type 0.
//!
//! ```text
//! x ← norm(words[tokens] + positions[0 …] + types[0])
//! x ← norm(x + O attention(Q x, K x, V x))        in every block
//! x ← norm(x + W₂ φ(W₁ x))
//! ```
//!
//! Nodes with parameters have the names of the checkpoint's modules; the tables of positions and of types are constants.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::graph::{AxisMap, Graph, GraphBuilder, NodeId, Port};
use crate::hugging_face::bert_config::{Bert, EncoderFamily};
use crate::hugging_face::network::Network;

/// Names of the modules of a block, after the block's.
struct Names {
    layers: &'static str,
    attention: &'static str,
    query: &'static str,
    key: &'static str,
    value: &'static str,
    output: &'static str,
    output_norm: &'static str,
    inner: &'static str,
    outer: &'static str,
    outer_norm: &'static str,
}

const USUAL: Names = Names {
    layers: "encoder.layer",
    attention: "attention",
    query: "attention.self.query",
    key: "attention.self.key",
    value: "attention.self.value",
    output: "attention.output.dense",
    output_norm: "attention.output.LayerNorm",
    inner: "intermediate.dense",
    outer: "output.dense",
    outer_norm: "output.LayerNorm",
};

const DISTILBERT: Names = Names {
    layers: "transformer.layer",
    attention: "attention",
    query: "attention.q_lin",
    key: "attention.k_lin",
    value: "attention.v_lin",
    output: "attention.out_lin",
    output_norm: "sa_layer_norm",
    inner: "ffn.lin1",
    outer: "ffn.lin2",
    outer_norm: "output_layer_norm",
};

impl Bert {
    /// The operators on `[positions]` token numbers, input `tokens`; output `last_hidden_state` `[positions, hidden]`.
    ///
    /// # Errors
    /// When a size is out of range.
    pub fn graph(&self, positions: usize) -> Result<Graph> {
        let tokens = Port { whole: true, ..Port::new("tokens", &[positions]) };
        let (mut b, inputs) = GraphBuilder::with_inputs("bert", &[tokens])?;
        let names = if self.family == EncoderFamily::DistilBert { &DISTILBERT } else { &USUAL };
        let mut x = self.embeddings(&mut b, inputs[0], positions)?;
        for layer in 0..self.layers {
            x = self.block(&mut b, &format!("{}{}.{layer}", self.prefix, names.layers), names, x)?;
        }
        b.finish_with(vec![(Port::new("last_hidden_state", &[positions, self.hidden]), x)])
    }

    /// The graph and where its parameters come from.
    pub(super) fn network(&self, positions: usize) -> Result<Network> {
        let tables = self.tables().into_iter();
        let renamed = tables.map(|(name, _)| (format!("{name}.value"), format!("{name}.weight"))).collect();
        let base = match self.family {
            EncoderFamily::Bert => "bert.",
            EncoderFamily::Roberta => "roberta.",
            EncoderFamily::DistilBert => "distilbert.",
        };
        Ok(Network { graph: self.graph(positions)?, renamed, constants: BTreeMap::new(), base })
    }

    /// Tables that are not looked up by token: names and rows.
    fn tables(&self) -> Vec<(String, usize)> {
        let name = |what: &str| format!("{}embeddings.{what}_embeddings", self.prefix);
        let types = self.token_types.map(|rows| (name("token_type"), rows));
        [(name("position"), self.position_rows)].into_iter().chain(types).collect()
    }

    fn embeddings(&self, b: &mut GraphBuilder, tokens: NodeId, positions: usize) -> Result<NodeId> {
        let name = format!("{}embeddings", self.prefix);
        let mut x = b.embedding(&format!("{name}.word_embeddings"), tokens, self.vocabulary, self.hidden)?;
        for ((table, rows), first) in self.tables().into_iter().zip([Some(self.first_position), None]) {
            let all = b.constant(&table, &[rows, self.hidden])?;
            // Every position has its row; every token has the first type's.
            let indices = (0..positions).map(|position| first.map_or(0, |first| first + position)).collect();
            let rows = b.along(&format!("{table}.rows"), all, 0, AxisMap::Gather { indices })?;
            x = b.add(&format!("{table}.sum"), x, rows)?;
        }
        b.layer_norm_with(&format!("{name}.LayerNorm"), x, self.epsilon)
    }

    fn block(&self, b: &mut GraphBuilder, name: &str, names: &Names, x: NodeId) -> Result<NodeId> {
        let at = |module: &str| format!("{name}.{module}");
        let query = b.linear(&at(names.query), x, self.hidden)?;
        let key = b.linear(&at(names.key), x, self.hidden)?;
        let value = b.linear(&at(names.value), x, self.hidden)?;
        let mixed = b.attention(&at(names.attention), [query, key, value], self.heads, false)?;
        let attended = b.linear(&at(names.output), mixed, self.hidden)?;
        let sum = b.add(&at("attention.sum"), attended, x)?;
        let x = b.layer_norm_with(&at(names.output_norm), sum, self.epsilon)?;
        let inner = b.linear(&at(names.inner), x, self.intermediate)?;
        let inner = self.activation.node(b, &at("act"), inner)?;
        let outer = b.linear(&at(names.outer), inner, self.hidden)?;
        let sum = b.add(&at("sum"), outer, x)?;
        b.layer_norm_with(&at(names.outer_norm), sum, self.epsilon)
    }
}
