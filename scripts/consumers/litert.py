#!/usr/bin/env python3
"""Runs an exported plan in LiteRT and through ai-edge-quantizer, and compares the outputs with those of `bitplan forward`.

    litert.py --model MODEL --plan WEIGHTS (--images FOLDER | --input ARRAYS) [--bitplan PROGRAM]

MODEL is what the plan was made from, and WEIGHTS its packed weights (`weights.safetensors` of a run) of 4 or 8 bits, with inputs
of 8 bits or floats. LiteRT runs model.tflite and float.tflite. ai-edge-quantizer makes a file of float.tflite and recipe.json,
which must have the integers of model.tflite, byte by byte, and nearly its scales, and is run, too. Makes a Python environment
(0.3 GB) in --work. Exit code 1: a row of the table is beyond its limit.
"""

import json

from exported import export, in_environment
from network_outputs import Outputs, forward, in_batches, network_arguments, samples

NEEDED = {
    "numpy": "2.4.6", "scipy": "1.17.1", "ml-dtypes": "0.6.0", "absl-py": "2.5.1", "immutabledict": "4.3.1", "tqdm": "4.70.1",
    "flatbuffers": "25.12.19", "protobuf": "7.36.2", "backports-strenum": "1.2.8", "typing-extensions": "4.16.0",
}  # fmt: skip
ALONE = {"ai-edge-litert": "2.3.0", "ai-edge-quantizer": "0.10.0", "litert-lm-builder": "0.18.1"}
COUNT, BATCH = 2000, 20
INT8, INT4 = 9, 17
# The quantiser computes scales from differences of values, with an error of up to 127 · 2⁻²⁴ each.
SCALES = 127 * 2**-24


def integers(table, ours, theirs, manifest):
    """The quantiser's integers and scales against those of model.tflite, and bytes against the manifest."""
    import numpy

    other, worst, sizes = 0, 0.0, 0
    weights = {name: t for name, t in ours.items() if name.endswith("/weight/codes")}
    for name, (element, data, scale) in weights.items():
        # A layer that the quantiser leaves alone keeps the name that it has in both files.
        found = theirs[name if name in theirs else name.removesuffix("/codes")]
        other += found[:2] != (element, data) or element not in (INT4, INT8)
        worst = max(worst, float(numpy.abs(found[2] / scale - 1).max()))
        sizes += len(data) + 12 * len(scale)
    planned = sum(layer["predicted_bytes"] for layer in manifest["layers"] if layer["candidate"] != "fp32")
    four = sum(element == INT4 for element, _, _ in weights.values())
    print(f"{four} layers in INT4, {len(weights) - four} in INT8, {sizes} bytes")
    table.row("quantiser's file: layers with other integers", other, 0, other == 0)
    table.row("quantiser's file: difference of scales", f"{worst:.1e}", f"{SCALES:.1e}", worst <= SCALES)
    table.row("bytes of weights", sizes, planned, sizes == planned)


def tensors(file):
    """Element type, bytes and scales of the tensors of a file, by name."""
    import numpy
    from ai_edge_litert import schema_py_generated as schema

    content = file.read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))

    def data(tensor):
        buffer = model.buffers[tensor.buffer]
        if buffer.data is not None:
            return bytes(bytearray(buffer.data))
        # Large files have their buffers behind the flatbuffer.
        return content[buffer.offset : buffer.offset + buffer.size] if buffer.size else b""

    scale = lambda t: numpy.array([]) if t.quantization is None else numpy.array(t.quantization.scale)
    return {t.name.decode(): (t.type, data(t), scale(t)) for t in model.subgraphs[0].tensors}


def runner(file, output):
    """A function that runs a file; maps go in and come out with channels first."""
    import numpy
    from ai_edge_litert import interpreter

    program = interpreter.Interpreter(str(file))
    entry = program.get_input_details()[0]["index"]

    def run(feed):
        (images,) = feed.values()
        batch = numpy.ascontiguousarray(images.transpose(0, 2, 3, 1))
        program.resize_tensor_input(entry, batch.shape)
        program.allocate_tensors()
        program.set_tensor(entry, batch)
        program.invoke()
        outputs = program.get_tensor(program.get_output_details()[0]["index"])
        return {output: outputs.transpose(0, 3, 1, 2) if outputs.ndim == 4 else outputs}

    return run


def main():
    given = network_arguments(__doc__, "litert", COUNT)
    in_environment(given.work, NEEDED, ALONE)
    from ai_edge_quantizer import quantizer

    folder = export(given.bitplan, given.plan, "litert", given.work / "exported")
    manifest = json.loads((folder / "bitplan-export.json").read_text())
    quantized = given.work / "quantized.tflite"
    made = quantizer.Quantizer(str(folder / "float.tflite"), str(folder / "recipe.json")).quantize()
    quantized.write_bytes(made.quantized_model)
    feed, labels = samples(given)
    expected = forward(given, feed)
    (output,) = expected
    table = Outputs(given.plan)
    integers(table, tensors(folder / "model.tflite"), tensors(quantized), manifest)
    for file in folder / "model.tflite", folder / "float.tflite", quantized:
        table.outputs(file.name, in_batches(runner(file, output), feed, BATCH), expected, labels)
    table.end()


if __name__ == "__main__":
    main()
