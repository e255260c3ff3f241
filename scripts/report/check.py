"""Runs all checks of the pages of a job, in the environment that `check_report.py` makes."""

import json
import pathlib
import sys

import broken
import fetching
import fronts
import hostile
import layout
import marks
import printing
import rows
import screenshots
import tables
import text
from chromium import browser
from faults import Faults
from job import Job

# Only for pages whose names are hostile.
HOSTILE = "hostile names"
CHECKS = {
    "fetches nothing": fetching.check,
    "says what the run found": rows.check,
    "sorting": tables.check_sorting,
    "saving": tables.check_saving,
    "tips": marks.check,
    "fronts": fronts.check,
    "names and order": layout.check_structure,
    "keyboard": layout.check_keyboard,
    "widths": layout.check_width,
    "labels": text.check_labels,
    "contrast": text.check_contrast,
    "print": printing.check,
    HOSTILE: hostile.check,
}


def checked(running, job, name):
    """Faults that one check finds in a page."""
    faults = Faults()
    try:
        CHECKS[name](running, job, faults)
    except Exception as error:  # What a broken page does to a check is a fault of the page.
        faults.say(f"the check could not go on: {type(error).__name__}: {str(error)[:300]}")
    return faults


def main():
    given = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
    jobs = [Job.read(job) for job in given["pages"]]
    names = [name for name in CHECKS if not given["only"] or name in given["only"]]
    fine = True
    with browser() as running:
        print(f"Chromium {running.version}", flush=True)
        for job in jobs:
            for name in names:
                if name == HOSTILE and not job.name.startswith("hostile"):
                    continue
                faults = checked(running, job, name)
                verdict = "WRONG" if faults.found else "ok"
                print(f"{job.name:24} {name:24} {faults.seen:5} looked at  {verdict}", flush=True)
                for line in faults.lines():
                    print(f"    {line}", flush=True)
                fine &= not faults.found
            if given["screenshots"]:
                screenshots.save(running, job, pathlib.Path(given["screenshots"]))
        if given["self_test"]:
            fine &= broken.check(running, jobs, names, checked)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
