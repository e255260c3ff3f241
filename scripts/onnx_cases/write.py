"""Writes every case; runs in the environment that `onnx_cases.py` makes.

write.py FOLDER [--node-tests]
"""

import argparse
import pathlib
import sys

import numpy
import onnx

import arithmetic
import layers
import moves
import networks
import node_tests
import qdq
import refused
import transformers
from case import BATCH, FREE, build, load, run

# Of PyTorch's outputs from those of ONNX Runtime, relative to the largest output: f32 sums in other orders.
TOLERANCE = 1e-5


def external(folder):
    """A case with its weights in a second file, as exporters write large models."""
    case = build("external_data", 17, ["c = Conv <pads = [1, 1, 1, 1]> (x, w, b)", "y = Relu(c)"],
                 {"w": (6, 2, 3, 3), "b": (6,)}, x=(3, 2, 5, 5))  # fmt: skip
    place = f"{case.name}.onnx.data"
    model = onnx.ModelProto.FromString(case.model.SerializeToString())
    onnx.save(model, folder / f"{case.name}.onnx", save_as_external_data=True, location=place, size_threshold=0)
    return case


def smaller(case):
    """The inputs with one row less, where the model says that the batch is free; None where it is not."""
    free = {v.name for v in case.model.graph.input if v.type.tensor_type.shape.dim[:1]
            and v.type.tensor_type.shape.dim[0].dim_param == FREE}  # fmt: skip
    return {k: a[: BATCH - 1] if k in free else a for k, a in case.inputs.items()} if free else None


def check(case):
    """Outputs of ONNX Runtime by name; stops if the model is not valid, its outputs not finite or not PyTorch's."""
    onnx.checker.check_model(case.model, full_check=True)
    outputs = run(case.model, case.inputs)
    if not all(numpy.isfinite(array).all() for array in outputs.values()):
        sys.exit(f"{case.name}: found an output that is not finite, expected finite ones")
    for ours, theirs in zip(outputs.values(), case.expected or outputs.values(), strict=True):
        deviation = abs(ours.astype(float) - theirs).max() / max(abs(theirs.astype(float)).max(), 1e-30)
        if ours.shape != theirs.shape or not deviation <= TOLERANCE:
            sys.exit(f"{case.name}: found a deviation of {deviation:.2g} between ONNX Runtime and PyTorch, expected at "
                     f"most {TOLERANCE:.0e}")  # fmt: skip
    if less := smaller(case):
        run(case.model, less)
    return outputs


def save(folder, case, model=True):
    """Writes the model, and the arrays beside it."""
    named = {f"input.{k}": a for k, a in case.inputs.items()} | {f"output.{k}": a for k, a in check(case).items()}
    if model:
        (folder / f"{case.name}.onnx").write_bytes(case.model.SerializeToString(deterministic=True))
    numpy.savez_compressed(folder / f"{case.name}.npz", **named)


def emptied(folder):
    """The folder, without files of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    for pattern in ("*.onnx", "*.npz", "*.onnx.data"):
        for file in folder.glob(pattern):
            file.unlink()
    return folder


def write_cases(folder):
    """The cases that an importer must read."""
    save(folder, external(folder), model=False)
    for module in (layers, moves, arithmetic, networks, transformers):
        for case in module.cases():
            save(folder, case)


def write_refused(folder):
    """The models that an importer must refuse; all but a few are valid, and ONNX Runtime loads them."""
    for name, model in refused.models():
        if name not in refused.NOT_RUNNABLE:
            onnx.checker.check_model(model, full_check=True)
            load(model)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


def main():
    """Writes what was asked for and prints how much that is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--node-tests", action="store_true", help="the operator tests of the ONNX project instead")
    arguments = parser.parse_args()
    if arguments.node_tests:
        arguments.folder.mkdir(parents=True, exist_ok=True)
        archive = arguments.folder / "node_tests.zip"
        count, refuted = node_tests.pack(archive)
        print(f"{archive}: {count} tests, {archive.stat().st_size} bytes")
        for name, reason in refuted.items():
            print(f"left out: {name}: {reason}")
        return
    write_cases(emptied(arguments.folder / "cases"))
    write_refused(emptied(arguments.folder / "refused"))
    quantized = emptied(arguments.folder / "qdq")
    for case in qdq.cases():
        save(quantized, case)
    for name in ("cases", "refused", "qdq"):
        files = list((arguments.folder / name).iterdir())
        models = sum(file.suffix == ".onnx" for file in files)
        print(f"{arguments.folder / name}: {models} models, {sum(file.stat().st_size for file in files)} bytes")


if __name__ == "__main__":
    main()
