#!/usr/bin/env python3
"""Checks the outputs of built-in networks against PyTorch: torchvision's ResNets, MobileNetV2 and vision transformer, and
PartialNet and Llama written in PyTorch from their definitions.

    check_zoo.py [--networks resnet18:32,vit_tiny:224] [--bitplan FILE] [--work FOLDER]

Makes a Python environment with pinned packages in FOLDER (default target/reference; several GB), builds bitplan unless
its program is named, gives every network random weights, statistics of norms included, and runs `bitplan forward` on
random inputs. A number behind a network is the side of the image or the length of the text. Exit code 1: an output
differs from PyTorch's in f64 by more than 8 times as much as PyTorch's in f32 does, or that would not show one tensor
that is off by 1 %.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys

from environment import REQUIREMENTS, environment, on_cpu

ROOT = pathlib.Path(__file__).resolve().parent.parent
NETWORKS = ("resnet18:32,resnet18:224,resnet50:64,mobilenet_v2:32,mobilenet_v2:224,vit_tiny:32,vit_tiny:224,"
            "partialnet_t0:32,partialnet_t0_sp:224,partialnet_t2_sp:28,llama_small:24")  # fmt: skip
TORCHVISION = {"torchvision": "0.29.2"}
THREADS = 1
CLASSES, SAMPLES = 10, 3
# Largest difference from the outputs in f64, in those of PyTorch in f32: how far rounding goes depends on the network.
TIMES = 8.0


def check(python, bitplan, work, name, side):
    """One network: whether it is right. Prints a line."""
    folder = work / "check_zoo" / f"{name}_{side}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "output.npz").unlink(missing_ok=True)
    script = ROOT / "scripts" / "zoo" / "reference.py"
    ask = lambda *arguments: json.loads(
        subprocess.run([python, script, *map(str, arguments)], check=True, env=on_cpu(THREADS), stdout=subprocess.PIPE).stdout
    )
    made = ask("make", folder, name, side, CLASSES, SAMPLES)
    shape = str(side) if name.startswith("llama") else f"3x{side}x{side}"
    command = [bitplan, "forward", name, "--shape", shape, "--classes", str(CLASSES), "--quiet", "--weights",
               folder / "weights.safetensors", "--input", folder / "input.npz", "--output", folder / "output.npz"]  # fmt: skip
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        print(f"{name:18} {side:4}  exit code {run.returncode}: {run.stdout.strip()}")
        return False
    found = ask("compare", folder)
    difference = math.inf if math.isnan(found["bitplan"]) else found["bitplan"]
    allowed = TIMES * found["rounded"]
    right = difference <= allowed < found["control"]
    mark = "" if right else " <- wrong" if difference > allowed else " <- the control is not seen"
    cells = [difference, found["rounded"], found["control"]]
    print(f"{name:18} {side:4} {made['learnt_parameters']:11}", *(f"{cell:11.2e}" for cell in cells), mark, flush=True)
    return right


def main():
    """Environment, bitplan, every network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", default=NETWORKS, help="default: %(default)s")
    parser.add_argument("--bitplan", type=pathlib.Path, help="default: target/release/bitplan, built first")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target" / "reference", help="default: %(default)s")
    arguments = parser.parse_args()
    work = arguments.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    python, versions = environment(work, {**REQUIREMENTS, **TORCHVISION})
    print(", ".join(f"{name} {versions[name]}" for name in ("torch", "torchvision")))
    if not arguments.bitplan:
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
    bitplan = (arguments.bitplan or ROOT / "target" / "release" / "bitplan").absolute()
    print("largest difference from PyTorch in f64, by the largest output")
    print(f"{'network':18} {'side':>4} {'parameters':>11} {'bitplan':>11} {'PyTorch f32':>11} {'control':>11}")
    cases = [case.split(":") for case in arguments.networks.split(",")]
    results = [check(python, bitplan, work, name, int(side)) for name, side in cases]
    print(f"{sum(results)} of {len(results)} networks agree within {TIMES:g} times the rounding of PyTorch in f32")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
