#!/usr/bin/env python3
"""Compares training, evaluation and their operations with PyTorch on the CPU, in one run.

    bench_training.py [--work FOLDER] [--tools bitplan,torch,torch_channels_last] [--repetitions N] [--threads N]
                      [--parts float,supernet,evaluate,operations,profile]

Makes a Python environment with pinned packages in FOLDER (default target/reference; several GB), builds
`cargo bench --bench training`, and writes table.md and results.json to FOLDER/bench_training. Leave the machine alone:
a barrier of PyTorch's OpenMP waits for a thread that another program keeps from running; with others at work, only
`--threads 1` and the ratios of the fastest steps mean anything.

Both sides compute the same, in f32, from the same first parameters and images; the program stops if they do not: the
quantisers are compared element by element; the losses of the first steps may differ by the shares in TOLERANCE. Every
measurement is a process of its own, the tools in turn in each repetition. Inside the time: of a training step, forward,
loss, backward, running statistics and optimiser, and on bitplan's side also that the batch is gathered and normalised,
without augmentation, while PyTorch has a ready tensor; of evaluation, forward, loss and count of the correct, with
weights quantised before; of bitplan also the gathering of batches.
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys

from environment import environment, on_cpu

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "training"))
import report

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYOUTS = {"torch": "contiguous", "torch_channels_last": "channels_last"}
TOOLS = [report.OURS, *LAYOUTS]
PARTS = ["float", "supernet", "evaluate", "operations", "profile"]
STEPS, IMAGES = 10, 1024
ADAM = {"optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.0}
SGD = {"optimizer": "sgd", "learning_rate": 0.01, "weight_decay": 5e-4}
NETWORKS = {
    "resnet8": {"batch": 64, **ADAM},
    "resnet20": {"batch": 128, **SGD},
    "inverted_residuals": {"batch": 64, **ADAM},
}
# Of the losses of the first CHECKED steps, by bits. Rounding makes a chaotic system of a quantised network: the last
# bit of a sum moves codes of the next layer by one, and after some layers two correct programs differ by the noise of
# the quantisers themselves; the two layouts of PyTorch do.
CHECKED = 3
TOLERANCE = {32: 1e-3, 8: 0.02, 6: 0.02, 4: 0.04, 2: 0.15}
PRECISIONS = [8, 6, 4, 2]
# glibc then keeps freed memory as a caching allocator does, which PyTorch's tuning guide advises: clearing new pages
# otherwise takes up to five times as long as a convolution. bitplan's program has mimalloc.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 34)}
# Shares of values and gradients whose bits differ, and the relative deviation of the scales' gradients.
QUANTIZER_TOLERANCE = {"quantized": 1e-4, "gradient": 1e-4, "scale_gradient": 1e-3}
# input channels, output channels, extent, kernel, stride, groups, batch
CONVOLUTIONS = [
    (1, 16, 28, 3, 1, 1, 64), (16, 16, 28, 3, 1, 1, 64), (16, 32, 28, 3, 2, 1, 64), (16, 32, 28, 1, 2, 1, 64),
    (3, 16, 32, 3, 1, 1, 128), (16, 16, 32, 3, 1, 1, 128), (16, 32, 32, 3, 2, 1, 128), (32, 32, 16, 3, 1, 1, 128),
    (32, 64, 16, 3, 2, 1, 128), (64, 64, 8, 3, 1, 1, 128),
    (96, 96, 16, 3, 1, 96, 64), (96, 96, 16, 3, 2, 96, 64), (16, 96, 32, 1, 1, 1, 64), (96, 24, 16, 1, 1, 1, 64),
]  # fmt: skip
# batch, channels, extent
MAPS = [(128, 16, 32), (128, 64, 8), (64, 96, 16)]
LEGEND = """\
Times: median of the processes' medians (smallest – largest of them); processes for each: {repetitions}, of {steps}
training steps each, the first {warm_up} not counted. Ratio: bitplan's time over the peer's, below 1 where bitplan is
faster: median of the turns / of the fastest steps of all, which other programs on the machine disturb least. Memory:
largest resident memory of the process (above what it had before the first step). Operations: the fastest run; a
multiply-add counts as two; bytes are those of five tensors, the least that forward and backward must read and write
(x, y; x, g, dx); smaller than the last cache, they may go faster than a copy in memory.
"""


def build():
    """Path of bitplan's program."""
    command = ["cargo", "bench", "--bench", "training", "--no-run", "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    for text in output.splitlines():
        message = json.loads(text)
        if message.get("executable") and message["target"]["name"] == "training":
            return message["executable"]
    sys.exit("cargo bench: found no program `training` in its messages; look at what it printed above")


def operation_cases():
    """Title, job, floating-point operations and bytes of every operation."""
    found = []
    for channels, out, extent, kernel, stride, groups, batch in CONVOLUTIONS:
        size = {"batch": batch, "channels": channels, "extent": extent, "out": out, "kernel": kernel,
                "stride": stride, "groups": groups}  # fmt: skip
        rows = (extent + 2 * (kernel // 2) - kernel) // stride + 1
        flops = 2 * batch * out * rows**2 * channels // groups * kernel**2
        depthwise = " depthwise" if groups > 1 else ""
        title = f"{kernel}x{kernel}{depthwise} {channels}→{out}, {extent}x{extent}, stride {stride}, batch {batch}"
        for kind in ("forward", "input_gradient", "weight_gradient"):
            found.append((f"{title}, {kind.replace('_', ' ')}", {"kind": kind, **size}, flops, 0))
    for kind, title in (("norm_relu", "batch norm + ReLU"), ("fake_quant", "activation quantiser")):
        for batch, channels, extent in MAPS:
            job = {"kind": kind, "batch": batch, "channels": channels, "extent": extent}
            size = 4 * batch * channels * extent**2
            found.append((f"{title}, {batch}x{channels}x{extent}x{extent}", job, 0, 5 * size))
    return found


def jobs(parts):
    """Section, title and job of every process; the operations share one."""
    found = []
    for part in parts:
        if part in ("float", "supernet"):
            for name, recipe in NETWORKS.items():
                title = f"{name}, batch {recipe['batch']}, {recipe['optimizer']}"
                found.append((part, title, {"network": name, "steps": STEPS, **recipe}))
        elif part == "evaluate":
            for name in NETWORKS:
                for bits in (32, 4):
                    for batch in (128, 256):
                        title = f"{name}, {'FP32' if bits == 32 else f'w{bits}a{bits}'}, batch {batch}"
                        job = {"network": name, "steps": 3, "images": IMAGES, "batch": batch, "bits": bits}
                        found.append((part, title, job))
        elif part == "operations":
            job = {"steps": 10, "operations": [job for _, job, _, _ in operation_cases()]}
            found.append((part, "all operations", job))
    return found


class Bench:
    """The programs of both sides."""

    def __init__(self, arguments, out):
        python, self.versions = environment(arguments.work)
        self.peer = [python, ROOT / "scripts" / "training" / "peers.py"]
        self.ours, self.threads, self.out = build(), arguments.threads, out

    def call(self, tool, command, job):
        """The JSON document that a program prints about a job."""
        if tool in LAYOUTS:
            job = {**job, "layout": LAYOUTS[tool]}
        if "network" in job:
            job = {**job, "tensors": str(self.out / f"{job['network']}.safetensors")}
        file = self.out / "job.json"
        file.write_text(json.dumps({"threads": self.threads, **job}))
        program = self.peer if tool in LAYOUTS else [self.ours]
        environ = {**on_cpu(self.threads), **KEEP_MEMORY}
        done = subprocess.run([*program, command, file], stdout=subprocess.PIPE, text=True, env=environ)
        if done.returncode:
            sys.exit(f"{tool}, {command}: exit code {done.returncode}; its job is {file}")
        return json.loads(done.stdout)

    def compare_quantizers(self):
        """Stops if PyTorch's quantisers are not bitplan's."""
        job = {"tensors": str(self.out / "quantizers.safetensors")}
        self.call(report.OURS, "quantize", job)
        found = self.call("torch", "quantize", job)
        for name, deviation in found.items():
            if not deviation <= QUANTIZER_TOLERANCE[name]:
                sys.exit(f"quantisers, {name}: found a deviation of {deviation:.2g} between bitplan and PyTorch, "
                         f"expected at most {QUANTIZER_TOLERANCE[name]:.2g}: they compute different things")
        return found


def compare_losses(reference, run):
    """The largest relative deviation for each number of bits; stops if one is not the same computation's."""
    section, title, tool = (run[k] for k in ("section", "case", "tool"))
    bits = {"float": [32], "supernet": PRECISIONS, "evaluate": [run.get("bits")]}[section]
    largest = dict.fromkeys(bits, 0.0)
    for step, (ours, theirs) in enumerate(zip(reference["losses"][:CHECKED], run["losses"][:CHECKED], strict=True)):
        for width, a, b in zip(bits, ours, theirs, strict=True):
            deviation = abs(a - b) / abs(a)
            largest[width] = max(largest[width], deviation)
            if not deviation <= TOLERANCE[width]:
                sys.exit(f"{section}, {title}, step {step + 1}, {width} bits: found a loss of {b:.6g} by {tool} and of "
                         f"{a:.6g} by {reference['tool']}, expected a deviation of at most {TOLERANCE[width]:.1%}: "
                         "they compute different things")
    return largest


def main():
    """Measures, then writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", default=",".join(TOOLS), help="default: %(default)s")
    parser.add_argument("--parts", default=",".join(PARTS), help="default: %(default)s")
    parser.add_argument("--repetitions", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target" / "reference", help="default: %(default)s")
    arguments = parser.parse_args()
    tools, parts = arguments.tools.split(","), arguments.parts.split(",")
    for name, given, known in (("--tools", tools, TOOLS), ("--parts", parts, PARTS)):
        if unknown := [g for g in given if g not in known]:
            parser.error(f"{name}: found {unknown[0]}, expected some of {', '.join(known)}")
    out = arguments.work.absolute() / "bench_training"
    out.mkdir(parents=True, exist_ok=True)
    bench, started = Bench(arguments, out), datetime.datetime.now(datetime.UTC)
    for name in NETWORKS:
        bench.call(report.OURS, "export", {"network": name, "images": IMAGES})
    results = {
        "versions": bench.versions, "started": started.isoformat(timespec="seconds"), "tools": tools,
        "threads": arguments.threads, "quantizers": bench.compare_quantizers(),
        "peak": bench.call(report.OURS, "peak", {}), "runs": [],
    }  # fmt: skip
    deviations = {}
    for repetition in range(arguments.repetitions):
        for section, title, job in jobs(parts):
            reference = None
            for tool in tools:
                load = os.getloadavg()[0]
                answer = bench.call(tool, section, job)
                run = {"section": section, "case": title, "tool": tool, "repetition": repetition, "load": load}
                if section == "operations":
                    for (name, _, flops, size), seconds in zip(operation_cases(), answer["seconds"], strict=True):
                        own = {"case": name, "flops": flops, "bytes": size, "seconds": seconds}
                        results["runs"].append({**run, **own})
                else:
                    run |= {"images": job.get("images"), "bits": job.get("bits"), **answer}
                    results["runs"].append(run)
                    reference = reference or run
                    for bits, deviation in compare_losses(reference, run).items():
                        deviations[bits] = max(deviations.get(bits, 0.0), deviation)
                (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
                turn = f"{repetition + 1}/{arguments.repetitions}"
                print(f"{turn} {section}, {title}, {tool}, load {load:.1f}", flush=True)
    if "profile" in parts:
        recipes = ((name, {"network": name, **recipe, "steps": STEPS}) for name, recipe in NETWORKS.items())
        results["profiles"] = {name: bench.call(report.OURS, "profile", job) for name, job in recipes}
    results["loss_deviations"] = deviations
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    loads = [r["load"] for r in results["runs"]]
    checks = ", ".join(f"{b} bits {d:.1e}" for b, d in deviations.items())
    legend = LEGEND.format(repetitions=arguments.repetitions, steps=STEPS, warm_up=report.WARM_UP)
    head = (f"Threads: {arguments.threads}; torch {bench.versions['torch']}; "
            f"load average {min(loads):.1f} – {max(loads):.1f}")  # fmt: skip
    agreement = f"Largest relative deviation of a loss of the first {CHECKED} steps: {checks or 'not compared'}."
    lines = [head, "", legend, agreement, *report.tables(results)]
    (out / "table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
