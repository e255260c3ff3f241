"""What the checks of networks of images share: their options, the test images, our own outputs, and how a tool's are compared."""

import argparse
import gzip
import pathlib
import subprocess

from exported import Table, arguments, description

# A code that flips flips others in the layers behind it. So limits for each layer: of the accuracy, in shares, and of the samples
# that get another class.
ACCURACY, OTHER = 1e-4, 1e-3
# Of the median sample's largest difference, in units of the largest output: where inputs stay floats; of up to SHALLOW layers,
# where hardly a code flips, and a scale that is off by 1 % changes 5e-3 to 2e-2; of more, where two settings of one tool differ
# by 3e-2, for 50 layers.
FLOATS, FEW, MANY, SHALLOW = 1e-4, 1e-3, 5e-2, 20
# Images by which the accuracy may differ however few there are.
IMAGES = 2
OPTIONS = {
    "shape": "input of a built-in network, such as 1x28x28",
    "classes": "classes of a built-in network",
    "extent": "an extent that the model leaves open, such as positions=64",
}


def network_arguments(text, tool, count=None, add=lambda parser: None):
    """The arguments of a check that runs a network; `text` is the help, `count` how many samples are run by default."""
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="ONNX file, folder, network.safetensors of a run, or built-in name")
    parser.add_argument("--plan", required=True, type=pathlib.Path, help="packed weights of a plan of it (weights.safetensors)")
    samples = parser.add_mutually_exclusive_group(required=True)
    samples.add_argument("--images", type=pathlib.Path, help="labelled test images: a folder with test_batch.bin of CIFAR-10 "
                         "or MNIST's t10k-* or test-* files, or an .npz of `images` and `labels`")  # fmt: skip
    samples.add_argument("--input", type=pathlib.Path, help="an .npz with an array for each input, samples in front")
    parser.add_argument("--count", type=int, default=count, help=f"samples; default {count or 'all'}")
    for name, what in OPTIONS.items():
        parser.add_argument(f"--{name}", help=what)
    add(parser)
    return arguments(parser, f"consumers/{tool}")


def idx(path, header):
    """Bytes of an idx file behind its header."""
    import numpy

    data = gzip.open(path).read() if path.suffix == ".gz" else path.read_bytes()
    return numpy.frombuffer(data, numpy.uint8, offset=header)


def pixels_and_labels(source):
    """Test images [images, channels, height, width] of bytes, and their labels."""
    import numpy

    if source.suffix == ".npz":
        arrays = numpy.load(source)
        return arrays["images"], arrays["labels"]
    cifar = next(source.rglob("test_batch.bin"), None)
    if cifar is not None:
        records = numpy.fromfile(cifar, numpy.uint8).reshape(-1, 3073)
        return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]
    find = lambda what: next((path for part in ("t10k", "test") for path in source.glob(f"{part}-{what}*")), None)
    if find("images") is None or find("labels") is None:
        raise SystemExit(f"error: found neither test_batch.bin nor t10k-* or test-* files in {source}")
    pixels, labels = idx(find("images"), 16), idx(find("labels"), 8)
    side = round((pixels.size / labels.size) ** 0.5)
    return pixels.reshape(-1, 1, side, side), labels


def samples(given):
    """Inputs by name, normalised as the network wants them, and labels or None."""
    import numpy

    if given.input:
        feed = {name: array[: given.count] for name, array in numpy.load(given.input).items()}
        return feed, None
    found = description(given.plan)
    mean, deviation = (numpy.array(found["normalization"][key], numpy.float32).reshape(-1, 1, 1) for key in ("mean", "std"))
    pixels, labels = (array[: given.count] for array in pixels_and_labels(given.images))
    images = (pixels.astype(numpy.float32) / numpy.float32(255) - mean) / deviation
    return {found["network"]["inputs"][0]["name"]: images.astype(numpy.float32)}, labels.astype(numpy.int64)


def forward(given, feed):
    """Outputs of the quantised network by our own evaluation, by name."""
    import numpy

    arrays, answer = given.work / "inputs.npz", given.work / "outputs.npz"
    numpy.savez(arrays, **feed)
    command = [given.bitplan, "forward", given.model, "--plan", given.plan, "--input", arrays, "-o", answer, "--quiet"]
    for name in OPTIONS:
        command += [f"--{name}", getattr(given, name)] if getattr(given, name) else []
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    outputs = dict(numpy.load(answer))
    arrays.unlink(), answer.unlink()
    return outputs


def in_batches(run, feed, size):
    """Outputs of `run` for all samples, some at a time."""
    import numpy

    count = len(next(iter(feed.values())))
    parts = [run({name: array[i : i + size] for name, array in feed.items()}) for i in range(0, count, size)]
    return {name: numpy.concatenate([part[name] for part in parts]) for name in parts[0]}


class Outputs(Table):
    """A table in which the outputs of a tool are compared, too.

    Both sides compute the same integers, but add floats in another order; where a sum is at the edge between two codes the
    code of an activation flips, and the outputs of that sample differ by what a code is worth. So single samples may differ,
    but not the accuracy or the classes, and the sample in the middle only where there are many layers."""

    def __init__(self, plan):
        super().__init__()
        layers = [layer["candidate"] for layer in description(plan)["layers"]]
        self.accuracy, self.other = ACCURACY * len(layers), OTHER * len(layers)
        self.median = FEW if len(layers) <= SHALLOW else MANY
        if all(candidate == "fp32" or candidate.endswith("a16") for candidate in layers):
            self.median = FLOATS

    def outputs(self, what, found, expected, labels=None):
        """Rows for the outputs by name of a tool and of `bitplan forward`, [samples, …, classes]."""
        import numpy

        if set(found) != set(expected):
            raise SystemExit(f"error: found outputs {sorted(found)}, expected {sorted(expected)}")
        for name, ours in expected.items():
            theirs, title = found[name], f"{what}, `{name}`" if len(expected) > 1 else what
            if theirs.shape != ours.shape:
                raise SystemExit(f"error: {title}: found outputs of shape {theirs.shape}, expected {ours.shape}")
            difference = numpy.abs(theirs.astype(float) - ours).reshape(len(ours), -1).max(1) / numpy.abs(ours).max()
            classes = (theirs.argmax(-1) != ours.argmax(-1)).mean()
            if labels is not None:
                right = [float((outputs.argmax(-1) == labels).mean()) for outputs in (theirs, ours)]
                text = f"{right[0]:.2%}, bitplan {right[1]:.2%}"
                limit = self.accuracy + IMAGES / len(labels)
                self.row(f"{title}: accuracy on {len(labels)} images", text, f"± {limit:.2%}", abs(right[0] - right[1]) <= limit)
            self.row(f"{title}: other classes", f"{classes:.2%}", f"{self.other:.2%}", classes <= self.other)
            middle = float(numpy.median(difference))
            self.row(f"{title}: difference of the median sample", f"{middle:.1e}", f"{self.median:.0e}", middle <= self.median)
            self.row(f"{title}: largest difference", f"{difference.max():.1e}", "none", True)
            same, close = (difference == 0).mean(), (difference <= 1e-5).mean()
            self.row(f"{title}: samples equal in every bit, up to 1e-5", f"{same:.2%}, {close:.2%}", "none", True)
