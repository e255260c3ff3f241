"""Marks of charts: what they say when pointed at or focused, and which others light up."""

from chromium import opened, script

# Marks of a chart beyond this many are sampled for the slow check with a real mouse.
POINTED = 6

FOCUSED = script("tips_by_focus")
POINT = script("point")
SAYS = """() => { const tip = document.getElementById('tip'), box = tip.getBoundingClientRect();
  return {said: tip.checkVisibility() ? tip.textContent : null,
    inside: box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight}; }"""
LIT = script("lit_layers")


def check(running, job, faults):
    """Every mark by focus, some of each chart by mouse, in a wide and a narrow window."""
    for width, height in (1280, 900), (390, 780):
        with opened(running, job.file, width, height) as view:
            for mark in view.ask(FOCUSED):
                faults.count(1)
                focused(mark, width, faults)
            layers, unlit = view.ask(LIT)
            for fault in unlit:
                faults.say(fault)
            pointed(view, width, faults)


def focused(mark, width, faults):
    """What one mark says when it has the focus."""
    where = f"{width} px, {mark['id']}"
    if not mark["focused"]:
        faults.say(f"{where}: cannot have the focus")
    elif mark["said"] is None or mark["role"] != "tooltip":
        faults.say(f"{where}: shows no tip when it has the focus")
    elif mark["said"] != mark["wanted"] or mark["elements"]:
        faults.say(f"{where}: the tip is {mark['said'][:60]!r}, expected {mark['wanted'][:60]!r}")
    elif not mark["inside"]:
        faults.say(f"{where}: the tip leaves the window")
    elif mark["stays"]:
        faults.say(f"{where}: the tip stays without the focus")
    if mark["label"] != mark["wanted"]:
        faults.say(f"{where}: aria-label {mark['label'][:60]!r} is not the tip {mark['wanted'][:60]!r}")


def pointed(view, width, faults):
    """Some marks of each chart, by mouse."""
    charts = view.page.locator("svg:has(.mark)")
    for chart in range(charts.count()):
        marks = charts.nth(chart).locator(".mark")
        step = max(1, marks.count() // POINTED)
        for place in range(0, marks.count(), step):
            mark = marks.nth(place)
            if not mark.evaluate("mark => mark.checkVisibility()"):
                continue
            faults.count(1)
            wanted = mark.get_attribute("data-tip")
            where = f"{width} px, mark {(wanted or '')[:50]!r}"
            point = mark.evaluate(POINT)
            if "point" not in point:
                if point["cover"]:
                    faults.say(f"{where}: covered by {point['cover']}")
                continue
            view.page.mouse.move(*point["point"])
            says = view.ask(SAYS)
            if says["said"] != wanted:
                faults.say(f"{where}: the mouse shows {str(says['said'])[:60]!r}")
            elif not says["inside"]:
                faults.say(f"{where}: the mouse's tip leaves the window")
            layer = mark.get_attribute("data-layer")
            if layer is not None and not view.ask(
                "layer => ![...document.querySelectorAll('[data-layer]:not(.hot)')].some(e => e.dataset.layer === layer)",
                layer,
            ):
                faults.say(f"{where}: the mouse does not light up all of layer {layer}")
            view.page.keyboard.press("Escape")
            if view.ask(SAYS)["said"] is not None:
                faults.say(f"{where}: Escape does not hide the tip")
            view.page.mouse.move(0, 0)
            if view.ask("() => document.querySelectorAll('.hot').length"):
                faults.say(f"{where}: layers stay lit when the mouse has left")
