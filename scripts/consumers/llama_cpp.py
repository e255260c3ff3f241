#!/usr/bin/env python3
"""Checks `bitplan export --to gguf` in llama.cpp (through node-llama-cpp) and in gguf-py.

    llama_cpp.py --plan PLAN [--run FOLDER] [--rows N] [--work FOLDER] [--bitplan PROGRAM]

PLAN is of a run on the folder of a language model: of ggml types (`bitplan plan --for gguf`), or of bit-widths that have one.

* gguf-py reads the tensors, and llama.cpp's quantiser gives them their types by `tensor-types.txt`;
* blocks of a plan of ggml types lose about as much as those of llama.cpp's own quantisers;
* the same tensors, as floats in a Hugging Face folder, are run by `bitplan forward`: what the file means;
* llama.cpp's tokens of texts are those of transformers; its logits, greedy tokens and perplexity are compared with that.

llama.cpp keeps keys and values in 16 bits, and rounds the inputs of quantised matrices to 8 bits: hence the limits. Makes a
Python environment with pinned packages in FOLDER (default target/llama_cpp; 0.3 GB) and installs node-llama-cpp with npm
there (80 MB); needs node 20 and Linux on x86-64. Exit code 1: a check has failed.
"""

import argparse

import language

NEEDED = {**language.NEEDED, "safetensors": "0.8.0", "gguf": "0.19.0"}
FLOAT_TYPES = ("F32", "F16", "BF16")
TEXTS = ["Once upon a time", " hello  world\n\nA", "Zoë's naïve 日本語 🦙", "1,234.5 <s> it's\tTAB"]
# Largest difference of logits, share of other choices, perplexity: 16-bit keys and values; with 8-bit inputs of the matrices.
FLOATS, INTEGERS = (2e-3, 0.002, 1e-3), (5e-2, 0.03, 2e-2)
# The same for the file against the plan's codes: scales in half precision.
HALF_SCALES = (2e-3, 0.005, 1e-3)
# ‖Q(W) − W‖² relative to that of llama.cpp's quantiser of the type, both without importances of weights.
LOSS = 1.06


def types(case, llama, matrices):
    """The types that llama.cpp's quantiser gives tensors by `tensor-types.txt`, against those that they have."""
    import gguf

    file, again = case.exported / "tensor-types.txt", case.work / "again.gguf"
    if not file.exists():
        case.exactly("quantised tensors, without tensor-types.txt", len(quantised(matrices)), 0)
        return
    llama.quantize_file(case.exported / "model.gguf", file, again)
    found = {t.name: t.tensor_type for t in gguf.GGUFReader(again).tensors}
    right = sum(found[t.name] == t.tensor_type for t in matrices)
    case.exactly("tensors with their type by tensor-types.txt", right, len(matrices))


def quantised(matrices):
    """Those of a quantised type."""
    return [t for t in matrices if t.tensor_type.name not in FLOAT_TYPES]


def losses(case, llama, matrices, floats):
    """What each type loses, against llama.cpp's quantiser."""
    import gguf_folder
    import numpy

    given, sums = gguf_folder.read(case.folder), {}
    for tensor in matrices:
        weights = given[tensor.name]
        ours, theirs = sums.setdefault(tensor.tensor_type, [0.0, 0.0])
        own = llama.quantize(weights, tensor.tensor_type)
        loss = [float(((v.astype(numpy.float64) - weights) ** 2).sum()) for v in (floats[tensor.name], own)]
        sums[tensor.tensor_type] = [ours + loss[0], theirs + loss[1]]
    for kind, (ours, theirs) in sorted(sums.items()):
        ratio = ours / theirs if theirs else 1.0 + ours
        case.table.row(f"loss in {kind.name.lower()} to llama.cpp's", f"{ratio:.4f}", LOSS, ratio <= LOSS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = language.arguments(parser, "llama_cpp")
    language.in_environment(given.work, NEEDED)
    import gguf
    import gguf_folder
    import numpy
    from llama_cpp_program import LlamaCpp
    from transformers import AutoTokenizer

    case, llama = language.Case(given, "gguf"), LlamaCpp(given.work)
    tensors = gguf.GGUFReader(case.exported / "model.gguf").tensors
    floats = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).astype(numpy.float32) for t in tensors}
    matrices = [t for t in tensors if len(t.shape) > 1]
    types(case, llama, matrices)
    of_types = not any(layer["candidate"].startswith("w") for layer in case.layers)
    if of_types:
        losses(case, llama, matrices, floats)
    meant = case.work / "meant"
    gguf_folder.write(case.folder, meant, floats)
    tokenizer = AutoTokenizer.from_pretrained(case.folder)
    tokens, prompt = case.windows(tokenizer), tokenizer(language.PROMPT).input_ids
    expected = case.forward(tokens[:, :-1], folder=meant)
    if not of_types:
        codes = case.forward(tokens[:, :-1], case.packed())
        case.compare("gguf-py's tensors", expected, codes, tokens, HALF_SCALES)
        case.evaluation(codes, tokens)
    answer, found = llama.run(case.exported / "model.gguf", prompt, language.GREEDY, TEXTS, tokens[:, :-1].tolist())
    same = sum(tokenizer(text).input_ids == ids for text, ids in zip(TEXTS, answer["tokens"]))
    case.exactly("texts with transformers' tokens", same, len(TEXTS))
    limits = INTEGERS if quantised(matrices) else FLOATS
    case.compare("llama.cpp", found.reshape(expected.shape), expected, tokens, limits)
    # A tie that falls the other way changes the text from there on, but each token is judged with those before it.
    other = round(language.GREEDY * 2 * limits[1])
    case.greedy("llama.cpp", prompt + answer["greedy"], len(prompt), other, folder=meant)
    case.end(tokens, language.PROMPT + answer["text"])


if __name__ == "__main__":
    main()
