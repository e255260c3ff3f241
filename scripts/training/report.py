"""Tables of the training benchmark, from the answers of its runs."""

import statistics

OURS = "bitplan"
WARM_UP = 2


def timed(run):
    """Seconds of the measured steps of a process."""
    return run["seconds"][WARM_UP:] if run["section"] in ("float", "supernet") else run["seconds"]


def cases(runs, section):
    """Runs of a section by case and tool, in the order of the first."""
    found = {}
    for run in runs:
        if run["section"] == section:
            found.setdefault(run["case"], {}).setdefault(run["tool"], []).append(run)
    return found


def ratios(of, tools):
    """bitplan's seconds over those of each peer: the median of the turns, and of the fastest steps of all."""
    cells = []
    for tool in tools:
        if tool == OURS or OURS not in of or tool not in of:
            continue
        pairs = zip(of[OURS], of[tool])
        turns = [statistics.median(timed(a)) / statistics.median(timed(b)) for a, b in pairs]
        fastest = min(min(timed(r)) for r in of[OURS]) / min(min(timed(r)) for r in of[tool])
        cells.append(f"{statistics.median(turns):.2f} / {fastest:.2f}")
    return cells


def head(first, tools, unit, more=()):
    """The first two lines of a table."""
    peers = [t for t in tools if t != OURS] if OURS in tools else []
    columns = [first, *(f"{t}, {unit}" for t in tools), *(f"ratio to {p}" for p in peers), *more]
    return ["| " + " | ".join(columns) + " |", "|-" * len(columns) + "|"]


def line(cells):
    """One row."""
    return "| " + " | ".join(cells) + " |"


def steps(runs, section, tools):
    """Milliseconds of a step, and memory."""
    rows = head("network", tools, "ms", [f"{t}, MB" for t in tools])
    for case, of in cases(runs, section).items():
        cells = [case]
        for tool in tools:
            medians = [1e3 * statistics.median(timed(r)) for r in of[tool]]
            cells.append(f"{statistics.median(medians):.1f} ({min(medians):.1f} – {max(medians):.1f})")
        memory = []
        for tool in tools:
            peak, start = (statistics.median(r[k] for r in of[tool]) for k in ("peak_mb", "start_mb"))
            memory.append(f"{peak:.0f} (+{peak - start:.0f})")
        rows.append(line([*cells, *ratios(of, tools), *memory]))
    return rows


def throughput(runs, tools):
    """Images per second."""
    rows = head("network", tools, "images/s")
    for case, of in cases(runs, "evaluate").items():
        cells = [case]
        for tool in tools:
            rates = [r["images"] / statistics.median(timed(r)) for r in of[tool]]
            cells.append(f"{statistics.median(rates):.0f} ({min(rates):.0f} – {max(rates):.0f})")
        rows.append(line([*cells, *ratios(of, tools)]))
    return rows


def operations(runs, tools, peak):
    """Milliseconds of the fastest run, and what they are of the machine's peak."""
    rows = head("operation", tools, "ms", [f"{t}, rate (share of peak)" for t in tools])
    for case, of in cases(runs, "operations").items():
        best = {tool: min(min(timed(r)) for r in of[tool]) for tool in tools}
        cells = [case, *(f"{1e3 * best[t]:.2f}" for t in tools), *ratios(of, tools)]
        for tool in tools:
            run = of[tool][0]
            kind, unit = ("flops", "GFLOP/s") if run["flops"] else ("bytes", "GB/s")
            rate = run[kind] / best[tool]
            share = f" ({rate / peak[kind]:.0%})" if peak[kind] else ""
            cells.append(f"{rate / 1e9:.0f} {unit}{share}")
        rows.append(line(cells))
    return rows


def profile(found, threads, peak):
    """What the threads do in one SuperNet iteration, and how near to the machine's peaks."""
    rows = ["| part | thread-ms | share | rate | share of the peak |", "|-|-|-|-|-|"]
    whole, busy = threads * found["wall"], 0.0
    for part in found["parts"]:
        seconds = part["thread_seconds"]
        busy += seconds
        kind, unit = ("flops", "GFLOP/s") if part["flops"] else ("bytes", "GB/s")
        rate = threads * part[kind] / seconds
        cells = [f"{rate / 1e9:.0f} {unit}", f"{rate / peak[kind]:.0%}"] if part[kind] and peak[kind] else ["", ""]
        rows.append(line([part["part"], f"{1e3 * seconds:.1f}", f"{seconds / whole:.0%}", *cells]))
    alone = {"weights quantised and bound": found["binding"], "loss": found["loss"]}
    for what, seconds in alone.items():
        rows.append(line([what, f"{1e3 * threads * seconds:.1f}", f"{threads * seconds / whole:.0%}", "", ""]))
    rest = whole - busy - threads * sum(alone.values())
    rows.append(line(["packing, sums over pieces, waiting", f"{1e3 * rest:.1f}", f"{rest / whole:.0%}", "", ""]))
    return rows


def tables(results):
    """All tables, as lines of Markdown."""
    runs, tools, peak = results["runs"], results["tools"], results["peak"]
    present = {run["section"] for run in runs}
    lines = []
    if "float" in present:
        lines += ["", "## FP32 training step", "", *steps(runs, "float", tools)]
    if "supernet" in present:
        lines += ["", "## SuperNet iteration, 8, 6, 4 and 2 bits", "", *steps(runs, "supernet", tools)]
    if "evaluate" in present:
        lines += ["", "## Evaluation", "", *throughput(runs, tools)]
    if "operations" in present:
        flops = f"{peak['flops'] / 1e9:.0f} GFLOP/s" if peak["flops"] else "unknown"
        lines += ["", f"## Operations; peak {flops}, copies {peak['bytes'] / 1e9:.0f} GB/s", ""]
        lines += operations(runs, tools, peak)
    for name, found in results.get("profiles", {}).items():
        title = f"## One SuperNet iteration of {name}, without the optimiser: {1e3 * found['wall']:.1f} ms"
        lines += ["", title, "", *profile(found, results["threads"], peak)]
    return lines
