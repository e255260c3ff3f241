#!/usr/bin/env python3
"""Checks `bitplan export --to compressed-tensors` and `--to auto-round` with transformers.

    transformers.py --to FORMAT --plan PLAN [--run FOLDER] [--rows N] [--work FOLDER] [--bitplan PROGRAM]

PLAN is of a run on the folder of a language model. transformers loads the exported folder as any other; its logits, perplexity
and greedy text on the run's test text are compared with `bitplan forward` and `bitplan eval`, and compressed-tensors with the
same weights as floats in PyTorch's own layers. With auto-round transformers computes in half precision. Makes a Python
environment in FOLDER (default target/transformers; several GB). Exit code 1: a check has failed.
"""

import argparse

import language
from exported import description

NEEDED = {
    **language.NEEDED, "torch": "2.15.0", "safetensors": "0.8.0", "accelerate": "1.15.0", "compressed-tensors": "0.20.0",
    "auto-round": "0.16.1",
}  # fmt: skip
# Largest difference of logits, share of other choices, perplexity, greedy tokens: rounding of f32 in another order; the same
# with inputs in integers, where a code flips now and then; half precision.
FLOATS, INTEGERS, HALVES = (2e-5, 0, 1e-5, 0), (0.1, 0.02, 2e-3, 2), (0.01, 0.02, 2e-3, 2)


def logits(model, tokens):
    """Logits of every row."""
    import numpy
    import torch

    with torch.no_grad():
        rows = [model(torch.from_numpy(row[None])).logits.float().numpy() for row in tokens]
    return numpy.concatenate(rows)


def dequantised(folder, plan):
    """The model in PyTorch's own layers, from the packed weights: weights as floats, inputs rounded where they are."""
    import numpy
    import torch
    from safetensors.numpy import load_file
    from transformers import AutoModelForCausalLM

    packed, layers = load_file(plan), description(plan)["layers"]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, tie_word_embeddings=False)
    for layer in layers:
        name, candidate = layer["name"], layer["candidate"]
        module = model.get_submodule(name)
        if candidate == "fp32":
            module.weight = torch.nn.Parameter(torch.from_numpy(packed[f"{name}.weight"]))
            continue
        bits, inputs = (int(part) for part in candidate[1:].split("a"))
        shape = tuple(module.weight.shape)
        stream = numpy.unpackbits(packed[f"{name}.codes"], bitorder="little")[: bits * module.weight.numel()]
        codes = stream.reshape(-1, bits).astype(numpy.int32) @ (1 << numpy.arange(bits))
        codes = torch.from_numpy(codes - ((codes >> (bits - 1)) << bits))
        scales = torch.from_numpy(packed[f"{name}.scale"]).reshape(-1, 1)
        module.weight = torch.nn.Parameter((codes.reshape(len(scales), -1) * scales).reshape(shape))
        if inputs < 16 and f"{name}.activation_scale" in packed:
            step, reach = float(packed[f"{name}.activation_scale"]), 1 << (inputs - 1)
            step = torch.tensor(step, dtype=torch.float32)
            module.register_forward_pre_hook(
                lambda _, x, step=step, reach=reach: (torch.clamp(torch.round(x[0] / step), -reach, reach - 1) * step,)
            )
    for name, parameter in model.named_parameters():
        if name in packed and "norm" in name:
            parameter.data = torch.from_numpy(packed[name])
    return model.eval()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", required=True, choices=["compressed-tensors", "auto-round"])
    given = language.arguments(parser, "transformers")
    language.in_environment(given.work, NEEDED)
    from transformers import AutoModelForCausalLM, AutoTokenizer

    case = language.Case(given, given.to)
    # The exported tokenizer: it has to be there.
    tokenizer = AutoTokenizer.from_pretrained(case.exported)
    tokens, packed = case.windows(tokenizer), case.packed()
    expected = case.forward(tokens[:, :-1], packed)
    model, loaded = AutoModelForCausalLM.from_pretrained(case.exported, output_loading_info=True)
    wrong = sum(len(loaded[kind]) for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    case.exactly("tensors that do not fit the model", wrong, 0)
    integers = any(not layer["candidate"].endswith("a16") and layer["candidate"] != "fp32" for layer in case.layers)
    limits = HALVES if given.to == "auto-round" else INTEGERS if integers else FLOATS
    found = logits(model.eval(), tokens[:, :-1])
    case.compare("transformers", found, expected, tokens, limits[:3])
    case.evaluation(expected, tokens)
    if given.to == "compressed-tensors":
        # The same layers of PyTorch, so the same order of sums.
        largest = abs(found - logits(dequantised(case.folder, packed), tokens[:, :-1])).max()
        case.exactly("largest difference of logits from PyTorch's layers", float(largest), 0.0)
    prompt = tokenizer(language.PROMPT, return_tensors="pt").input_ids
    text = model.generate(prompt, max_new_tokens=language.GREEDY, do_sample=False)[0].tolist()
    case.greedy("transformers", text, prompt.shape[1], limits[3], weights=packed)
    case.end(tokens, tokenizer.decode(text))


if __name__ == "__main__":
    main()
