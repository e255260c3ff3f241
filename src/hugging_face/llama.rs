//! The graph of Llama and its relatives for a fixed number of positions.
//!
//! ```text
//! x ← table[tokens]
//! x ← x + O · attention(rotate(Q n), rotate(K n), V n)      n = norm(x), in every block
//! x ← x + D (φ(G n) ⊙ U n)
//! logits = H norm(x)
//! ```
//!
//! Nodes with parameters have the names of the checkpoint's modules.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::graph::{AxisMap, Graph, GraphBuilder, NodeId, Port};
use crate::hugging_face::config::Nonlinearity;
use crate::hugging_face::llama_config::{DecoderFamily, Llama};
use crate::hugging_face::network::Network;

/// Nodes of the rotation's tables, for each head of the queries and each of the keys.
struct Rotation {
    queries: [NodeId; 2],
    keys: [NodeId; 2],
}

impl Llama {
    /// The operators on `[positions]` token numbers, input `tokens`; output `logits` `[positions, vocabulary]`, or
    /// `last_hidden_state` `[positions, hidden]`.
    ///
    /// # Errors
    /// When a size is out of range.
    pub fn graph(&self, positions: usize) -> Result<Graph> {
        let tokens = Port { whole: true, ..Port::new("tokens", &[positions]) };
        let (mut b, inputs) = GraphBuilder::with_inputs("llama", &[tokens])?;
        let prefix = self.prefix();
        let mut x = b.embedding(&format!("{prefix}embed_tokens"), inputs[0], self.vocabulary, self.hidden)?;
        let rotation = self.rotation(&mut b, positions)?;
        for layer in 0..self.layers {
            x = self.block(&mut b, &format!("{prefix}layers.{layer}"), x, &rotation)?;
        }
        let last = b.rms_norm_with(&format!("{prefix}norm"), x, self.epsilon)?;
        if !self.head {
            return b.finish_with(vec![(Port::new("last_hidden_state", &[positions, self.hidden]), last)]);
        }
        let logits = b.linear_with("lm_head", last, self.vocabulary, false)?;
        b.finish_with(vec![(Port::new("logits", &[positions, self.vocabulary]), logits)])
    }

    /// The graph and where its parameters come from.
    pub(super) fn network(&self, positions: usize) -> Result<Network> {
        let shape = vec![positions, 1, self.head_size];
        let names = ["cos", "sin"].map(|table| format!("{}rotary.{table}.value", self.prefix()));
        let graph = self.graph(positions)?;
        let tables = self.rope.tables(positions, self.head_size).map(|table| (shape.clone(), table));
        let table = format!("{}embed_tokens.weight", self.prefix());
        let renamed = self.tied.then(|| ("lm_head.weight".to_string(), table));
        let constants: BTreeMap<_, _> = names.into_iter().zip(tables).collect();
        Ok(Network { graph, renamed: renamed.into_iter().collect(), constants, base: "model." })
    }

