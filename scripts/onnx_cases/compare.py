"""Compares a program with ONNX Runtime on whole networks; runs in the environment that `check_onnx_models.py` makes."""

import argparse
import csv
import dataclasses
import pathlib
import subprocess

import numpy
import onnx
import onnxruntime
from PIL import Image

CIFAR_BATCH, PHOTO_BATCH = 1000, 20
HEADER = """\
| network | nodes | weighted | images | largest output | deviation | over largest | RMS over RMS | top-1 | reference |
|-|-|-|-|-|-|-|-|-|-|"""


@dataclasses.dataclass
class Comparison:
    """Sums over the batches of one network."""

    images: int = 0
    largest: float = 0.0
    deviation: float = 0.0
    squares: float = 0.0
    deviations: float = 0.0
    correct: tuple = (0, 0)

    def add(self, ours, theirs, labels):
        """Adds one batch: lists of outputs by both, and the labels, None where there are none."""
        self.images += len(theirs[0])
        for a, b in zip(ours, theirs, strict=True):
            if a.shape != b.shape:
                raise ValueError(f"found an output of shape {list(a.shape)}, expected {list(b.shape)}")
            difference = a.astype(float) - b
            self.largest = max(self.largest, abs(b).max())
            # A value that is not a number counts as an infinite deviation.
            self.deviation = max(self.deviation, numpy.nan_to_num(abs(difference), nan=numpy.inf).max())
            self.deviations += (difference**2).sum()
            self.squares += (b.astype(float) ** 2).sum()
        if labels is not None:
            right = (int((outputs[0].argmax(1) == labels).sum()) for outputs in (ours, theirs))
            self.correct = tuple(a + b for a, b in zip(self.correct, right, strict=True))

    def cells(self, labelled):
        """The cells of the table."""
        of = [str(n) for n in self.correct] if labelled else ["", ""]
        return [self.images, f"{self.largest:.4g}", f"{self.deviation:.2g}", f"{self.deviation / self.largest:.1e}",
                f"{(self.deviations / self.squares) ** 0.5:.1e}", *of]  # fmt: skip


class OnnxRuntime:
    """A session on two threads, with all optimisations or with none."""

    def __init__(self, path, optimised):
        options = onnxruntime.SessionOptions()
        levels = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimised else levels.ORT_DISABLE_ALL
        options.intra_op_num_threads, options.log_severity_level = 2, 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()]

    def __call__(self, inputs):
        return self.session.run(self.outputs, inputs)


class Program:
    """`bitplan forward` on files beside the model."""

    def __init__(self, program, path, work):
        self.command = [program, "forward", path, "--input", work / "inputs.npz", "-o", work / "outputs.npz"]
        self.outputs = [output.name for output in onnx.load(path, load_external_data=False).graph.output]
        self.work = work

    def __call__(self, inputs):
        numpy.savez(self.work / "inputs.npz", **inputs)
        (self.work / "outputs.npz").unlink(missing_ok=True)
        done = subprocess.run(self.command, capture_output=True, text=True)
        if done.returncode:
            raise ValueError(" ".join(done.stderr.split()) or f"exit code {done.returncode}")
        with numpy.load(self.work / "outputs.npz") as found:
            return [found[name] for name in self.outputs]


def size(path):
    """Numbers of nodes and of those that have weights."""
    graph = onnx.load(path).graph
    constants = {tensor.name for tensor in graph.initializer}
    weighted = [node for node in graph.node if node.op_type in ("Conv", "ConvTranspose", "Gemm", "MatMul")
                and constants.intersection(node.input[:2])]  # fmt: skip
    return len(graph.node), len(weighted)


def compare(program, work, title, path, batches):
    """Prints a row of the table: `batches` are pairs of inputs by name and labels or None."""
    nodes, weighted = size(path)
    reference = OnnxRuntime(path, optimised=False)
    ours = OnnxRuntime(path, optimised=True) if program == "none" else Program(program, path, work)
    result, labelled = Comparison(), False
    try:
        for inputs, labels in batches:
            result.add(ours(inputs), reference(inputs), labels)
            labelled = labels is not None
    except ValueError as refusal:
        print(f"| {title} | {nodes} | {weighted} | {refusal} |", flush=True)
        return
    print("|", " | ".join(str(cell) for cell in (title, nodes, weighted, *result.cells(labelled))), "|", flush=True)


def photos(folder, prepare):
    """The labelled photos in one batch, as pixels of 0 to 255 in [image, height, width, RGB] that `prepare` changes."""
    with open(folder / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    images = [Image.open(folder / row["file"]).convert("RGB").resize((224, 224), Image.BICUBIC) for row in rows]
    pixels = prepare(numpy.stack([numpy.asarray(image, dtype=numpy.float32) for image in images]))
    labels = numpy.array([int(row["label"]) for row in rows])
    for start in range(0, len(rows), PHOTO_BATCH):
        part = slice(start, start + PHOTO_BATCH)
        yield {"input": numpy.ascontiguousarray(pixels[part].transpose(0, 3, 1, 2), dtype=numpy.float32)}, labels[part]


def cifar10(file):
    """The test images in batches: rows of a label and 3 × 32 × 32 bytes."""
    rows = numpy.fromfile(file, dtype=numpy.uint8).reshape(-1, 1 + 3 * 32 * 32)
    for start in range(0, len(rows), CIFAR_BATCH):
        part = rows[start : start + CIFAR_BATCH]
        pixels = part[:, 1:].reshape(-1, 3, 32, 32).astype(numpy.float32)
        yield {"input": (pixels - 128) / 128}, part[:, 0]


def pretrained(data):
    """Name, model and batches of every network in the folder of data."""
    pictures = data / "efficientnet-lite0" / "photos"
    means = numpy.array([103.939, 116.779, 123.68], dtype=numpy.float32)
    yield "efficientnet-lite0", photos(pictures, lambda pixels: (pixels - 127) / 128)
    yield "resnet50", photos(pictures, lambda pixels: pixels[..., ::-1] - means)
    yield "resnet8-cifar10", cifar10(data / "cifar10" / "cifar-10-batches-bin" / "test_batch.bin")


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--torchvision")
    arguments = parser.parse_args()
    print(HEADER, flush=True)
    if arguments.data:
        for name, batches in pretrained(arguments.data):
            compare(arguments.program, arguments.work, name, arguments.data / name / "model.onnx", batches)
    if arguments.torchvision:
        import architectures  # torchvision takes seconds to start

        for title, path, inputs in architectures.exported(arguments.work, arguments.torchvision):
            compare(arguments.program, arguments.work, title, path, [(inputs, None)])
            path.unlink()


if __name__ == "__main__":
    main()
