"""Text on the page: its contrast with what is behind it, its size, and whether labels overlap or are cut off."""

from chromium import opened, script

CONTRAST = 4.5
SMALLEST_LABEL = 9.0
NARROW, WIDE = 390, 1280

COLOURS = script("colours")
LABELS = script("labels")


def luminance(colour):
    """Relative luminance of sRGB bytes, as the guidelines on accessibility define it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (byte / 255 for byte in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    """Contrast of two colours, from 1 to 21."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def whole(view, width):
    """Makes the window as high as the page, so that all of it can be pointed at."""
    view.page.set_viewport_size(
        {"width": width, "height": min(view.ask("() => document.documentElement.scrollHeight"), 30000)}
    )
    view.page.wait_for_timeout(100)


def check_contrast(running, job, faults):
    """All text, light, dark and printed."""
    for scheme, media in ("light", "screen"), ("dark", "screen"), ("light", "print"), ("dark", "print"):
        with opened(running, job.file, WIDE, color_scheme=scheme) as view:
            view.page.emulate_media(media=media, color_scheme=scheme)
            whole(view, WIDE)
            for front, back, text, where in view.ask(COLOURS):
                faults.count(1)
                found = contrast(front, back)
                if found < CONTRAST:
                    colours = " on ".join("#" + "".join(f"{round(c):02x}" for c in colour) for colour in (front, back))
                    way = (
                        "printed from dark"
                        if (scheme, media) == ("dark", "print")
                        else media
                        if media == "print"
                        else scheme
                    )
                    faults.say(f"{way}: {where} {text!r}: contrast {found:.2f}, {colours}")


def separate(a, b, slack=0.75):
    """Whether two quadrilaterals lie apart, by the axes of their sides, or touch by less than `slack` pixels."""
    for corners in a, b:
        for (x0, y0), (x1, y1) in zip(corners[:2], corners[1:3]):
            length = ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5
            if length == 0:
                return True
            along = [[((x1 - x0) * x + (y1 - y0) * y) / length for x, y in quad] for quad in (a, b)]
            if min(max(along[0]), max(along[1])) - max(min(along[0]), min(along[1])) < slack:
                return True
    return False


def check_labels(running, job, faults):
    """Text in charts, in a wide and a narrow window."""
    for width in WIDE, NARROW:
        with opened(running, job.file, width) as view:
            whole(view, width)
            for chart in view.ask(LABELS):
                labels_of(chart, width, faults)


def labels_of(chart, width, faults):
    """Labels of one chart."""
    where, labels = f"{width} px, {chart['name']}", chart["labels"]
    left, top, right, bottom = chart["frame"]
    faults.count(len(labels))
    for place, label in enumerate(labels):
        if width == NARROW and label["size"] < SMALLEST_LABEL:
            faults.say(f"{where}: {label['text']!r} is {label['size']:.1f} px high")
        outside = [
            (x, y)
            for x, y in label["corners"]
            if not (left - 0.5 <= x <= right + 0.5 and top - 0.5 <= y <= bottom + 0.5)
        ]
        if outside:
            faults.say(f"{where}: {label['text']!r} is cut off by the edge of its chart")
        for other in labels[place + 1 :]:
            if not separate(label["corners"], other["corners"]):
                faults.say(f"{where}: {label['text']!r} and {other['text']!r} overlap")
    for mark in chart["marks"]:
        faults.say(f"{where}: the mark {mark!r} is cut off by the edge of its chart")
