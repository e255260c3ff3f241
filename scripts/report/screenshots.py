"""Pictures of a page, for a reader's own eyes."""

import printing
from chromium import opened
from text import NARROW, WIDE, whole


def save(running, job, folder):
    """Wide and narrow, light and dark, and as it prints."""
    folder.mkdir(parents=True, exist_ok=True)
    for size, width in ("wide", WIDE), ("narrow", NARROW):
        for scheme in "light", "dark":
            with opened(running, job.file, width, color_scheme=scheme) as view:
                whole(view, width)
                view.page.screenshot(path=folder / f"{job.name}-{size}-{scheme}.png")
    with opened(running, job.file) as view:
        for number, picture in enumerate(printing.printed(view)[0], 1):
            picture.save(folder / f"{job.name}-print-{number}.png")
