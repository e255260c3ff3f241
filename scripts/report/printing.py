"""The page on paper: light, without what can only be pressed, no more pages than it needs."""

import re

import pypdfium2

from chromium import opened, script

SHOWN = """() => [...document.querySelectorAll('nav, button, input, #tip')]
  .filter(e => e.checkVisibility() && !e.closest('thead')).map(e => e.outerHTML.slice(0, 90))"""
OUTSIDE = script("widths")
# Pixels of A4's width between its margins.
WIDTH_OF_A_SHEET = 718
# Only the last page may have less ink than this share of its height.
LEAST_FILLED = 0.5
# A page of A4 takes about so many pixels of the screen's page; sections do not start anywhere.
HEIGHT_OF_A_SHEET = 700
SCALE = 1.2


def printed(view):
    """Pages as pictures, and their text."""
    document = pypdfium2.PdfDocument(view.page.pdf(format="A4", print_background=True))
    pictures = [sheet.render(scale=SCALE).to_pil() for sheet in document]
    return pictures, "\n".join(sheet.get_textpage().get_text_range() for sheet in document)


def check(running, job, faults):
    """Printed from a dark page, which is the harder case."""
    with opened(running, job.file, color_scheme="dark") as view:
        headings = view.ask("() => [...document.querySelectorAll('h1, h2')].map(h => h.innerText)")
        view.page.emulate_media(media="print")
        view.page.set_viewport_size({"width": WIDTH_OF_A_SHEET, "height": 1000})
        for element in view.ask(SHOWN):
            faults.say(f"prints {element}")
        for element in view.ask(OUTSIDE)["out"]:
            faults.say(f"prints beyond the sheet: {element}")
        most = 2 + view.ask("() => document.documentElement.scrollHeight") // HEIGHT_OF_A_SHEET
        pictures, text = printed(view)
    faults.count(len(pictures))
    if len(pictures) > most:
        faults.say(f"prints {len(pictures)} pages, expected {most} at most")
    for number, picture in enumerate(pictures, 1):
        grey = picture.convert("L")
        levels = grey.histogram()
        if grey.getpixel((3, 3)) < 250 or sum(levels[:100]) > 0.35 * sum(levels):
            faults.say(f"page {number} is not printed on light paper")
        if sum(levels[:245]) < 0.001 * sum(levels):
            faults.say(f"page {number} is printed empty")
        used = grey.point(lambda level: 255 * (level < 245)).getbbox()
        if number < len(pictures) and used and used[3] < LEAST_FILLED * grey.height:
            faults.say(f"page {number} is filled to {used[3] / grey.height:.0%} only")
    letters = lambda string: re.sub(r"\W+", "", string)
    for heading in headings:
        if letters(heading) and letters(heading) not in letters(text):
            faults.say(f"does not print the heading {heading[:60]!r}")
