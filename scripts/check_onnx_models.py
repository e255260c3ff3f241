#!/usr/bin/env python3
"""Compares `bitplan forward` with ONNX Runtime on whole networks.

    check_onnx_models.py --bitplan PROGRAM [--data FOLDER] [--torchvision [NAME,...]] [--work FOLDER]

Makes a Python environment with pinned packages in --work (default target/onnx_cases; several GB) and prints a table.

--data: pretrained networks, each in a folder with `model.onnx`: `efficientnet-lite0` and `resnet50` on the 20 labelled
photos of `efficientnet-lite0/photos`, `resnet8-cifar10` on the 10,000 test images of `cifar10/cifar-10-batches-bin`.
--torchvision: architectures of torchvision and a U-Net with random weights, from both exporters of PyTorch.

`--bitplan none` has ONNX Runtime with its optimisations in bitplan's place: what summing in another order changes. The
reference is ONNX Runtime without them. The program is called as `bitplan forward MODEL --input X.npz -o Y.npz`; the
arrays in both have the names of the graph's inputs and outputs.
"""

import argparse
import pathlib
import subprocess
import sys

from environment import environment, on_cpu
from onnx_cases import REQUIREMENTS, ROOT


def main():
    """Makes the environment and runs the comparison in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bitplan", required=True, help="the program, or none")
    parser.add_argument("--data", type=pathlib.Path, help="folder of the pretrained networks")
    parser.add_argument("--torchvision", nargs="?", const="all", help="all, or names with commas between")
    parser.add_argument(
        "--work", type=pathlib.Path, default=ROOT / "target" / "onnx_cases", help="default: %(default)s"
    )
    arguments = parser.parse_args()
    if not (arguments.data or arguments.torchvision):
        parser.error("found nothing to compare, expected --data or --torchvision or both")
    python, versions = environment(arguments.work, REQUIREMENTS)
    print(", ".join(f"{name} {versions[name]}" for name in ("onnxruntime", "torch", "torchvision")), flush=True)
    models = arguments.work / "models"
    models.mkdir(exist_ok=True)
    command = [python, ROOT / "scripts" / "onnx_cases" / "compare.py", arguments.bitplan, models]
    command += ["--data", arguments.data] if arguments.data else []
    command += ["--torchvision", arguments.torchvision] if arguments.torchvision else []
    sys.exit(subprocess.run(command, env=on_cpu(2)).returncode)


if __name__ == "__main__":
    main()
