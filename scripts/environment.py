"""A Python environment of its own, with pinned packages, for the checks and benchmarks against PyTorch."""

import os
import pathlib
import subprocess
import venv

# Any build of this version of PyTorch will do; the one that pip finds first may bring idle GPU libraries (5 GB).
REQUIREMENTS = {
    "torch": "2.15.0", "numpy": "2.4.6", "onnx": "1.23.2", "safetensors": "0.8.0", "setuptools": "84.2.1",
    "pyhessian": "0.1",
}  # fmt: skip
PROBE = "import sys; from importlib.metadata import version; print(*(version(name) for name in sys.argv[1:]))"


def versions(python, requirements):
    """Versions of the required packages in the environment of this interpreter; empty when one is missing."""
    command = [python, "-c", PROBE, *requirements]
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return dict(zip(requirements, answer.split()))


def environment(work, requirements=REQUIREMENTS, alone=None):
    """Path of the interpreter of the environment in folder `work`, which is made if needed, and its versions.

    It has the required packages, and those of `alone` without the packages that they depend on."""
    python = str(pathlib.Path(work, "venv", "bin", "python").absolute())
    if not pathlib.Path(python).exists():
        venv.create(pathlib.Path(work, "venv"), with_pip=True)
    for required, options in (requirements, []), (alone or {}, ["--no-deps"]):
        installed = versions(python, required)
        if any(installed.get(name, "").split("+")[0] != wanted for name, wanted in required.items()):
            pinned = [f"{name}=={wanted}" for name, wanted in required.items()]
            subprocess.run([python, "-m", "pip", "install", "--quiet", *options, *pinned], check=True)
    return python, versions(python, {**requirements, **(alone or {})})


def on_cpu(threads):
    """Environment variables under which PyTorch uses this many threads and no GPU."""
    return {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "CUDA_VISIBLE_DEVICES": ""}
