//! A small Llama (Touvron et al. 2023, arXiv 2302.13971): RMSNorm in front of every part, rotary positions (Su et al., arXiv
//! 2104.09864), SwiGLU (Shazeer, arXiv 2002.05202), causal attention, no biases. Names of parameters are those of Hugging
//! Face's `LlamaForCausalLM`; the head has weights of its own.
//!
//! ```text
//! rotary, on each head of d features, at position p:    y = x · cos + swap(x) · sin
//! cos_i = cos(p θ^(−2j/d)), j = i mod d/2               swap exchanges the halves
//! sin_i = −sin(p θ^(−2j/d)) in the first half, +sin in the second
//! ```
//!
//! The tables are the constants `model.rotary_emb.cos` and `.sin`, known here and in no file of weights.

use crate::error::Result;
use crate::graph::{Activation, AxisMap, GraphBuilder, NodeId};
use crate::zoo::network::{Values, ZooNetwork};
use crate::zoo::parts::normal_weights;

const EPSILON: f64 = 1e-5;

/// Base of the rotary frequencies, θ.
const ROTARY_BASE: f64 = 10_000.0;

/// Sizes of a Llama.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LlamaSize {
    /// Blocks.
    pub layers: usize,
    /// Features of a position.
    pub width: usize,
    /// Features inside the MLP.
    pub inner: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; each serves `heads / key_value_heads` heads of queries.
    pub key_value_heads: usize,
    /// Tokens.
    pub vocabulary: usize,
    /// Length of the text.
    pub positions: usize,
}

/// The zoo's small Llama: 4 layers of 128 features, 4 heads. Input: `positions` token numbers; output: `[positions,
/// vocabulary]`, the logits of the next token.
///
/// # Errors
/// When a size is out of range.
pub fn llama_small(positions: usize, vocabulary: usize) -> Result<ZooNetwork> {
    let size = LlamaSize { layers: 4, width: 128, inner: 344, heads: 4, key_value_heads: 4, vocabulary, positions };
    llama("llama_small", &size)
}

/// A Llama of any size.
///
/// # Errors
/// When the heads do not divide the width in even parts, the heads of keys not those of queries, or a size is out of range.
pub fn llama(name: &str, size: &LlamaSize) -> Result<ZooNetwork> {
    let mut b = GraphBuilder::new(name, [size.positions])?;
    let LlamaSize { width, heads, key_value_heads, .. } = *size;
    let even = heads > 0 && width.is_multiple_of(heads) && (width / heads).is_multiple_of(2);
    if !even || key_value_heads == 0 || !heads.is_multiple_of(key_value_heads) {
        let found = format!("{width} features, {heads} heads, {key_value_heads} of them for keys");
        return Err(b.wrong("model.layers.0.self_attn", found, "heads of an even width that share keys equally"));
    }
    let mut x = b.embedding("model.embed_tokens", b.input(), size.vocabulary, width)?;
    let rotary = Rotary::new(&mut b, size)?;
    for layer in 0..size.layers {
        x = block(&mut b, &format!("model.layers.{layer}"), x, size, &rotary)?;
    }
    let x = b.rms_norm_with("model.norm", x, EPSILON)?;
    b.linear_with("lm_head", x, size.vocabulary, false)?;
    let graph = b.finish();
    let initial = normal_weights(&graph);
    Ok(ZooNetwork { graph, constants: rotary_tables(size), initial, dynamic: Vec::new() })
}

/// Attention and MLP, each behind a norm and beside a shortcut.
fn block(b: &mut GraphBuilder, name: &str, x: NodeId, size: &LlamaSize, rotary: &Rotary) -> Result<NodeId> {
    let y = b.rms_norm_with(&format!("{name}.input_layernorm"), x, EPSILON)?;
    let y = attention(b, &format!("{name}.self_attn"), y, size, rotary)?;
    let x = b.add(&format!("{name}.add1"), y, x)?;
    let y = b.rms_norm_with(&format!("{name}.post_attention_layernorm"), x, EPSILON)?;
    let gate = b.linear_with(&format!("{name}.mlp.gate_proj"), y, size.inner, false)?;
    let gate = b.activation(&format!("{name}.mlp.act"), gate, Activation::Silu)?;
    let up = b.linear_with(&format!("{name}.mlp.up_proj"), y, size.inner, false)?;
    let y = b.multiply(&format!("{name}.mlp.gated"), gate, up)?;
    let y = b.linear_with(&format!("{name}.mlp.down_proj"), y, size.width, false)?;
    b.add(&format!("{name}.add2"), y, x)
}

