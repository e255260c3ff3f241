#!/usr/bin/env python3
"""Runs an exported plan in OpenVINO and compares its outputs with those of `bitplan forward`.

    openvino.py --model MODEL --plan WEIGHTS (--images FOLDER | --input ARRAYS) [--bitplan PROGRAM]

MODEL is what the plan was made from, and WEIGHTS its packed weights (`weights.safetensors` of a run). The file is that of
`bitplan export --to onnx`. Makes a Python environment with pinned packages (0.3 GB) in --work. Exit code 1: a row of the table
is beyond its limit.
"""

from exported import export, in_environment
from network_outputs import Outputs, forward, in_batches, network_arguments, samples

NEEDED = {"openvino": "2026.4.1", "numpy": "2.4.6"}
BATCH = 100
# Without these the processor's plugin computes in bfloat16 where it can, and rounds activations to 8 bits.
EXACT = {"INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}


def runner(path):
    """A function that runs the file."""
    import numpy
    import openvino

    core = openvino.Core()
    compiled = core.compile_model(core.read_model(str(path)), "CPU", EXACT)
    types = {
        given.any_name: numpy.int64 if "i64" in str(given.element_type) else numpy.float32 for given in compiled.inputs
    }
    names = [output.any_name for output in compiled.outputs]

    def run(feed):
        results = compiled({name: array.astype(types[name]) for name, array in feed.items()})
        return {name: results[index] for index, name in enumerate(names)}

    return run


def main():
    given = network_arguments(__doc__, "openvino")
    in_environment(given.work, NEEDED)
    path = export(given.bitplan, given.plan, "onnx", given.work / "exported") / "model.onnx"
    feed, labels = samples(given)
    table = Outputs(given.plan)
    table.outputs("in f32", in_batches(runner(path), feed, BATCH), forward(given, feed), labels)
    table.end()


if __name__ == "__main__":
    main()
