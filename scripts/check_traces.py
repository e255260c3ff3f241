#!/usr/bin/env python3
"""Checks the Hessian traces of `bitplan sensitivity` against PyTorch, on a network that neither of the two trained.

    check_traces.py --data DIR [--estimators gauss_newton,hutchinson] [--probes N] [--reference-only] [--work FOLDER]

DIR has the folders resnet8-cifar10 (MLPerf Tiny's ResNet-8, model.onnx and model.safetensors) and cifar10. The loss is
the mean cross-entropy over the first 1,024 training images. Makes a Python environment with pinned packages in FOLDER
(default target/reference; several GB), computes the reference there (hessian/reference.py; some ten minutes the first
time, then kept as reference_traces.json), runs `cargo build --release` and bitplan once for each estimator, and
compares every layer. Exit code 1: something is further than 3 joint standard errors from the reference.

The reference is exact: traces of Gauss-Newton blocks in f64, which for such a network are those of the Hessian. It is
itself held against Hutchinson's estimator on double backward, and in three places against the full block.
"""

import argparse
import hashlib
import json
import math
import pathlib
import subprocess
import sys

from environment import REQUIREMENTS, environment, on_cpu

ROOT = pathlib.Path(__file__).resolve().parent.parent
IMAGES, PROBES, ACTIVATION_PROBES = 1024, 100, 8
# Threads of PyTorch; on few or busy cores more are slower.
THREADS = 1
# Name of the network in bitplan's zoo.
ZOO = "resnet8_keras"
# What every estimator estimates.
TARGETS = {
    "gauss_newton": lambda layer: layer["trace"]["exact"],
    "gauss_newton_exact": lambda layer: layer["trace"]["exact"],
    "hutchinson": lambda layer: layer["trace"]["exact"],
    "hutchpp": lambda layer: layer["trace"]["exact"],
    "xtrace": lambda layer: layer["trace"]["exact"],
    "fisher": lambda layer: layer["empirical_fisher"],
}
# Most draws of every batch; those of hutchpp and xtrace cost six products for every layer.
PROBES_OF = {"hutchpp": 2, "xtrace": 2}
# Estimators whose activation traces are those of the Hessian, too.
WITH_INPUTS = ("gauss_newton", "gauss_newton_exact", "hutchinson")
# Largest distance in joint standard errors.
LARGEST_Z = 3.0
# Error of an f32 sum relative to its value, for estimates without noise.
ROUNDING_F32 = 1e-4
# Error of an f64 sum relative to its value.
ROUNDING_F64 = 1e-9

SPACE = """\
format: bitplan.space/1
name: check_traces_{estimator}
model: {{zoo: {zoo}, input: [3, 32, 32], classes: 10, weights: {weights}}}
data:
  train: {{cifar10: {{files: [{train}]}}, limit: {images}}}
  test: {{cifar10: {{files: [{test}]}}, limit: {images}}}
  normalization: {{mean: [{half}, {half}, {half}], std: [{half}, {half}, {half}]}}
search: {{candidates: [w8a8, w4a4]}}
sensitivity: {{images: {images}, estimator: {estimator}, products: 6, max_probes: {probes}, relative_error: 0.001,
  activation_traces: input, activation_term: none}}
"""