fn attention(b: &mut GraphBuilder, name: &str, x: NodeId, size: &LlamaSize, rotary: &Rotary) -> Result<NodeId> {
    let LlamaSize { positions, width, heads, key_value_heads, .. } = *size;
    let features = width / heads;
    let mut part = |what: &str, own: usize| {
        let name = format!("{name}.{what}");
        let y = b.linear_with(&format!("{name}_proj"), x, own * features, false)?;
        let mut y = b.reshape(&format!("{name}.heads"), y, &[positions, own, features])?;
        if what != "v" {
            y = rotary.apply(b, &name, y)?;
        }
        if own < heads {
            let indices = (0..heads).map(|head| head * own / heads).collect();
            y = b.along(&format!("{name}.shared"), y, 1, AxisMap::Gather { indices })?;
        }
        b.reshape(&name, y, &[positions, width])
    };
    let parts = [part("q", heads)?, part("k", key_value_heads)?, part("v", key_value_heads)?];
    let y = b.attention(name, parts, heads, true)?;
    b.linear_with(&format!("{name}.o_proj"), y, width, false)
}

/// Nodes of the rotary tables, `[positions, 1, features]`.
struct Rotary {
    cos: NodeId,
    sin: NodeId,
}

impl Rotary {
    fn new(b: &mut GraphBuilder, size: &LlamaSize) -> Result<Self> {
        let shape = [size.positions, 1, size.width / size.heads];
        Ok(Self { cos: b.table("model.rotary_emb.cos", &shape)?, sin: b.table("model.rotary_emb.sin", &shape)? })
    }

    /// `x` `[positions, heads, features]` turned.
    fn apply(&self, b: &mut GraphBuilder, name: &str, x: NodeId) -> Result<NodeId> {
        let &[_, count, features] = b.shape(x) else {
            return Err(b.wrong(name, format!("the shape {:?}", b.shape(x)), "positions, heads and features"));
        };
        let half = features / 2;
        let indices = (half..features).chain(0..half).collect();
        let swapped = b.along(&format!("{name}.swapped"), x, 2, AxisMap::Gather { indices })?;
        let cos = b.along(&format!("{name}.cos"), self.cos, 1, AxisMap::Repeat { count })?;
        let sin = b.along(&format!("{name}.sin"), self.sin, 1, AxisMap::Repeat { count })?;
        let straight = b.multiply(&format!("{name}.straight"), x, cos)?;
        let crossed = b.multiply(&format!("{name}.crossed"), swapped, sin)?;
        b.add(&format!("{name}.rotated"), straight, crossed)
    }
}

/// Values of the rotary tables, computed in f64.
fn rotary_tables(size: &LlamaSize) -> Values {
    let features = size.width / size.heads;
    let half = features / 2;
    let table = |value: &dyn Fn(usize, f64) -> f64| {
        let row = |position: usize| {
            (0..features).map(move |i| {
                let frequency = ROTARY_BASE.powf(-2.0 * (i % half) as f64 / features as f64);
                (i, position as f64 * frequency)
            })
        };
        let values = (0..size.positions).flat_map(row).map(|(i, angle)| value(i, angle) as f32);
        (vec![size.positions, 1, features], values.collect())
    };
    let sign = |i: usize| if i < half { -1.0 } else { 1.0 };
    Values::from([
        ("model.rotary_emb.cos.value".to_string(), table(&|_, angle| angle.cos())),
        ("model.rotary_emb.sin.value".to_string(), table(&|i, angle| sign(i) * angle.sin())),
    ])
}
