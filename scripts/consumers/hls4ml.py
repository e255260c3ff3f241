#!/usr/bin/env python3
"""Simulates the circuit that hls4ml makes of an exported plan; its outputs must be those of the exported file, bit for bit.

    hls4ml.py --images FOLDER [--model MODEL --plan WEIGHTS] [--bitplan PROGRAM]

Every weight becomes a part of the circuit, so the network has to be small: by default one of 1,108 weights for images of 28 × 28
is trained and planned with the images (half a minute). hls4ml converts the file of `bitplan export --to qonnx-pow2`, g++
compiles the circuit's C++, and its outputs are compared with those of qonnx. Scales that are rounded to powers of two make
another network, so `bitplan forward` of the plan is compared only for information. Needs g++, not Vivado. Makes a Python
environment (1 GB) in --work. Exit code 1: a row of the table is beyond its limit.
"""

import argparse
import pathlib
import subprocess

from exported import ROOT, arguments, export, in_environment
from network_outputs import OPTIONS, Outputs, forward, in_batches, samples

NEEDED = {"qonnx": "1.0.0", "onnx": "1.21.0", "onnxruntime": "1.31.1", "tqdm": "4.70.1", "hls4ml": "1.3.0"}
COUNT = 1000
FASHION = ROOT / "search_spaces" / "data" / "fashion_mnist"
SPACE = """\
format: bitplan.space/1
name: small
model: {file: small.onnx}
data:
  train:
    idx: {images: DATA/train-images.idx3.gz, labels: DATA/train-labels.idx1.gz}
    limit: 6000
  test:
    idx: {images: DATA/test-images.idx3.gz, labels: DATA/test-labels.idx1.gz}
    limit: 1000
search: {candidates: [w8a8, w6a6, w4a4]}
sensitivity: {images: 64, max_probes: 4}
training:
  multi_precision: {epochs: 2, batch_size: 64, learning_rate: 5e-3}
  mixed_precision: {epochs: 2, batch_size: 64, learning_rate: 2e-3}
plans:
  - {name: half, budgets: {bitops: 50%}}
"""
# Of what has no quantiser: inputs, biases and sums, all multiples of powers of two well above 2^-16.
PRECISION = "fixed<32,16>"


def small_network(path):
    """Two convolutions and a dense layer with random weights."""
    import numpy
    import onnx
    from onnx import helper

    random = numpy.random.default_rng(1)
    arrays = []
    for name, shape in ("c1", (4, 1, 5, 5)), ("c2", (8, 4, 3, 3)), ("fc", (10, 72)):
        weight = random.standard_normal(shape) * (2 / numpy.prod(shape[1:])) ** 0.5
        arrays.append(onnx.numpy_helper.from_array(weight.astype(numpy.float32), f"{name}.weight"))
        arrays.append(onnx.numpy_helper.from_array(numpy.zeros(shape[0], numpy.float32), f"{name}.bias"))
    conv = lambda read, name, made, side, stride: helper.make_node(
        "Conv", [read, f"{name}.weight", f"{name}.bias"], [made], name, kernel_shape=[side, side], strides=[stride, stride],
        pads=[0, 0, 0, 0], dilations=[1, 1], group=1,
    )  # fmt: skip
    nodes = [
        conv("input", "c1", "a", 5, 3), helper.make_node("Relu", ["a"], ["b"], "r1"),
        conv("b", "c2", "c", 3, 2), helper.make_node("Relu", ["c"], ["d"], "r2"),
        helper.make_node("Flatten", ["d"], ["e"], "flat", axis=1),
        helper.make_node("Gemm", ["e", "fc.weight", "fc.bias"], ["logits"], "fc", transB=1),
    ]  # fmt: skip
    value = lambda name, *shape: helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["N", *shape])
    graph = helper.make_graph(nodes, "small", [value("input", 1, 28, 28)], [value("logits", 10)], arrays)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8), path)


def trained(given):
    """Model and packed weights of the default network, trained and planned."""
    model, run = given.work / "small.onnx", given.work / "small"
    if not (run / "weights.safetensors").exists():
        small_network(model)
        space = given.work / "small.yaml"
        space.write_text(SPACE.replace("DATA", str(given.images.absolute())))
        subprocess.run([given.bitplan, "run", space, "--out", run, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return str(model), run / "weights.safetensors"


def prepared(path):
    """The model with one sample, as hls4ml's tutorial prepares it."""
    import onnx
    import qonnx.util.cleanup
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.channels_last import ConvertToChannelsLastAndClean
    from qonnx.transformation.gemm_to_matmul import GemmToMatMul

    model = onnx.load(path)
    for value in [*model.graph.input, *model.graph.output]:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    plain = qonnx.util.cleanup.cleanup_model(ModelWrapper(model))
    ready = plain.transform(ConvertToChannelsLastAndClean()).transform(GemmToMatMul())
    return plain, qonnx.util.cleanup.cleanup_model(ready)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="ONNX file, or network.safetensors of a run; default: a small one is trained")
    parser.add_argument("--plan", type=pathlib.Path, help="packed weights of a plan of it (weights.safetensors)")
    parser.add_argument("--images", type=pathlib.Path, default=FASHION, help="labelled images, default %(default)s")
    parser.add_argument("--count", type=int, default=COUNT, help="images; default %(default)s")
    parser.set_defaults(input=None, **dict.fromkeys(OPTIONS))
    given = arguments(parser, "consumers/hls4ml")
    if (given.model is None) != (given.plan is None):
        parser.error("found one of --model and --plan, expected both or neither")
    in_environment(given.work, NEEDED)
    import hls4ml
    import numpy
    from qonnx.core.onnx_exec import execute_onnx

    if given.model is None:
        given.model, given.plan = trained(given)
    folder = export(given.bitplan, given.plan, "qonnx-pow2", given.work / "exported")
    feed, labels = samples(given)
    plain, ready = prepared(folder / "model.onnx")
    (inputs,) = feed.values()
    # The preparation gives input and output other names.
    name, answer = plain.graph.input[0].name, plain.graph.output[0].name
    expected = in_batches(lambda one: execute_onnx(plain, one), {name: inputs}, 1)[answer]
    config = hls4ml.utils.config_from_onnx_model(
        ready, granularity="name", backend="Vitis", default_precision=PRECISION
    )
    # Channels stay in front at the input; of streams hls4ml 1.3.0 does not turn the axes rightly.
    circuit = hls4ml.converters.convert_from_onnx_model(
        ready, output_dir=str(given.work / "circuit"), io_type="io_parallel", backend="Vitis", hls_config=config
    )
    circuit.compile()
    found = circuit.predict(numpy.ascontiguousarray(inputs)).reshape(expected.shape)
    table = Outputs(given.plan)
    difference = float(numpy.abs(found - expected).max())
    table.row("largest difference of the circuit's outputs from qonnx's", f"{difference:.3g}", 0, difference == 0)
    largest = float(numpy.abs(expected).max())
    table.row("largest output", f"{largest:.4g}", "above 0", largest > 0)
    (ours,) = forward(given, feed).values()
    right = [float((outputs.argmax(1) == labels).mean()) for outputs in (found, ours)]
    table.row(f"accuracy on {len(labels)} images, circuit", f"{right[0]:.2%}, plan {right[1]:.2%}", "none", True)
    same = float((found.argmax(1) == ours.argmax(1)).mean())
    table.row("same class as the plan before its scales were rounded", f"{same:.2%}", "none", True)
    table.end()


if __name__ == "__main__":
    main()
