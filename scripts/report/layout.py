"""The page as a whole: its width, headings, names for those who cannot see it, and the way of the keyboard through it."""

from chromium import opened, script

WIDTHS = (360, 390, 768, 1280)
TAB_PRESSES = 80

OUTSIDE = script("widths")
STRUCTURE = script("structure")
FOCUS = script("focus")


def check_width(running, job, faults):
    """Nothing sticks out, whatever the width of the window."""
    for width in WIDTHS:
        with opened(running, job.file, width) as view:
            faults.count(1)
            found = view.ask(OUTSIDE)
            if found["scroll"] > found["window"]:
                faults.say(f"{width} px: the page is {found['scroll']} px wide")
            for element in found["out"]:
                faults.say(f"{width} px: sticks out: {element}")
            for element in found["cut"]:
                faults.say(f"{width} px: cuts off what is in {element}")


def check_structure(running, job, faults):
    """Headings, names, descriptions, and links within the page."""
    with opened(running, job.file, 360) as view:
        things, found = view.ask(STRUCTURE)
        faults.count(things)
        for fault in found:
            faults.say(fault)


def check_keyboard(running, job, faults):
    """The way of the Tab key: in the order of the page, always seen, with the tips of marks."""
    with opened(running, job.file) as view:
        walk(view, TAB_PRESSES, faults)
        mark = view.page.locator('.mark[tabindex="0"]').first
        if mark.count():
            mark.focus()
            walk(view, TAB_PRESSES // 2, faults)


def walk(view, presses, faults):
    """Presses Tab so often, from where the focus is."""
    view.ask(FOCUS)
    for _ in range(presses):
        view.page.keyboard.press("Tab")
        # A scroll that follows the focus comes a moment later.
        view.page.wait_for_timeout(40)
        step, now = view.ask(FOCUS)
        if step["unseen"]:
            faults.say(f"the focus is not seen on {step['unseen']}")
        if now is None:
            break
        faults.count(1)
        if step["back"]:
            faults.say(f"the Tab key goes back to {now['name']}")
        if not now["inWindow"]:
            faults.say(f"the focus is on what is out of sight: {now['name']}")
        if now["mark"] and now["said"] != now["wanted"]:
            faults.say(f"the Tab key reaches a mark but its tip is {now['said']!r}: {now['name']}")
