#!/usr/bin/env python3
"""Reference traces of the pretrained ResNet-8, as one JSON document; called by ../check_traces.py.

    reference.py MODEL_FOLDER CIFAR10_BATCH IMAGES PROBES ACTIVATION_PROBES OUT
"""

import json
import math
import pathlib
import sys

import curvature
import networks
import torch

# (pixel - 128) / 128, as the network was trained.
PREPROCESSING = [128 / 255] * 3
SEED = 0
# Images in a batch: bounds the memory only.
BATCH, EXACT_BATCH = 128, 32
# Probes that share the gradient's graph.
SHARED = 10
# Layer, kind of variable and number of images (None: all) of the blocks that are computed in full.
FULL_BLOCKS = [("dense", "weight", None), ("conv2d_5", "weight", 4), ("conv2d_7", "output", 1)]


def hutchinson(model, data, probes):
    """Mean and standard error of each layer's trace."""
    shapes = [layer.weight.shape for layer in networks.layers(model).values()]
    blocks = []
    for start in range(0, probes, SHARED):
        numbers = range(start, min(start + SHARED, probes))
        vectors = [curvature.rademacher(shapes, SEED, i, torch.float32) for i in numbers]
        blocks.append(curvature.products(model, data, vectors))
        print(f"probe {numbers.stop} of {probes}", file=sys.stderr, flush=True)
    values = torch.cat(blocks)
    return values.mean(0), values.std(0) / math.sqrt(probes)


def full_blocks(model, data):
    """Traces of some blocks from their full Hessians in f64, with the Gauss-Newton ones that they must equal."""
    found = []
    for name, kind, images in FULL_BLOCKS:
        part = (data[0][:images], data[1][:images])
        with curvature.Tape(model) as tape:
            logits = model(part[0].clone().requires_grad_())
        l = list(networks.layers(model)).index(name)
        variable = tape.layers[l].weight if kind == "weight" else getattr(tape, kind)[l]
        loss = torch.nn.functional.cross_entropy(logits, part[1])
        # Small batches bound the memory of the one, a single batch is what the other needs.
        exact = curvature.gauss_newton(model, networks.batches(part, EXACT_BATCH, torch.float64))[kind][l]
        found.append({
            "layer": name, "kind": kind, "images": len(part[1]),
            "full": curvature.block_trace(loss, variable), "gauss_newton": float(exact),
        })  # fmt: skip
        print(f"full block of {name}, {kind}", file=sys.stderr, flush=True)
    return found


def main():
    """Computes everything and writes it."""
    folder, batch, images, probes, activation_probes, out = sys.argv[1:]
    model, images = networks.onnx_network(pathlib.Path(folder)), int(images)
    names, modules = zip(*networks.layers(model).items())
    data = networks.cifar10(batch, images, PREPROCESSING, PREPROCESSING)
    single = networks.batches(data, BATCH, torch.float32)
    single_exact = curvature.gauss_newton(model, networks.batches(data, EXACT_BATCH, torch.float32))
    mean, stderr = hutchinson(model, single, int(probes))
    activations = curvature.activation_products(model, single, int(activation_probes), SEED)
    model = model.double()
    exact = curvature.gauss_newton(model, networks.batches(data, EXACT_BATCH, torch.float64))
    with torch.no_grad():
        logits = model(data[0])

    def layer(l):
        return {
            "name": names[l],
            "parameters": modules[l].weight.numel(),
            "trace": {
                "exact": float(exact["weight"][l]),
                "exact_in_f32": float(single_exact["weight"][l]),
                "mean": float(mean[l]),
                "stderr": float(stderr[l]),
            },
            "empirical_fisher": float(exact["fisher"][l]),
            "activations": {
                kind: {"exact": float(exact[kind][l]), "mean": of_layer[l][0], "stderr": of_layer[l][1]}
                for kind, of_layer in activations.items()
            },
        }

    document = {
        "images": images,
        "probes": int(probes),
        "activation_probes": int(activation_probes),
        "seed": SEED,
        "loss": float(torch.nn.functional.cross_entropy(logits, data[1])),
        "accuracy": float((logits.argmax(1) == data[1]).double().mean()),
        "layers": [layer(l) for l in range(len(names))],
        "full_blocks": full_blocks(model, data),
    }
    pathlib.Path(out).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
