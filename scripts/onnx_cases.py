#!/usr/bin/env python3
"""Writes the small ONNX models, inputs and outputs that the tests of the ONNX importer read.

    onnx_cases.py [--work FOLDER] [--node-tests]

Makes a Python environment with pinned packages in FOLDER (default target/onnx_cases; several GB), then writes to
tests/data/onnx: `cases/`, models that must be read, by `onnx.helper` and by the exporters of PyTorch; `qdq/`, models
with quantisers in them; `refused/`, models that must be refused. NAME.npz has the arrays `input.<name>` and
`output.<name>`, the outputs those of ONNX Runtime, and of PyTorch within 1e-5. About a minute. With `--node-tests`
instead `node_tests.zip`, the ONNX project's tests of single operators, in ten seconds. A second run writes the same
bytes.
"""

import argparse
import pathlib
import subprocess
import sys

from environment import environment, on_cpu

ROOT = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS = {
    "torch": "2.15.0", "torchvision": "0.29.2", "onnx": "1.23.2", "onnxscript": "0.7.2", "onnxruntime": "1.31.1",
    "numpy": "2.4.6", "ml_dtypes": "0.6.0", "pillow": "13.0.0",
}  # fmt: skip


def main():
    """Makes the environment and runs the writer in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=pathlib.Path, default=ROOT / "target" / "onnx_cases", help="default: %(default)s"
    )
    parser.add_argument("--node-tests", action="store_true", help="the operator tests of the ONNX project instead")
    arguments = parser.parse_args()
    python, _ = environment(arguments.work, REQUIREMENTS)
    command = [python, ROOT / "scripts" / "onnx_cases" / "write.py", ROOT / "tests" / "data" / "onnx"]
    command += ["--node-tests"] if arguments.node_tests else []
    sys.exit(subprocess.run(command, env=on_cpu(1)).returncode)


if __name__ == "__main__":
    main()
