"""Writes tests/golden/language_models.json: tiny models of every supported kind in transformers, and what they answer.

    python golden.py > ../../tests/golden/language_models.json

Weights follow from their names and places (`number` below; the test has the same rule), so that the file needs none.
"""

import json
import sys
from importlib.metadata import version

import torch
import transformers

DECODER = {
    "vocab_size": 23, "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "hidden_act": "silu",
    "tie_word_embeddings": False,
}  # fmt: skip
ENCODER = {
    "vocab_size": 23, "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4,
    "max_position_embeddings": 32, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu",
}  # fmt: skip
LLAMA3 = {
    "rope_theta": 100.0, "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
}  # fmt: skip
CASES = {
    "llama": ("LlamaForCausalLM", {**DECODER, "rope_parameters": {"rope_theta": 10000.0, "rope_type": "default"}}),
    "llama, tied, all heads, biases, Llama 3's rotation": ("LlamaForCausalLM", {
        **DECODER, "num_key_value_heads": 4, "tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True,
        "rope_parameters": LLAMA3, "hidden_act": "gelu"}),
    "llama without a head, one key for all, linear rotation": ("LlamaModel", {
        **DECODER, "num_key_value_heads": 1, "head_dim": 6,
        "rope_parameters": {"rope_theta": 100.0, "rope_type": "linear", "factor": 2.0}}),
    "mistral in its window": ("MistralForCausalLM", {**DECODER, "sliding_window": 8}),
    "qwen2": ("Qwen2ForCausalLM", {**DECODER, "use_sliding_window": False}),
    "qwen3": ("Qwen3ForCausalLM", {**DECODER, "head_dim": 8, "tie_word_embeddings": True}),
    "bert": ("BertModel", ENCODER),
    "bert with ReLU, for masked words": ("BertForMaskedLM", {**ENCODER, "hidden_act": "relu"}),
    "roberta": ("RobertaModel", {**ENCODER, "type_vocab_size": 1, "pad_token_id": 1, "hidden_act": "gelu_new"}),
    "distilbert": ("DistilBertModel", {
        "vocab_size": 23, "dim": 16, "hidden_dim": 20, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 32,
        "activation": "gelu"}),
}  # fmt: skip
TOKENS = [5, 2, 22, 7, 7, 19, 11]


def number(name, place):
    """Weight number `place` of tensor `name`: from -0.5 to 0.5, norms' weights around 1."""
    value = ((37 * place + 13 * sum(name.encode())) % 101 - 50) / 100
    return 1 + value if "norm" in name.lower() and name.endswith("weight") else value


def case(architecture, options):
    """The configuration as a file has it, the tensors of the file, and the answer."""
    kind = getattr(transformers, architecture)
    config = kind.config_class(**options, attn_implementation="eager")
    model = kind(config).eval()
    tied = set(getattr(model, "_tied_weights_keys", None) or ()) if config.tie_word_embeddings else set()
    shapes = {name: list(tensor.shape) for name, tensor in model.state_dict().items() if name not in tied}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name not in tied:
                values = [number(name, place) for place in range(tensor.numel())]
                tensor.copy_(torch.tensor(values, dtype=torch.float64).reshape(tensor.shape))
        if config.tie_word_embeddings:
            model.tie_weights()
        model = model.double()
        encoder = getattr(model, model.base_model_prefix) if architecture.endswith("ForMaskedLM") else model
        answer = encoder(torch.tensor([TOKENS]))
    output = answer.logits if hasattr(answer, "logits") else answer.last_hidden_state
    written = {key: value for key, value in json.loads(config.to_json_string()).items() if value is not None}
    written = {key: value for key, value in written.items() if key in {*options, "model_type", "rope_parameters"}}
    return {
        "config": {"architectures": [architecture], **written},
        "tensors": shapes,
        "output": [float(f"{value:.7g}") for value in output[0].flatten().tolist()],
    }


def main():
    """Writes the cases."""
    made = {
        "made_by": f"scripts/language/golden.py, transformers {version('transformers')}, torch {torch.__version__}, f64",
        "tokens": TOKENS,
        "cases": {name: case(*options) for name, options in CASES.items()},
    }
    json.dump(made, sys.stdout)
    print()


if __name__ == "__main__":
    main()
