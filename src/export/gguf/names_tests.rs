//! Tests of names and of the order of rows.

use super::*;

#[test]
fn names_are_those_of_llama_cpp() {
    let known = [
        ("model.embed_tokens.weight", "token_embd.weight"),
        ("model.layers.0.self_attn.q_proj.weight", "blk.0.attn_q.weight"),
        ("model.layers.11.self_attn.k_proj.bias", "blk.11.attn_k.bias"),
        ("model.layers.3.self_attn.q_norm.weight", "blk.3.attn_q_norm.weight"),
        ("model.layers.3.post_attention_layernorm.weight", "blk.3.ffn_norm.weight"),
        ("model.layers.3.mlp.down_proj.weight", "blk.3.ffn_down.weight"),
        ("model.norm.weight", "output_norm.weight"),
        ("lm_head.weight", "output.weight"),
    ];
    for (ours, theirs) in known {
        assert_eq!(tensor_name(ours).as_deref(), Some(theirs));
    }
    for other in ["conv1.weight", "model.layers.0.weight", "model.rotary.cos.value", "model.layers.x", ""] {
        assert_eq!(tensor_name(other), None, "{other}");
    }
}

#[test]
fn rows_that_rotate_together_become_neighbours() {
    // numpy: arange(12).reshape(2, 2, 3).swapaxes(1, 2).ravel()
    assert_eq!(rotated_rows(12, 2), [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
    assert_eq!(reorder(&[10, 11, 20, 21, 30, 31, 40, 41], 2, &rotated_rows(4, 1)), [10, 11, 30, 31, 20, 21, 40, 41]);
}
