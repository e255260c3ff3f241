#!/usr/bin/env python3
"""Loads an exported plan's encodings into AIMET, and compares the simulation's outputs with those of `bitplan forward`.

    aimet.py --model MODEL --plan WEIGHTS (--images FOLDER | --input ARRAYS) [--bitplan PROGRAM]

MODEL is what the plan was made from, and WEIGHTS its packed weights (`weights.safetensors` of a run). Encodings of both
versions are loaded into a quantisation simulation of the exported model; every quantiser then has the width of the plan.
Makes a Python environment in --work (several GB with PyTorch). Exit code 1: a row of the table is beyond its limit.
"""

import collections
import json
import logging

from exported import export, in_environment
from network_outputs import Outputs, forward, in_batches, network_arguments, samples

NEEDED = {"torch": "2.15.0", "onnx": "1.23.2", "onnxruntime": "1.31.1", "aimet-onnx": "2.42.0"}
COUNT, BATCH = 500, 50


def widths(encodings):
    """Bits of every tensor that an encoding of either version names."""
    if encodings["version"] == "2.0.0":
        return {e["name"]: int(e["output_dtype"].lstrip("uint")) for e in encodings["encodings"]}
    return {e["name"]: e["bw"] for key in ("activation_encodings", "param_encodings") for e in encodings[key]}


def main():
    given = network_arguments(__doc__, "aimet", COUNT)
    in_environment(given.work, NEEDED)
    import onnx
    from aimet_onnx.quantsim import QuantizationSimModel, load_encodings_to_sim

    logging.disable(logging.CRITICAL)
    folder = export(given.bitplan, given.plan, "aimet", given.work / "exported")
    feed, labels = samples(given)
    expected = forward(given, feed)
    table = Outputs(given.plan)
    for file in "model.encodings", "model_2.0.0.encodings":
        model = onnx.load(folder / "model.onnx")
        sim = QuantizationSimModel(model, dummy_input={name: array[:1] for name, array in feed.items()})
        load_encodings_to_sim(sim, str(folder / file), strict=False)
        wanted = widths(json.loads((folder / file).read_text()))
        enabled = {tensor: q.bitwidth for tensor, q in sim.qc_quantize_op_dict.items() if q.enabled}
        # AIMET ties the quantisers before and behind a ReLU, and of version 2.0.0 moves those behind a Flatten before it.
        missing = collections.Counter(wanted.values()) - collections.Counter(enabled.values())
        table.row(f"{file}: quantisers of {len(wanted)} that are missing", missing.total(), 0, not missing)
        # An output that is quantised gets another name.
        names = [output.name.removesuffix("_updated") for output in sim.session.get_outputs()]
        run = lambda feed, s=sim.session, n=names: dict(zip(n, s.run(None, feed)))
        table.outputs(file, in_batches(run, feed, BATCH), expected, labels)
    table.end()


if __name__ == "__main__":
    main()
