#!/usr/bin/env python3
"""Checks `bitplan export --to mlx` with mlx-lm on the processor.

    mlx_folder.py --plan PLAN [--run FOLDER] [--rows N] [--work FOLDER] [--bitplan PROGRAM]

PLAN is of a run on the folder of a language model. mlx-lm loads the exported folder as any other; its logits, perplexity and
greedy text on the run's test text are compared with `bitplan forward` and `bitplan eval`. Makes a Python environment in FOLDER
(default target/mlx; 0.5 GB). Exit code 1: a check has failed.
"""

import argparse

import language

# mlx-cpu is the part of mlx that runs on Linux without a GPU.
NEEDED = {**language.NEEDED, "mlx": "0.32.4", "mlx-cpu": "0.32.4", "mlx-lm": "0.32.2"}
# Largest difference of logits, share of other choices, perplexity, greedy tokens: rounding of f32 in another order.
LIMITS = (2e-5, 0, 1e-5, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = language.arguments(parser, "mlx")
    language.in_environment(given.work, NEEDED)
    import mlx.core as mx
    import numpy
    from mlx_lm import load
    from mlx_lm.generate import generate_step

    case = language.Case(given, "mlx")
    model, tokenizer = load(str(case.exported))
    tokens, packed = case.windows(tokenizer._tokenizer), case.packed()
    expected = case.forward(tokens[:, :-1], packed)
    rows = [numpy.array(model(mx.array(row[None])).astype(mx.float32)) for row in tokens[:, :-1]]
    case.compare("mlx-lm", numpy.concatenate(rows), expected, tokens, LIMITS[:3])
    case.evaluation(expected, tokens)
    prompt = tokenizer.encode(language.PROMPT)
    text = prompt + [int(token) for token, _ in generate_step(mx.array(prompt), model, max_tokens=language.GREEDY)]
    case.greedy("mlx-lm", text, len(prompt), LIMITS[3], weights=packed)
    case.end(tokens, tokenizer.decode(text))


if __name__ == "__main__":
    main()
