#!/usr/bin/env python3
"""Runs a plan exported as `onnx-npu` in the emulator of Qualcomm's HTP and in ONNX Runtime, beside `bitplan forward`.

    qnn.py --model MODEL --plan WEIGHTS (--images FOLDER | --input ARRAYS) [--count N] [--bitplan PROGRAM]

MODEL is what the plan was made from, and WEIGHTS its packed weights (`weights.safetensors`) in the folder of their run, whose
images give the ranges of tensors. The emulator must take the whole file: an operator that it leaves to ONNX Runtime is an
error. The file rounds what every operator gives to 8 bits, so outputs differ from the plan's; limits say by how much. Makes a
Python environment with pinned packages (0.4 GB) in --work. Needs Linux on x86-64 with glibc 2.35 or newer. Exit code 1: a
row of the table is beyond its limit.
"""

from exported import export, in_environment
from network_outputs import Outputs, forward, in_batches, network_arguments, samples

NEEDED = {"onnxruntime-qnn": "2.7.0", "onnxruntime": "1.31.1", "numpy": "2.4.6"}
# Of the accuracy, of samples with another class, of the median sample's largest difference.
ACCURACY, OTHER, MEDIAN = 0.01, 0.03, 2e-2


class Rounded(Outputs):
    """Limits of a network that rounds more than ours."""

    def __init__(self, plan):
        super().__init__(plan)
        self.accuracy, self.other, self.median = ACCURACY, OTHER, MEDIAN


def emulator(onnxruntime, path):
    """A session in the emulator that takes one sample, and fails where it has to leave a node to another device."""
    import onnxruntime_qnn

    onnxruntime.register_execution_provider_library("QNN", onnxruntime_qnn.get_library_path())
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_free_dimension_override_by_name("N", 1)
    options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    devices = [device for device in onnxruntime.get_ep_devices() if "QNN" in device.ep_name]
    options.add_provider_for_devices(devices, {"backend_path": onnxruntime_qnn.get_qnn_htp_path()})
    return onnxruntime.InferenceSession(str(path), options)


def main():
    given = network_arguments(__doc__, "qnn", 500)
    in_environment(given.work, NEEDED)
    import numpy
    import onnxruntime

    path = export(given.bitplan, given.plan, "onnx-npu", given.work / "exported") / "model.onnx"
    feed, labels = samples(given)
    expected = forward(given, feed)
    table = Rounded(given.plan)
    own = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    sessions = [("ONNX Runtime", own, 100), ("HTP emulator", emulator(onnxruntime, path), 1)]
    for name, session, size in sessions:
        names = [output.name for output in session.get_outputs()]
        cast = lambda batch: {key: array.astype(numpy.float32) for key, array in batch.items()}
        run = lambda batch, session=session, names=names: dict(zip(names, session.run(None, cast(batch))))
        table.outputs(name, in_batches(run, feed, size), expected, labels)
    table.end()


if __name__ == "__main__":
    main()
