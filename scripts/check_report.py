#!/usr/bin/env python3
"""Opens the pages of `bitplan report` in Chromium and checks what a reader relies on.

    check_report.py [RUN_DIR ...] [--pages FILE ...] [--hostile] [--self-test] [--screenshots FOLDER]

Writes a page for each run and one that compares the first two. Checks that a page fetches nothing and runs no script but its
own; that it says what `bitplan report --json` says; that tables are sorted and saved rightly; what marks say when pointed at or
focused; what points of fronts show; names, headings, keyboard, widths from 360 to 1280 pixels, overlapping or small labels,
contrast in light and dark, and printing. Without arguments, the runs are those in `results/`.

Needs a Chromium (installs Debian's as root if there is none), and makes a Python environment with pinned packages in --work
(0.2 GB). Exit code 1: something is wrong.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

from environment import environment

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEEDED = {"playwright": "1.65.2", "pypdfium2": "5.15.2", "pillow": "13.0.0", "blake3": "1.0.11"}


def written(bitplan, runs, file):
    """Has the program write the page of a run, or of several; what it says of them as JSON."""
    command = [bitplan, "report", *runs, "-o", file, "--json", "--quiet"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
    if answer.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit code {answer.returncode}: {answer.stdout.strip()}")
    file.with_suffix(".json").write_text(answer.stdout, encoding="utf-8")


def page(bitplan, runs, folder, name):
    """Page of a run, or of several; what is to be checked of it."""
    file = folder / f"{name}.html"
    reports = [folder / f"{name}-{place}.html" for place, _ in enumerate(runs)] if len(runs) > 1 else [file]
    for run, report in zip(runs, reports):
        written(bitplan, [run], report)
    if len(runs) > 1:
        written(bitplan, runs, file)
    reports = [str(report.with_suffix(".json")) for report in reports]
    return {"name": name, "file": str(file), "reports": reports, "comparison": len(runs) > 1}


def pages(given, python, folder):
    """All pages that are asked for."""
    runs = given.runs
    if not (runs or given.pages):
        runs = sorted(path.parent for path in ROOT.glob("results/*/facts.json"))
    if not (runs or given.pages):
        sys.exit("found no run in results/, expected a RUN_DIR or --pages: make one with `bitplan run`")
    made = [page(given.bitplan, [run], folder, f"{place}-{run.resolve().name}") for place, run in enumerate(runs, 1)]
    if len(runs) > 1:
        made.append(page(given.bitplan, runs[:2], folder, "comparison"))
    if given.hostile and runs:
        renamed = folder / "hostile_run"
        command = [python, ROOT / "scripts" / "report" / "rename.py", runs[0], renamed]
        subprocess.run(command, check=True)
        made.append(page(given.bitplan, [renamed], folder, "hostile"))
    for file in given.pages:
        comparison = 'id="only-different"' in file.read_text(encoding="utf-8")
        made.append({"name": file.stem, "file": str(file), "reports": [], "comparison": comparison})
    return made


def main():
    """Environment, pages, checks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "runs", metavar="RUN_DIR", nargs="*", type=pathlib.Path, help="folders of runs; default: results/*"
    )
    parser.add_argument("--pages", nargs="+", type=pathlib.Path, default=[], help="pages that are there already")
    parser.add_argument(
        "--hostile", action="store_true", help="also the first run with hostile names of layers and plans"
    )
    parser.add_argument("--self-test", action="store_true", help="also: pages broken on purpose must be found broken")
    parser.add_argument("--screenshots", type=pathlib.Path, help="folder for pictures of the pages")
    parser.add_argument("--only", help="names of checks, with commas between")
    parser.add_argument(
        "--bitplan", type=pathlib.Path, default=ROOT / "target" / "release" / "bitplan", help="default: %(default)s"
    )
    parser.add_argument(
        "--work", type=pathlib.Path, default=ROOT / "target" / "report_check", help="default: %(default)s"
    )
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    python, versions = environment(given.work, NEEDED)
    print(", ".join(f"{name} {version}" for name, version in versions.items()), flush=True)
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        folder = pathlib.Path(folder)
        job = folder / "job.json"
        job.write_text(json.dumps({
            "pages": pages(given, python, folder),
            "only": given.only.split(",") if given.only else None,
            "screenshots": str(given.screenshots.absolute()) if given.screenshots else None,
            "self_test": given.self_test,
        }), encoding="utf-8")  # fmt: skip
        sys.exit(subprocess.run([python, ROOT / "scripts" / "report" / "check.py", job]).returncode)


if __name__ == "__main__":
    main()