def digest(file):
    """SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def reference(model, batch, probes, work):
    """The reference traces; those of an earlier run where nothing that they depend on has changed."""
    sources = sorted((ROOT / "scripts" / "hessian").glob("*.py"))
    asked = {
        "inputs": {f.name: digest(f) for f in [model / "model.onnx", model / "model.safetensors", batch]},
        "scripts": {f.name: digest(f) for f in sources if f.name in ("reference.py", "curvature.py", "networks.py")},
        "asked": [IMAGES, probes, ACTIVATION_PROBES],
        "requirements": REQUIREMENTS,
    }
    kept = work / "reference_traces.json"
    if kept.exists() and (document := json.loads(kept.read_text())).get("of") == asked:
        return document
    python, versions = environment(work)
    script = ROOT / "scripts" / "hessian" / "reference.py"
    raw = work / "reference_raw.json"
    command = [python, script, model, batch, str(IMAGES), str(probes), str(ACTIVATION_PROBES), raw]
    subprocess.run(command, check=True, env=on_cpu(THREADS))
    document = {
        "format": "bitplan.reference_traces/1",
        "network": model.name,
        "of": asked,
        "versions": versions,
        **json.loads(raw.read_text()),
    }
    kept.write_text(json.dumps(document, indent=1) + "\n")
    raw.unlink()
    return document


def bitplan(estimator, model, cifar10, work):
    """What `bitplan sensitivity --json` says with an estimator."""
    half = repr(128 / 255)
    files = {
        "weights": model / "model.safetensors",
        "train": cifar10 / "data_batch_1.bin",
        "test": cifar10 / "test_batch.bin",
    }
    quoted = {name: json.dumps(str(file)) for name, file in files.items()}
    probes = PROBES_OF.get(estimator, 32)
    text = SPACE.format(estimator=estimator, zoo=ZOO, images=IMAGES, half=half, probes=probes, **quoted)
    folder = work / f"bitplan_{estimator}"
    space = work / f"check_traces_{estimator}.yaml"
    space.write_text(text)
    # Results of an earlier build would be taken for done.
    for file in folder.glob("*") if folder.exists() else ():
        file.unlink()
    command = [ROOT / "target" / "release" / "bitplan", "sensitivity", space, "--json", "--quiet", "--out", folder]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if run.returncode:
        print(f"bitplan ended with exit code {run.returncode}:\n{run.stdout}", file=sys.stderr)
        sys.exit(2)
    return json.loads(run.stdout)


def layer_traces(document, of):
    """Name, number of weights, trace, and standard error from the probes alone (given the images) of every layer."""
    layers = [(l["name"], l["parameters"], l[of]) for l in document["layers"]]
    return [(name, n, t["trace"], t["probe_stderr"]) for name, n, t in layers]


def z_score(difference, *errors):
    """Distance in joint standard errors."""
    joint = math.hypot(*errors)
    return difference / joint if joint else math.copysign(math.inf, difference) if difference else 0.0


def distance(z):
    """Size of a z-score; what is no number is infinitely far."""
    return math.inf if math.isnan(z) else abs(z)


def check_reference(document):
    """Prints what the reference holds against itself; the largest distance, in standard errors."""
    worst = 0.0
    print(f"reference, {document['images']} images, {document['probes']} probes; trace of each layer's Hessian block")
    print(f"{'layer':12} {'exact':>11} {'double backward':>22} {'z':>6} {'Fisher':>11} {'input':>10} {'z':>6}"
          f" {'output':>10} {'z':>6}")
    for layer in document["layers"]:
        trace, cells = layer["trace"], []
        for of in (trace, layer["activations"]["edge"], layer["activations"]["output"]):
            z = z_score(of["mean"] - of["exact"], of["stderr"])
            cells += [of["exact"], z]
            worst = max(worst, distance(z))
        double = f"{trace['mean']:.5g} ± {trace['stderr']:.2g}"
        print(f"{layer['name']:12} {cells[0]:11.6g} {double:>22} {cells[1]:6.2f} {layer['empirical_fisher']:11.6g}"
              f" {cells[2]:10.4g} {cells[3]:6.2f} {cells[4]:10.4g} {cells[5]:6.2f}")
    for block in document["full_blocks"]:
        z = z_score(block["full"] - block["gauss_newton"], ROUNDING_F64 * block["gauss_newton"])
        print(f"full block of {block['layer']}, {block['kind']}, {block['images']} images: {block['full']:.12g}, "
              f"Gauss-Newton {block['gauss_newton']:.12g}")
        worst = max(worst, distance(z))
    return worst


def compare(estimator, document, ours):
    """Prints one line for each layer; the largest distance, in joint standard errors."""
    worst = compare_of(estimator, "trace", TARGETS[estimator], document, ours)
    if estimator in WITH_INPUTS:
        of_input = lambda layer: layer["activations"]["edge"]["exact"]
        worst = max(worst, compare_of(estimator, "activation_trace", of_input, document, ours))
    return worst


def compare_of(estimator, of, target, document, ours):
    """As `compare`, for the traces in weights or in activations."""
    theirs, worst = document["layers"], 0.0
    found = layer_traces(ours, of)
    if [n for _, n, *_ in found] != [layer["parameters"] for layer in theirs]:
        sys.exit(f"{estimator}: found {[(name, n) for name, n, *_ in found]}, expected the layers of the reference")
    print(f"\nestimator {estimator}, {of.replace('_', ' ')}")
    print(f"{'layer':12} {'reference':>11} {'bitplan':>22} {'ratio':>7} {'z':>6}")
    for layer, (name, _, trace, stderr) in zip(theirs, found):
        expected = target(layer)
        z = z_score(trace - expected, stderr, ROUNDING_F32 * expected)
        mark = " <- too far" if distance(z) > LARGEST_Z else ""
        print(f"{name:12} {expected:11.6g} {f'{trace:.6g} ± {stderr:.2g}':>22} {trace / expected:7.4f} {z:6.2f}{mark}")
        worst = max(worst, distance(z))
    return worst


def main():
    """Reference, bitplan, comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of resnet8-cifar10 and cifar10")
    parser.add_argument("--estimators", default=",".join(TARGETS), help="default: %(default)s")
    parser.add_argument("--probes", type=int, default=PROBES, help="of the reference; default: %(default)s")
    parser.add_argument("--reference-only", action="store_true", help="compute and check the reference, run no bitplan")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target" / "reference", help="default: %(default)s")
    arguments = parser.parse_args()
    estimators = arguments.estimators.split(",")
    if unknown := [e for e in estimators if e not in TARGETS]:
        parser.error(f"--estimators: found {unknown[0]}, expected some of {', '.join(TARGETS)}")
    model = arguments.data.absolute() / "resnet8-cifar10"
    cifar10 = arguments.data.absolute() / "cifar10" / "cifar-10-batches-bin"
    work = arguments.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    document = reference(model, cifar10 / "data_batch_1.bin", arguments.probes, work)
    worst = check_reference(document)
    if not arguments.reference_only:
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
        worst = max([worst] + [compare(e, document, bitplan(e, model, cifar10, work)) for e in estimators])
    print(f"\nlargest distance {worst:.2f} standard errors, {LARGEST_Z} allowed")
    sys.exit(1 if worst > LARGEST_Z else 0)


if __name__ == "__main__":
    main()
