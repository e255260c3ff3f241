"""Fronts: each point shows its plan, layer by layer, as the report has it."""

import itertools
import re

from chromium import opened

# Points of a front beyond this many are sampled.
POINTS = 150

PANEL = """cost => {
  const panel = document.getElementById(`front-plan-${cost}`);
  return panel && {text: panel.innerText, cells: [...panel.querySelectorAll('.cell')].map(c =>
    [c.dataset.layer, c.dataset.bits, c.textContent.trim(), c.title || c.getAttribute('data-tip') || ''])};
}"""
PLACES = """cost => [...document.querySelectorAll('svg [data-front]')].map(m => {
  const box = m.getBoundingClientRect(), at = m.dataset.front.lastIndexOf(':');
  return [m.dataset.front.slice(0, at), +m.dataset.front.slice(at + 1), box.left + box.width / 2, box.top + box.height / 2];
}).filter(m => m[0] === cost).map(m => m.slice(1))"""


def check(running, job, faults):
    """Every front of the report."""
    if job.comparison:
        return
    with opened(running, job.file) as view:
        report = job.report(view)
        sections = {front["cost"]: front for front in report["fronts"]}
        drawn = set(
            view.ask(
                "() => [...document.querySelectorAll('[data-front]')].map(m => m.dataset.front.replace(/:[0-9]+$/, ''))"
            )
        )
        if drawn != set(sections):
            faults.say(f"draws fronts of {sorted(drawn)}, expected {sorted(sections)}")
        for cost in sorted(drawn & set(sections)):
            front(view, report, sections[cost], faults)


def front(view, report, section, faults):
    """One front: its points' places, and the plan of each."""
    cost, points = section["cost"], section["points"]
    places = sorted(view.ask(PLACES, cost))
    if [place[0] for place in places] != list(range(len(points))):
        faults.say(f"front of {cost}: {len(places)} points are drawn, expected {len(points)}")
        return
    for (i, x0, y0), (j, x1, y1) in itertools.pairwise(places):
        if (
            points[i]["cost"] < points[j]["cost"]
            and x1 < x0 - 0.01
            or points[i]["objective"] > points[j]["objective"]
            and y1 < y0 - 0.01
        ):
            faults.say(f"front of {cost}: point {j} is not drawn to the right of and below point {i}")
    ways = itertools.cycle(("focus", "mouse", "click"))
    for index, way in zip(range(0, len(points), max(1, len(points) // POINTS)), ways):
        faults.count(1)
        mark = view.page.locator(f'svg [data-front="{cost}:{index}"]').first
        if way == "focus":
            mark.focus()
        else:
            # Points may lie on each other; the page must answer for the one that is told.
            mark.dispatch_event("pointerover" if way == "mouse" else "click", {"bubbles": True})
        shows(view.ask(PANEL, cost), report, section, index, way, faults)


def shows(panel, report, section, index, way, faults):
    """Whether a panel shows the plan of one point."""
    where = f"front of {section['cost']}, point {index} by {way}"
    if panel is None:
        faults.say(f"{where}: has no panel front-plan-{section['cost']}")
        return
    ids = [section["candidates"][candidate] for candidate in section["points"][index]["layers"]]
    widths = {
        candidate["id"]: candidate["weight_bits"] for layer in report["layers"] for candidate in layer["candidates"]
    }
    if len(panel["cells"]) != len(ids):
        faults.say(f"{where}: {len(panel['cells'])} cells, expected {len(ids)}")
        return
    for place, (candidate, (layer, bits, text, tip)) in enumerate(zip(ids, panel["cells"])):
        name = report["layers"][place]["name"]
        width = str(widths.get(candidate, "?"))
        if layer != str(place) or bits != width or candidate not in tip or name.split() and name.split()[0] not in tip:
            faults.say(
                f"{where}: cell {place} is {bits} bits ({tip[:50]!r}), expected {width} ({candidate}) of {name[:40]!r}"
            )
    for candidate in set(ids):
        if not re.search(rf"(?<!\d){ids.count(candidate)}\s*×\s*{re.escape(candidate)}\b", panel["text"]):
            faults.say(f"{where}: does not say {ids.count(candidate)} × {candidate}: {panel['text'][:80]!r}")
