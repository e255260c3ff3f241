//! What tensors are called in llama.cpp, and the order of rows there.

/// Modules of a block, ours and theirs.
const BLOCK: [(&str, &str); 11] = [
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("self_attn.o_proj", "attn_output"),
    ("post_attention_layernorm", "ffn_norm"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
];

/// Modules outside of blocks.
const OUTSIDE: [(&str, &str); 3] =
    [("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")];

/// The name of a parameter there, `blk.0.attn_q.weight` for `model.layers.0.self_attn.q_proj.weight`; none for others.
pub(super) fn tensor_name(parameter: &str) -> Option<String> {
    let (module, what) = parameter.rsplit_once('.')?;
    let among = |names: &[(&str, &'static str)], name: &str| names.iter().find(|n| n.0 == name).map(|n| n.1);
    let theirs = match module.strip_prefix("model.layers.") {
        Some(inside) => {
            let (number, module) = inside.split_once('.')?;
            format!("blk.{number}.{}", among(&BLOCK, module)?)
        }
        None => among(&OUTSIDE, module)?.to_string(),
    };
    matches!(what, "weight" | "bias").then(|| format!("{theirs}.{what}"))
}

/// For queries and keys of Llama: which row of ours stands at each place there. Ours has the coordinates that are rotated
/// together half a head apart, as `transformers` does; theirs side by side. Row `2 i + j` of a head is our `j d/2 + i`.
pub(super) fn rotated_rows(rows: usize, heads: usize) -> Vec<usize> {
    let half = rows / heads.max(1) / 2;
    let head = |h: usize| (0..half).flat_map(move |i| [0, 1].map(|j| (2 * h + j) * half + i));
    (0..heads).flat_map(head).collect()
}

/// Rows of `width` elements in another order.
pub(super) fn reorder<T: Copy>(values: &[T], width: usize, order: &[usize]) -> Vec<T> {
    let row = |&row: &usize| values.get(row * width..(row + 1) * width).unwrap_or_default();
    order.iter().flat_map(row).copied().collect()
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
