//! Attention (operator set 23): softmax of scaled scores, times the values.

use crate::error::Result;
use crate::graph::Function;
use crate::onnx::tensor::{Data, ElementKind, Tensor};

use super::arithmetic::{Binary, combine};
use super::broadcast::expand;
use super::call::Call;
use super::context::Context;
use super::matmul::{permuted, products, swapped};
use super::value::{Constant, Dynamic, Value};

/// What hides a position: softmax gives 0.
const HIDDEN: f32 = -1e30;

/// Attention without caches, soft caps and further outputs.
pub fn attention(context: &mut Context, call: &Call) -> Result<Dynamic> {
    let cached = call.optional(4).is_some() || call.optional(5).is_some() || call.optional(6).is_some();
    if cached
        || call.node.outputs.iter().skip(1).any(|name| !name.is_empty())
        || call.node.float("softcap", 0.0)? != 0.0
    {
        return Err(call.unsupported("a cache, a soft cap or scores as an output"));
    }
    let heads =
        [call.node.int("q_num_heads", 0)?, call.node.int("kv_num_heads", 0)?, call.node.int("kv_num_heads", 0)?];
    let mut parts = Vec::with_capacity(3);
    for (index, heads) in heads.into_iter().enumerate() {
        let x = context.dynamic(call, call.input(index)?)?;
        parts.push(split(context, call, x, heads)?);
    }
    let flat = call.input(0)?.shape().len() == 3;
    let [query, key, value] = &parts[..] else { return Err(call.wrong("no values", "queries, keys and values")) };
    let &[samples, count, rows, size] = &query.shape[..] else { return Err(call.wrong("no heads", "four axes")) };
    let (key, value) = (grouped(context, call, key, count)?, grouped(context, call, value, count)?);
    let default = 1.0 / (size as f64).sqrt();
    let turned = swapped(context, &key)?;
    let mut scores: Value = products(context, call, query, &turned, call.float("scale", default)?)?.into();
    if call.node.int("is_causal", 0)? != 0 {
        let columns = key.shape.get(2).copied().unwrap_or(rows);
        let hidden = (0..rows * columns).map(|i| if i % columns > i / columns { HIDDEN } else { 0.0 }).collect();
        let mask = Tensor { shape: vec![rows, columns], data: Data::Float(hidden) };
        scores = combine(context, call, Binary::Add, &scores, &Constant::fixed(mask, None).into())?.into();
    }
    if let Some(mask) = call.optional(3) {
        scores = masked(context, call, &scores, mask)?;
    }
    let scores = context.dynamic(call, &scores)?;
    scores.keep_apart(call, [scores.rank() - 1])?;
    let node = context.function("weights", Function::Softmax { causal: false }, &[scores.node])?;
    let weights = context.like(node, &scores)?;
    let mixed = products(context, call, &weights, &value, 1.0)?;
    if !flat {
        return Ok(mixed);
    }
    let width = mixed.shape.last().copied().unwrap_or(size).saturating_mul(count);
    let joined = permuted(context, &mixed, &[0, 2, 1, 3])?;
    context.done(joined.node, &[samples, rows, width], joined.samples(), ElementKind::Float)
}

/// `[samples, positions, heads · size]` as `[samples, heads, positions, size]`.
fn split(context: &mut Context, call: &Call, x: Dynamic, heads: i64) -> Result<Dynamic> {
    x.keep_apart(call, 1..x.rank())?;
    match (&x.shape[..], usize::try_from(heads)) {
        (&[_, _, _, _], _) => Ok(x),
        (&[samples, positions, width], Ok(heads)) if heads > 0 && width.is_multiple_of(heads) => {
            let x = context.done(x.node, &[samples, positions, heads, width / heads], x.samples(), x.kind)?;
            permuted(context, &x, &[0, 2, 1, 3])
        }
        (shape, _) => Err(call.wrong(format!("{heads} heads of {shape:?}"), "heads that divide the features")),
    }
}

/// Keys or values of fewer heads, each for several heads of the queries.
fn grouped(context: &mut Context, call: &Call, x: &Dynamic, heads: usize) -> Result<Dynamic> {
    let &[samples, own, positions, size] = &x.shape[..] else { return Err(call.wrong("no heads", "four axes")) };
    if own == heads {
        return Ok(x.clone());
    }
    if own == 0 || !heads.is_multiple_of(own) {
        return Err(call.wrong(format!("{own} heads of keys for {heads} of queries"), "a divisor"));
    }
    let single = context.done(x.node, &[samples, own, 1, positions, size], x.samples(), x.kind)?;
    let shape = [samples, own, heads / own, positions, size];
    let node = expand(context, &single, &shape)?;
    context.done(node, &[samples, heads, positions, size], x.samples(), x.kind)
}

/// Scores plus a mask of floats, or `HIDDEN` where a mask of truth values is false.
fn masked(context: &mut Context, call: &Call, scores: &Value, mask: &Value) -> Result<Value> {
    if mask.kind() == ElementKind::Float {
        return Ok(combine(context, call, Binary::Add, scores, mask)?.into());
    }
    let mask = context.dynamic(call, mask)?;
    let node = context.affine("mask", mask.node, -f64::from(HIDDEN), f64::from(HIDDEN))?;
    let mask = context.done(node, &mask.shape, mask.samples(), ElementKind::Float)?;
    Ok(combine(context, call, Binary::Add, scores, &mask.into())?.into())
}