    /// What stands before the names of the model inside one with a head.
    fn prefix(&self) -> &'static str {
        if self.head { "model." } else { "" }
    }

    /// The tables, once in the graph, repeated for every head.
    fn rotation(&self, b: &mut GraphBuilder, positions: usize) -> Result<Rotation> {
        let mut table = |name: &str| -> Result<[NodeId; 2]> {
            let name = format!("{}rotary.{name}", self.prefix());
            let table = b.table(&name, &[positions, 1, self.head_size])?;
            let mut repeated = |what: &str, count: usize| match count {
                1 => Ok(table),
                _ => b.along(&format!("{name}.{what}"), table, 1, AxisMap::Repeat { count }),
            };
            let queries = repeated("queries", self.heads)?;
            Ok([
                queries,
                if self.key_value_heads == self.heads { queries } else { repeated("keys", self.key_value_heads)? },
            ])
        };
        let ([cos_queries, cos_keys], [sin_queries, sin_keys]) = (table("cos")?, table("sin")?);
        Ok(Rotation { queries: [cos_queries, sin_queries], keys: [cos_keys, sin_keys] })
    }

    fn block(&self, b: &mut GraphBuilder, name: &str, x: NodeId, rotation: &Rotation) -> Result<NodeId> {
        let normed = b.rms_norm_with(&format!("{name}.input_layernorm"), x, self.epsilon)?;
        let attended = self.attention(b, &format!("{name}.self_attn"), normed, rotation)?;
        let x = b.add(&format!("{name}.self_attn.sum"), attended, x)?;
        let normed = b.rms_norm_with(&format!("{name}.post_attention_layernorm"), x, self.epsilon)?;
        let fed = self.feed_forward(b, &format!("{name}.mlp"), normed)?;
        b.add(&format!("{name}.mlp.sum"), fed, x)
    }

    fn attention(&self, b: &mut GraphBuilder, name: &str, x: NodeId, rotation: &Rotation) -> Result<NodeId> {
        let (heads, groups) = (self.heads, self.key_value_heads);
        let query = self.heads_of(b, &format!("{name}.q_proj"), x, heads)?;
        let query = self.rotated(b, &format!("{name}.q"), query, rotation.queries)?;
        let key = self.heads_of(b, &format!("{name}.k_proj"), x, groups)?;
        let key = self.rotated(b, &format!("{name}.k"), key, rotation.keys)?;
        let value = self.heads_of(b, &format!("{name}.v_proj"), x, groups)?;
        // Each head of keys and values serves as many neighbouring heads of queries.
        let indices: Vec<usize> = (0..heads).map(|head| head * groups / heads).collect();
        let mut flat = |what: &str, x: NodeId| {
            let positions = b.shape(x).first().copied().unwrap_or(0);
            let x = match b.shape(x) == [positions, heads, self.head_size] {
                true => x,
                false => {
                    b.along(&format!("{name}.{what}.shared"), x, 1, AxisMap::Gather { indices: indices.clone() })?
                }
            };
            b.reshape(&format!("{name}.{what}.flat"), x, &[positions, heads * self.head_size])
        };
        let (query, key, value) = (flat("q", query)?, flat("k", key)?, flat("v", value)?);
        let mixed = b.attention(name, [query, key, value], heads, true)?;
        b.linear_with(&format!("{name}.o_proj"), mixed, self.hidden, self.output_bias)
    }

    /// A layer's output, `[positions, heads, head size]`.
    fn heads_of(&self, b: &mut GraphBuilder, name: &str, x: NodeId, heads: usize) -> Result<NodeId> {
        let positions = b.shape(x).first().copied().unwrap_or(0);
        let x = b.linear_with(name, x, heads * self.head_size, self.query_bias)?;
        b.reshape(&format!("{name}.heads"), x, &[positions, heads, self.head_size])
    }

    /// Queries or keys at their positions, normed before in Qwen3.
    fn rotated(&self, b: &mut GraphBuilder, name: &str, x: NodeId, [cos, sin]: [NodeId; 2]) -> Result<NodeId> {
        let x = match self.family {
            DecoderFamily::Qwen3 => b.rms_norm_with(&format!("{name}_norm"), x, self.epsilon)?,
            _ => x,
        };
        let half = self.head_size / 2;
        let swap = AxisMap::Gather { indices: (half..self.head_size).chain(0..half).collect() };
        let swapped = b.along(&format!("{name}.swapped"), x, 2, swap)?;
        let straight = b.multiply(&format!("{name}.cos"), x, cos)?;
        let across = b.multiply(&format!("{name}.sin"), swapped, sin)?;
        b.add(&format!("{name}.rotated"), straight, across)
    }

    fn feed_forward(&self, b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
        let bias = self.feed_forward_bias;
        let gate = b.linear_with(&format!("{name}.gate_proj"), x, self.intermediate, bias)?;
        let gate = self.activation.node(b, &format!("{name}.act"), gate)?;
        let up = b.linear_with(&format!("{name}.up_proj"), x, self.intermediate, bias)?;
        let gated = b.multiply(&format!("{name}.gated"), gate, up)?;
        b.linear_with(&format!("{name}.down_proj"), gated, self.hidden, bias)
    }
}

impl Nonlinearity {
    /// The operator.
    pub(super) fn node(self, b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
        match self {
            Nonlinearity::Relu => b.relu(name, x),
            Nonlinearity::Smooth(activation) => b.activation(name, x, activation),
        }
    }
}
