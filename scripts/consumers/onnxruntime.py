#!/usr/bin/env python3
"""Runs an exported plan in ONNX Runtime and compares its outputs with those of `bitplan forward`.

    onnxruntime.py --model MODEL --plan WEIGHTS (--images FOLDER | --input ARRAYS) [--bitplan PROGRAM] [--to FORMAT]

MODEL is what the plan was made from, and WEIGHTS its packed weights (`weights.safetensors` of a run). The file is checked by
`onnx`, and run without and with the optimisations of graphs. Makes a Python environment with pinned packages (0.2 GB) in
--work. Exit code 1: a row of the table is beyond its limit.
"""

from exported import export, in_environment
from network_outputs import Outputs, forward, in_batches, network_arguments, samples

NEEDED = {"onnxruntime": "1.31.1", "onnx": "1.23.2", "numpy": "2.4.6"}
BATCH = 100


def runs(path):
    """Name and function of each way to run a file."""
    import numpy
    import onnxruntime

    for name, level in ("no optimisation", "DISABLE_ALL"), ("all optimisations", "ENABLE_ALL"):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_{level}")
        options.intra_op_num_threads = 2
        # Else inputs of products with weight-only layers are rounded to 8 bits.
        options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", "0")
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        types = {given.name: numpy.int64 if "int64" in given.type else numpy.float32 for given in session.get_inputs()}
        names = [output.name for output in session.get_outputs()]
        cast = lambda feed, types=types: {key: array.astype(types[key]) for key, array in feed.items()}
        yield name, lambda feed, s=session, n=names, cast=cast: dict(zip(n, s.run(None, cast(feed))))


def main():
    formats = lambda parser: parser.add_argument("--to", choices=("onnx", "onnx25"), default="onnx", help="default onnx")
    given = network_arguments(__doc__, "onnxruntime", add=formats)
    in_environment(given.work, NEEDED)
    import onnx

    path = export(given.bitplan, given.plan, given.to, given.work / "exported") / "model.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    feed, labels = samples(given)
    expected = forward(given, feed)
    table = Outputs(given.plan)
    for name, run in runs(path):
        table.outputs(name, in_batches(run, feed, BATCH), expected, labels)
    table.end()


if __name__ == "__main__":
    main()
