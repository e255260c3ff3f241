#!/usr/bin/env python3
"""Loads an exported plan's recipe into NVIDIA ModelOpt, on the processor, and compares every quantiser with the plan.

    modelopt.py --plan WEIGHTS [--bitplan PROGRAM]

WEIGHTS is a file of packed weights (`weights.safetensors` of a run). ModelOpt's own loader reads the recipe; `mtq.quantize` applies it to a PyTorch model whose
modules have the names and shapes of the layers, and every quantiser then has the bits, the axis or blocks, the sign and the
range of the plan. Inputs are quantised as the plan does it, up to rounding. A recipe has no weights, so no outputs are
compared. Makes a Python environment in --work (several GB with PyTorch). Exit code 1: a row of the table is beyond its limit.
"""

import argparse
import pathlib
import warnings

from exported import Table, arguments, description, export, in_environment

# modelopt needs the last two without saying so.
NEEDED = {"torch": "2.15.0", "nvidia-modelopt": "0.47.0", "requests": "2.34.2", "huggingface-hub": "2.4.0"}


def module(torch, op):
    """The PyTorch module of a layer."""
    kind, shape = next(iter(op.items()))
    if kind == "conv2d":
        return torch.nn.Conv2d(shape["in_channels"], shape["out_channels"], shape["kernel"], groups=shape["groups"])
    if kind == "linear":
        return torch.nn.Linear(shape["inputs"], shape["outputs"])
    return torch.nn.Embedding(shape["tokens"], shape["features"])


def network(torch, layers):
    """A module tree with these layers at their dotted names."""
    root = torch.nn.Module()
    for name, op in layers.items():
        *path, last = name.split(".")
        place = root
        for part in path:
            if part not in dict(place.named_children()):
                place.add_module(part, torch.nn.Module())
            place = place.get_submodule(part)
        place.add_module(last, module(torch, op))
    return root


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", required=True, type=pathlib.Path, help="packed weights of a plan (weights.safetensors)")
    given = arguments(parser, "consumers/modelopt")
    in_environment(given.work, NEEDED)
    warnings.simplefilter("ignore")
    import modelopt.torch.quantization as mtq
    import torch
    from modelopt.recipe import load_recipe
    from safetensors.torch import load_file

    folder = export(given.bitplan, given.plan, "modelopt", given.work / "exported")
    recipe = load_recipe(folder / "modelopt.yaml").quantize.model_dump()
    plan, arrays = description(given.plan), load_file(given.plan)
    ops = {node["name"]: node["op"] for node in plan["network"]["nodes"]}
    chosen = {layer["name"]: layer["candidate"] for layer in plan["layers"]}
    model = mtq.quantize(network(torch, {name: ops[name] for name in chosen}), recipe, forward_loop=lambda model: None)
    wrong_bits, wrong_ranges, largest = [], [], 0.0
    for name, candidate in chosen.items():
        layer = model.get_submodule(name)
        weight_bits, activation_bits = (int(b) for b in candidate[1:].split("a")) if candidate != "fp32" else (32, 32)
        weight, read = layer.weight_quantizer, getattr(layer, "input_quantizer", None)
        if weight.is_enabled != (weight_bits < 32) or weight.is_enabled and weight.num_bits != weight_bits:
            wrong_bits.append(name)
        scale = arrays.get(f"{name}.activation_scale")
        if scale is None:
            wrong_ranges += [name] if read is not None and read.is_enabled else []
            continue
        low, high = (0, 2**activation_bits - 1) if read._unsigned else (-(2 ** (activation_bits - 1)), 2 ** (activation_bits - 1) - 1)
        inputs = torch.arange(low - 3 if low else 0, high + 3, 0.25) * scale
        ours = (inputs / scale).clamp(low, high).round() * scale
        # A quarter beside a tie: the scale of ModelOpt is the range divided and multiplied again.
        beside = ((inputs / scale) % 1 - 0.5).abs() > 0.1
        distance = ((read(inputs) - ours).abs() / scale)[beside].max().item()
        largest = max(largest, distance)
        wrong_ranges += [name] if not read.is_enabled or read.num_bits != activation_bits or distance > 1e-4 else []
    table = Table()
    table.row(f"layers with other weight bits, of {len(chosen)}", len(wrong_bits), 0, not wrong_bits)
    table.row("layers with other input quantisers", len(wrong_ranges), 0, not wrong_ranges)
    table.row("largest difference of a quantised input, in steps", f"{largest:.2g}", "1e-4", largest <= 1e-4)
    table.end()


if __name__ == "__main__":
    main()
