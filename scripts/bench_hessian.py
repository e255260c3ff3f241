#!/usr/bin/env python3
"""Compares the cost of Hessian products and traces with PyTorch and PyHessian, in one run.

    bench_hessian.py --data DIR --weights FILE [--tools bitplan,bitplan_product,torch,torch_shared,pyhessian] [--repetitions N]
                     [--threads N] [--probes N] [--work FOLDER]

DIR has the folder cifar10, FILE (safetensors) the trained ResNet-20 of search_spaces/cifar10_resnet20.yaml. The loss is
the mean cross-entropy over the first 1,024 training images, in evaluation mode, in f32, for the weights of the 20
layers. Makes a Python environment with pinned packages in FOLDER (default target/reference; several GB), builds
`cargo bench --bench hessian`, and writes table.md and results.json to FOLDER/bench_hessian. Leave the machine alone.

Every measurement is a process of its own, one at a time, the tools in turn in each repetition; its peak memory is what
the system says of the whole process. bitplan's program is called as `hessian forms JOB`, `hessian product JOB` and `hessian converge JOB`,
JOB a JSON file with data, weights, images, micro_batch, threads, mean, std, seed, products, relative_error
(converge). It prints one JSON document: seconds_per_product and, if it can tell, cpu_seconds_per_product; or seconds,
draws and layers (name, trace, stderr).
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

from environment import environment, on_cpu

ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = "bitplan"
TOOLS = {
    OURS: "bitplan, vᵀ(Hv) of every layer",
    "bitplan_product": "bitplan, the whole product",
    "torch": "PyTorch double backward",
    "torch_shared": "the same, gradient shared by the products of a job",
    "pyhessian": "PyHessian",
}
IMAGES, MICRO_BATCHES = 1024, [32, 128]
# Products of one job, in which bitplan and torch_shared may share work; the others make one after the other, and one is
# enough to know its time.
SHARED = 4
RELATIVE_ERROR = 0.05
# Load average beyond the threads of one measurement that says that it was not alone.
OTHERS = 0.7
# Of the pixels of all 50,000 training images, scaled to 0..1.
MEAN, STD = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]

LEGEND = """\
A trace needs vᵀ(Hv) of every layer; PyTorch and PyHessian make the whole product for it. Seconds per product over all images: median (smallest – largest) of {repetitions} runs, the tools in turn; a job of
bitplan and of the shared variant has {shared} products. CPU seconds, of all threads, tell work from waiting. Ratio:
median of the ratios to bitplan's run of the same turn. Memory: largest resident memory of the process, all of it
(PyTorch's libraries included). PyHessian makes the products, but gives only the trace of all layers together.

Products: those that Hutchinson's estimator needs until the standard error of the layer is {error:.0%} of its exact trace,
(s / ({error} t))² with the standard deviation s of {probes} probes, at least 2; seconds are these times the seconds
per product of the better micro-batch: computed, not run. For bitplan they are run.
"""


def build():
    """Path of bitplan's program."""
    command = ["cargo", "bench", "--bench", "hessian", "--no-run", "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "hessian":
            return message["executable"]
    sys.exit("cargo bench: found no program `hessian` in its messages; look at what it printed above")


def measure(command, job, work):
    """The JSON document that a program prints about a job, with the peak memory of its process."""
    file = work / "job.json"
    file.write_text(json.dumps(job))
    process = subprocess.Popen([*command, file], stdout=subprocess.PIPE, text=True, env=on_cpu(job["threads"]))
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {process.returncode}")
    return {**json.loads(text), "peak_rss_mb": usage.ru_maxrss / 1024}


def needed(deviation, trace):
    """Probes until the standard error of the mean is small enough."""
    return max(2.0, (deviation / (RELATIVE_ERROR * trace)) ** 2)


def products_table(tools, runs):
    """Seconds and memory of every tool and micro-batch."""
    rows = ["| micro-batch | tool | s per product | CPU s | ratio to bitplan | peak memory, MB |", "|-|-|-|-|-|-|"]
    for size in MICRO_BATCHES:
        of = {tool: [r for r in runs if r["tool"] == tool and r["micro_batch"] == size] for tool in tools}
        for tool in tools:
            seconds = [r["seconds_per_product"] for r in of[tool]]
            ratio = "–"
            if OURS in of:
                ratio = f"{statistics.median(s / r['seconds_per_product'] for s, r in zip(seconds, of[OURS])):.2f}"
            span = f"{statistics.median(seconds):.2f} ({min(seconds):.2f} – {max(seconds):.2f})"
            cpu = [r["cpu_seconds_per_product"] for r in of[tool] if "cpu_seconds_per_product" in r]
            busy = f"{statistics.median(cpu):.2f}" if cpu else "–"
            memory = max(r["peak_rss_mb"] for r in of[tool])
            rows.append(f"| {size} | {TOOLS[tool]} | {span} | {busy} | {ratio} | {memory:.0f} |")
    return rows


def traces_table(tools, runs, results):
    """Exact traces, spread of a probe, and the time that each tool needs for each layer."""
    best = {}
    for tool in tools:
        medians = {
            size: statistics.median(
                r["seconds_per_product"] for r in runs if r["tool"] == tool and r["micro_batch"] == size
            )
            for size in MICRO_BATCHES
        }
        best[tool] = min(medians.values())
    peers = [tool for tool in tools if not tool.startswith(OURS)]
    columns = ["layer", "exact trace", "deviation of a probe", "products", *(f"{TOOLS[p]}, s" for p in peers)]
    rows = ["| " + " | ".join(columns) + " |", "|-" * len(columns) + "|"]
    counts = []
    for name, trace, deviation in zip(results["layers"], results["exact"], results["deviation"]):
        count = needed(deviation, trace)
        counts.append(count)
        cells = [name, f"{trace:.4g}", f"{deviation:.3g}", f"{count:.0f}"] + [f"{count * best[p]:.0f}" for p in peers]
        rows.append("| " + " | ".join(cells) + " |")
    cells = ["every layer", "", "", f"{max(counts):.0f}"] + [f"{max(counts) * best[p]:.0f}" for p in peers]
    rows.append("| " + " | ".join(cells) + " |")
    if ours := results.get("converged"):
        rows += ["", f"bitplan, every layer: {ours['seconds']:.0f} s, {ours['draws']} draws, run to the end", ""]
        rows += ["| layer | trace | standard error | distance to exact, standard errors |", "|-|-|-|-|"]
        for layer, exact in zip(ours["layers"], results["exact"]):
            z = (layer["trace"] - exact) / layer["stderr"] if layer["stderr"] else 0.0
            rows.append(f"| {layer['name']} | {layer['trace']:.4g} | {layer['stderr']:.2g} | {z:.2f} |")
    return rows


def main():
    """Measures, then writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True, help="folder of cifar10")
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="trained ResNet-20, safetensors")
    parser.add_argument("--tools", default=",".join(TOOLS), help="default: %(default)s")
    parser.add_argument("--repetitions", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--probes", type=int, default=32, help="to measure the spread of a probe; default: %(default)s")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target" / "reference", help="default: %(default)s")
    arguments = parser.parse_args()
    tools = arguments.tools.split(",")
    if unknown := [t for t in tools if t not in TOOLS]:
        parser.error(f"--tools: found {unknown[0]}, expected some of {', '.join(TOOLS)}")
    out = arguments.work.absolute() / "bench_hessian"
    out.mkdir(parents=True, exist_ok=True)
    python, versions = environment(arguments.work)
    peer = [python, ROOT / "scripts" / "hessian" / "peers.py"]
    ours = build() if OURS in tools or "bitplan_product" in tools else None
    batch = arguments.data.absolute() / "cifar10" / "cifar-10-batches-bin" / "data_batch_1.bin"
    common = {
        "data": str(batch),
        "weights": str(arguments.weights.absolute()),
        "images": IMAGES,
        "threads": arguments.threads,
        "mean": MEAN,
        "std": STD,
    }

    def job(size, products, seed):
        return {**common, "micro_batch": size, "products": products, "seed": seed}

    runs, started = [], datetime.datetime.now(datetime.UTC)
    for repetition in range(arguments.repetitions):
        for size in MICRO_BATCHES:
            for tool in tools:
                load = os.getloadavg()[0]
                mine = {OURS: "forms", "bitplan_product": "product"}
                command = [ours, mine[tool]] if tool in mine else [*peer, tool]
                products = SHARED if tool in (*mine, "torch_shared") else 1
                answer = measure(command, job(size, products, repetition), out)
                runs.append({"tool": tool, "micro_batch": size, "repetition": repetition, "load": load, **answer})
                seconds, memory = answer["seconds_per_product"], answer["peak_rss_mb"]
                print(f"{repetition + 1}/{arguments.repetitions} micro-batch {size}, {tool}: {seconds:.2f} s, "
                      f"{memory:.0f} MB, load {load:.1f}", flush=True)
    spread = []
    for start in range(0, arguments.probes, SHARED):
        spread += measure([*peer, "torch_shared"], job(MICRO_BATCHES[0], SHARED, 1000 + start), out)["values"]
    exact = measure([*peer, "exact"], job(MICRO_BATCHES[0], 1, 0), out)
    results = {
        "versions": versions,
        "started": started.isoformat(timespec="seconds"),
        "runs": runs,
        "layers": exact["layers"],
        "exact": exact["values"],
        "deviation": [statistics.stdev(values) for values in zip(*spread)],
        "probes": spread,
    }
    if ours:
        converge = {**job(MICRO_BATCHES[0], 1, 0), "relative_error": RELATIVE_ERROR}
        results["converged"] = measure([ours, "converge"], converge, out)
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    legend = LEGEND.format(
        repetitions=arguments.repetitions, shared=SHARED, error=RELATIVE_ERROR, probes=len(spread)
    )
    named = ", ".join(f"{n} {v}" for n, v in versions.items() if n in ("torch", "pyhessian"))
    loads = [r["load"] for r in runs]
    busy = " (others were at work: repeat it)" if max(loads) > arguments.threads + OTHERS else ""
    head = (f"ResNet-20, CIFAR-10, {IMAGES} images, threads: {arguments.threads}; {named}; "
            f"load average {min(loads):.1f} – {max(loads):.1f}{busy}")
    lines = [head, "", legend, *products_table(tools, runs), "", *traces_table(tools, runs, results)]
    (out / "table.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
