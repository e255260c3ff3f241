#!/usr/bin/env python3
"""Compares the planner with general integer solvers on the same instances, in one run.

    bench_planner.py [--sizes 20,54] [--kinds realistic,tied] [--budgets 1,2] [--peers highs,cbc,microlp]
                     [--limit SECONDS] [--out FOLDER]

Builds the benchmark (`cargo bench --bench planner`), solves every instance with bitplan, HiGHS (`highspy`), CBC
(through PuLP) and microlp (through good_lp), one at a time, and writes table.md and results.json to FOLDER. What Python
lacks of highspy and PuLP is installed into an environment of its own in the user's cache folder. A solver that does not
end by itself at the limit is killed; the peers are asked for an optimum without a gap.

No solver is believed: every choice is checked here, in whole numbers against the budgets and in fractions for the
objective. Times are of solving only, without building or reading the model.
"""

import argparse
import datetime
import fractions
import json
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS = ["highspy==1.15.1", "pulp==3.3.2"]
OURS, PEERS = "bitplan", {"highs": "HiGHS", "cbc": "CBC", "microlp": "microlp"}
VERDICTS = ["optimal", "time", "states", "wrong", "over", "none", "killed"]
# Seconds: to read an instance; and beyond the limit, to write the model (which PuLP does last) and report the answer,
# for any instance and for each layer of it.
SETUP, GRACE, GRACE_PER_LAYER = 300.0, 5.0, 1e-3

LEGEND = """\
Seconds are of solving only, the median of 5 runs where one takes less than 1 s; CBC reports them to 0.01. A number
after `time`, `states`, `wrong` or in the column `gap` is relative to the best objective known above the sum of each
layer's smallest: `gap` is the proof that bitplan lacks, the others are how much worse the answer is. `optimal`: the
solver says so and no better choice is known; for bitplan, its bound agrees. `wrong`: it says so, and a better choice is
known. `over`: its choice exceeds a budget, by this share of it. `time`, `states`: stopped at the limit of time or
memory. `killed`: did not stop. `none`: no choice. The ratio is the time of the fastest peer with a true optimum over
that of bitplan; `>` where no peer had one within the limit, `<` where bitplan had none.
"""


