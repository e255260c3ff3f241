#!/usr/bin/env python3
"""Runs an exported plan in qonnx, compares its outputs with those of `bitplan forward`, and its counts with the plan's.

    qonnx.py --model MODEL --plan WEIGHTS (--images FOLDER | --input ARRAYS) [--bitplan PROGRAM]

WEIGHTS is a file of packed weights in the folder of its run, beside its plan, and MODEL what the plan was made from. qonnx runs
the exported model node by node, slowly. `qonnx-inference-cost` counts the bit operations and the bits of the weights from the
graph, which have to be those of the plan. Makes a Python environment (0.4 GB) in --work. Exit code 1: a row of the table is
beyond its limit.
"""

import ast
import json
import subprocess

from exported import description, export, in_environment
from network_outputs import Outputs, forward, in_batches, network_arguments, samples

# onnx 1.23 would let qonnx make models of a version that ONNX Runtime refuses; qonnx-exec needs tqdm without saying so.
NEEDED = {"qonnx": "1.0.0", "onnx": "1.21.0", "onnxruntime": "1.31.1", "tqdm": "4.70.1"}
COUNT, BATCH = 200, 20


def with_batch(model, batch):
    """The model with a fixed number of samples: qonnx infers no shapes with a free one."""
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_value = batch
    return model


def runner(path):
    """A function that runs the file; qonnx infers the shapes for each number of samples."""
    import onnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    models = {}

    def run(feed):
        batch = len(next(iter(feed.values())))
        if batch not in models:
            models[batch] = ModelWrapper(with_batch(onnx.load(path), batch)).transform(InferShapes())
        return execute_onnx(models[batch], feed)

    return run


def costs(path, work):
    """The tool's counts, without discount for weights that are zero."""
    import onnx

    single = work / "single.onnx"
    onnx.save(with_batch(onnx.load(path), 1), single)
    command = ["qonnx-inference-cost", str(single), "--discount-sparsity=False"]
    text = subprocess.run(command, check=True, capture_output=True, text=True, cwd=work).stdout
    return ast.literal_eval(text[text.index("{") :])["total_cost"]


def main():
    given = network_arguments(__doc__, "qonnx", COUNT)
    in_environment(given.work, NEEDED)
    path = export(given.bitplan, given.plan, "qonnx", given.work / "exported") / "model.onnx"
    feed, labels = samples(given)
    table = Outputs(given.plan)
    table.outputs("node by node", in_batches(runner(path), feed, BATCH), forward(given, feed), labels)
    name = given.plan.name.replace("weights", "plan").replace(".safetensors", ".json")
    plan = json.loads((given.plan.parent / name).read_text())
    found = costs(path, given.work)
    bit_ops = sum(layer["cost"]["bitops"] for layer in plan["layers"])
    table.row("bit operations", int(found["total_bops"]), int(bit_ops), found["total_bops"] == bit_ops)
    wanted = sum(int(layer["weight_bits"]) * parameters for layer, parameters in zip(plan["layers"], weights(given.plan)))
    table.row("bits of weights", int(found["total_mem_w_bits"]), wanted, found["total_mem_w_bits"] == wanted)
    table.end()


def weights(plan):
    """Weights of each layer, from the network in the file."""
    found = description(plan)
    nodes = {node["name"]: node["op"] for node in found["network"]["nodes"]}
    for layer in found["layers"]:
        op = nodes[layer["name"]]
        if "conv2d" in op:
            conv = op["conv2d"]
            yield conv["out_channels"] * conv["in_channels"] // conv["groups"] * conv["kernel"][0] * conv["kernel"][1]
        else:
            yield op["linear"]["inputs"] * op["linear"]["outputs"]


if __name__ == "__main__":
    main()
