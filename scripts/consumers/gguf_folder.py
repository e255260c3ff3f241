"""Tensors of a Llama under llama.cpp's names and under those of a Hugging Face folder.

Written after `LlamaModel.permute` and the tensor map of llama.cpp's own converter, not after ours."""

import json
import shutil

import numpy
import safetensors.numpy

BLOCK = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
OUTSIDE = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def their_name(name):
    """The name in the folder of a tensor of a GGUF file."""
    parts = name.split(".")
    if parts[0] != "blk":
        return f"{OUTSIDE[parts[0]]}.{parts[1]}"
    return f"model.layers.{parts[1]}.{BLOCK[parts[2]]}.{parts[3]}"


def heads(config, name):
    """Heads whose rows stand in another order in a GGUF file; none for other tensors."""
    count = config["num_attention_heads"]
    return {"attn_q": count, "attn_k": config.get("num_key_value_heads", count)}.get(name.split(".")[-2])


def permuted(values, count, inverse=False):
    """Rows as `permute` has them, or back."""
    if not count:
        return values
    middle = (len(values) // count // 2, 2) if inverse else (2, len(values) // count // 2)
    return numpy.ascontiguousarray(values.reshape(count, *middle, -1).swapaxes(1, 2)).reshape(values.shape)


def write(source, target, tensors):
    """A copy of a folder with the tensors of a GGUF file, as floats, in place of its own."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    config = json.loads((source / "config.json").read_text())
    tensors = {"output.weight": tensors["token_embd.weight"], **tensors}
    theirs = {their_name(name): permuted(v, heads(config, name), inverse=True) for name, v in tensors.items()}
    (target / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    shutil.copy(source / "tokenizer.json", target)
    safetensors.numpy.save_file(theirs, target / "model.safetensors")


def read(source):
    """The tensors of a folder under their names in a GGUF file, rows in the order of that."""
    config = json.loads((source / "config.json").read_text())
    given = safetensors.numpy.load_file(source / "model.safetensors")
    given.setdefault("lm_head.weight", given["model.embed_tokens.weight"])
    blocks = [f"blk.{i}.{name}.weight" for i in range(config["num_hidden_layers"]) for name in BLOCK]
    names = [f"{name}.weight" for name in OUTSIDE] + blocks
    return {name: permuted(given[their_name(name)], heads(config, name)) for name in names}