def python_with_peers():
    """A Python that has the peers, this one or one of an environment that is made for them, and their versions."""
    probe = ["-c", "import highspy, pulp; from importlib.metadata import version as v; "
                   "print('highspy', v('highspy'), 'pulp', v('pulp'))"]

    def versions(python):
        return subprocess.run([python, *probe], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout

    if found := versions(sys.executable):
        return sys.executable, found.strip()
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = cache / "bitplan" / "planner-peers"
    python = str(folder / "bin" / "python")
    if not pathlib.Path(python).exists():
        venv.create(folder, with_pip=True)
    if not versions(python):
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
    return python, versions(python).strip()


def build():
    """Path of the benchmark's program."""
    command = ["cargo", "bench", "--bench", "planner", "--no-run", "--message-format=json"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in output.splitlines():
        message = json.loads(line)
        if message.get("executable") and message["target"]["name"] == "planner":
            return message["executable"]
    sys.exit("cargo bench: found no program `planner` in its messages; look at what it printed above")


def run(command, patience):
    """The last line that a solver printed, as JSON; a run of it that lasts longer than this many seconds is killed."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    killed = threading.Event()

    def kill():
        killed.set()
        os.killpg(process.pid, signal.SIGKILL)

    def armed(seconds):
        timer = threading.Timer(seconds, kill)
        timer.start()
        return timer

    timer, answer = armed(SETUP), None
    errors = []
    reader = threading.Thread(target=lambda: errors.extend(process.stderr))
    reader.start()
    try:
        for line in process.stdout:
            if line.strip() == "solving":
                timer.cancel()
                timer = armed(patience)
            elif line.startswith("{"):
                answer = json.loads(line)
        process.wait()
    finally:
        # Also when this program is interrupted: the solver has a process group of its own and would run on.
        timer.cancel()
        if process.poll() is None:
            kill()
        reader.join()
    if answer is None and not killed.is_set():
        print(f"  failed: {errors[-1].strip() if errors else process.returncode}", file=sys.stderr)
    status = "killed" if killed.is_set() else "failed"
    return answer or {"status": status, "choice": None, "seconds": None, "nodes": None}


def check(instance, choice):
    """Exact objective of a choice, and the largest share by which it exceeds a budget; None for what is no choice."""
    objective = instance["objective"]
    if choice is None or len(choice) != len(objective):
        return None
    if not all(0 <= c < len(layer) for c, layer in zip(choice, objective)):
        return None
    over = 0.0
    for weight, limit in zip(instance["weight"], instance["limit"]):
        used = sum(layer[c] for c, layer in zip(choice, weight))
        over = max(over, (used - limit) / max(limit, 1))
    return sum(fractions.Fraction(layer[c]) for c, layer in zip(choice, objective)), over


def judge(instance, answers):
    """Adds to every answer what it is worth beside the best choice that any solver found."""
    checked = {name: check(instance, answer.pop("choice")) for name, answer in answers.items()}
    within = [objective for objective, over in filter(None, checked.values()) if over == 0]
    floor = sum(fractions.Fraction(min(layer)) for layer in instance["objective"])
    best = min(within, default=None)
    # Sums in floating point, ours and theirs, are not finer than this.
    resolution = len(instance["objective"]) * sys.float_info.epsilon
    size = None if best is None else (best - floor) or 1
    for name, answer in answers.items():
        objective, over = checked[name] or (None, 0.0)
        claims = answer["status"] in ("claimed", "optimal")
        answer["objective"] = None if objective is None else float(objective)
        answer["over"] = over
        answer["worse"] = None if objective is None or best is None or over else float((objective - best) / size)
        answer["verdict"] = answer["status"]
        if over:
            answer["verdict"] = "over"
        elif objective is None:
            answer["verdict"] = "wrong" if claims or answer["status"] == "infeasible" and within else answer["status"]
        elif claims:
            answer["verdict"] = "wrong" if answer["worse"] > resolution else "optimal"
        if answer.get("bound") is not None and best is not None:
            bound = fractions.Fraction(answer["bound"])
            answer["gap"] = max(0.0, float((best - bound) / size))
            if (bound - best) / size > resolution:
                answer["verdict"] = "wrong"


def number(x, digits=2):
    """A short form of a number."""
    if x is None:
        return "–"
    return str(x) if isinstance(x, int) else f"{x:.{digits}g}" if x < 100 else f"{x:.0f}"


def ratio(answers, limit):
    """Time of the fastest peer that found a true optimum over ours."""
    ours = answers[OURS]
    times = [a["seconds"] for name, a in answers.items() if name != OURS and a["verdict"] == "optimal"]
    solved = ours["verdict"] == "optimal"
    if len(answers) < 2 or not (solved or times):
        return "–", None
    fraction = min(times, default=limit) / max(ours["seconds"] if solved else limit, 1e-9)
    return ("" if solved and times else ">" if solved else "<") + number(fraction), fraction


def verdict(answer):
    """Cell that says what an answer is worth."""
    word, worse = answer["verdict"], answer["worse"]
    if word == "over":
        return f"**over** {answer['over']:.0e}"
    if word == "wrong":
        return f"**wrong** {worse:.0e}" if worse else "**wrong**"
    return word if word == "optimal" or worse is None else f"{word} {worse:.0e}" if worse else f"{word} 0"


def table(results, peers, limit):
    """Markdown of all results, and of how often each solver was right."""
    names = [PEERS[p] for p in peers]
    head = ["instance", "bitplan s", "answer", "gap", "nodes"]
    head += [cell for name in names for cell in (f"{name} s", "answer")] + ["ratio"]
    lines = ["| " + " | ".join(head) + " |", "|-|-:|-|-:|-:|" + "-:|-|" * len(names) + "-:|"]
    counts = {name: {} for name in [OURS, *peers]}
    fractions_known = []
    for row in results:
        answers = row["answers"]
        ours = answers[OURS]
        gap = "0" if ours["verdict"] == "optimal" else number(ours.get("gap"), 1)
        cells = [row["instance"], number(ours["seconds"]), verdict(ours), gap, number(ours["nodes"])]
        for peer in peers:
            cells += [number(answers[peer]["seconds"]), verdict(answers[peer])]
        text, fraction = ratio(answers, limit)
        if fraction is not None:
            fractions_known.append(fraction)
        lines.append("| " + " | ".join([*cells, text]) + " |")
        for name, count in counts.items():
            count[answers[name]["verdict"]] = count.get(answers[name]["verdict"], 0) + 1
    lines += ["", "| solver | " + " | ".join(VERDICTS) + " | other |", "|-|" + "-:|" * (len(VERDICTS) + 1)]
    for name, count in counts.items():
        known = [count.get(v, 0) for v in VERDICTS]
        cells = [PEERS.get(name, name), *map(str, known), str(sum(count.values()) - sum(known))]
        lines.append("| " + " | ".join(cells) + " |")
    if fractions_known:
        mean = math.exp(sum(map(math.log, fractions_known)) / len(fractions_known))
        lines += ["", f"Geometric mean of {len(fractions_known)} ratios, limits taken as times: {number(mean)}."]
    return "\n".join([*lines, "", LEGEND])


def numbers(text):
    """A comma-separated list of whole numbers."""
    return [int(x) for x in text.split(",")]


def arguments():
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=numbers, help="numbers of layers; default: all")
    parser.add_argument("--kinds", type=lambda text: text.split(","), help="kinds of instances; default: all")
    parser.add_argument("--budgets", type=numbers, help="numbers of budgets; default: all")
    parser.add_argument("--peers", type=lambda text: text.split(","), default=list(PEERS), help="default: all")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds that a solver may take; default: 60")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "results" / "data" / "planner", help="folder")
    parsed = parser.parse_args()
    if unknown := set(parsed.peers) - set(PEERS):
        parser.error(f"--peers: found {', '.join(sorted(unknown))}, expected some of {', '.join(PEERS)}")
    return parsed


def main():
    """Builds, solves, checks, writes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    asked = arguments()
    program = build()
    python, versions = python_with_peers() if {"highs", "cbc"} & set(asked.peers) else (sys.executable, "")
    listed = subprocess.run([program, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    wanted = []
    for name in listed:
        kind, layers, _, budgets = re.fullmatch(r"(.+)-(\d+)x(\d+)-(\d+)", name).groups()
        filters = [(asked.kinds, kind), (asked.sizes, int(layers)), (asked.budgets, int(budgets))]
        if all(choice is None or value in choice for choice, value in filters):
            wanted.append(name)
    if not wanted:
        sys.exit(f"found no instance of these kinds, sizes and budgets among {len(listed)}; look at `{program} --list`")
    asked.out.mkdir(parents=True, exist_ok=True)
    conditions = {
        "date": datetime.date.today().isoformat(),
        "limit_seconds": asked.limit,
        "processors": os.cpu_count(),
        "versions": versions,
    }
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            path = pathlib.Path(folder, f"{name}.json")
            patience = asked.limit + GRACE + GRACE_PER_LAYER * int(re.search(r"-(\d+)x", name)[1])
            rust = [program, "--limit", str(asked.limit), "--instances", folder, name]
            answers = {OURS: run(rust, patience)}
            instance = json.loads(path.read_text())
            for peer in asked.peers:
                script = [python, str(ROOT / "scripts" / "planner_peers.py"), peer, str(path), str(asked.limit)]
                answers[peer] = run([*rust, "--solver", peer] if peer == "microlp" else script, patience)
            judge(instance, answers)
            path.unlink()
            results.append({"instance": name, "answers": answers})
            print(name, *(f"{n} {number(a['seconds'])} {verdict(a)}" for n, a in answers.items()), sep="  ", flush=True)
            # After every instance, so that a run that is stopped leaves what it has found.
            (asked.out / "results.json").write_text(json.dumps({**conditions, "results": results}, indent=1) + "\n")
            (asked.out / "table.md").write_text(table(results, asked.peers, asked.limit))


if __name__ == "__main__":
    main()
