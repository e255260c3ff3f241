"""What the page says against `report.json`: layers, data to save, and what differs between two runs."""

import json

from chromium import opened, script

LAYERS = script("layers")


def plain(name):
    """A name without what a browser lays out in another way."""
    return " ".join(name.split())


def chosen(report):
    """Layer name → candidate of the first plan, in the order of the layers."""
    choices = report["plans"][0]["choices"] if report["plans"] else [None] * len(report["layers"])
    key = lambda choice: choice and (choice["weight_bits"], choice["activation_bits"])
    return {layer["name"]: key(choice) for layer, choice in zip(report["layers"], choices)}


def differs(reports, name):
    """Whether a layer is missing in a run, has another size there, or other bits in its first plan, if there is one."""
    sizes = [{layer["name"]: (layer["parameters"], layer["macs"]) for layer in report["layers"]} for report in reports]
    bits = [chosen(report) for report in reports]
    return len({found.get(name) for found in sizes}) > 1 or len({found[name] for found in bits if found.get(name)}) > 1


def check(running, job, faults):
    """One run's page, or a comparison."""
    with opened(running, job.file) as view:
        comparison(view, job, faults) if job.comparison else run(view, job, faults)


def run(view, job, faults):
    """One run: all layers in order, and data that can be saved."""
    report = job.report(view)
    rows = view.ask(LAYERS)
    names = [plain(layer["name"]) for layer in report["layers"]]
    faults.count(len(names))
    if [plain(row["name"]) for row in rows] != names:
        faults.say(f"the table of layers has {[row['name'] for row in rows][:6]}…, expected {names[:6]}…")
    for choice, row in zip(chosen(report).values(), rows):
        if choice and str(choice[0]) not in row["text"]:
            faults.say(f"the row of {row['name'][:40]!r} does not say {choice[0]} bits: {plain(row['text'])[:80]!r}")
    with view.page.expect_download() as download:
        view.page.locator("#save-json").click()
    with open(download.value.path(), encoding="utf-8") as file:
        saved = json.load(file)
    without_machine = lambda given: {key: value for key, value in given.items() if key != "machine"}
    if without_machine(saved) != without_machine(report):
        differing = sorted(key for key in set(saved) | set(report) if saved.get(key) != report.get(key))
        faults.say(f"the saved data is not the run's report: {differing}")


def comparison(view, job, faults):
    """Two runs or more: the layers that differ, alone on demand."""
    # A page that is there already brings no reports to compare it with.
    if not job.reports:
        return
    names = list(dict.fromkeys(layer["name"] for report in job.reports for layer in report["layers"]))
    differing = [plain(name) for name in names if differs(job.reports, name)]
    rows = view.ask(LAYERS)
    faults.count(len(rows))
    if sorted(plain(row["name"]) for row in rows) != sorted(map(plain, names)):
        faults.say(f"the table of layers has {len(rows)} rows, expected {len(names)}")
    marked = sorted(plain(row["name"]) for row in rows if not row["same"])
    if marked != sorted(differing):
        faults.say(
            f"marks {len(marked)} layers as differing, expected {len(differing)}: {sorted(set(marked) ^ set(differing))[:6]}"
        )
    only = view.page.locator("#only-different")
    for wanted in (differing, list(map(plain, names))) if only.count() else ():
        only.press("Space") if wanted is differing else only.click()
        shown = [plain(row["name"]) for row in view.ask(LAYERS) if row["shown"]]
        if sorted(shown) != sorted(wanted):
            faults.say(
                f"only-different {'on' if wanted is differing else 'off'}: {len(shown)} layers, expected {len(wanted)}"
            )
    if not only.count() and len(differing) < len(names):
        faults.say("has no box #only-different")
