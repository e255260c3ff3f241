"""Tables: sorted by a click or from the keyboard, and saved as CSV."""

import csv
import io
import itertools
import re
import unicodedata

from chromium import opened, script

READ = script("table")
# Three presses of each heading.
PRESS_ALL = """(table, read) => [...table.tHead.rows[0].cells].map(heading =>
  [1, 2, 3].map(() => { heading.querySelector('button').click(); return read(table); }))"""
# After ten files from one page a browser may ask whether it may save more.
AT_ONCE = 8
ORDERS = ("ascending", "descending", "none")
FORMULA = tuple("=+-@")


def number(text):
    """The number that a cell is sorted by, or none."""
    try:
        return float(text)
    except ValueError:
        return None


def column(rows, index):
    """Sort keys of a column: numbers where all that is there is a number, else words; none where nothing is there."""
    given = [row[index][0] if row[index][0] is not None else row[index][1] for row in rows]
    keys = [None if text in ("", "–", "—") else text for text in given]
    numbers = [None if key is None else number(key) for key in keys]
    return numbers if all((a is None) == (b is None) for a, b in zip(keys, numbers)) else keys


def in_order(keys, falling):
    """Whether keys stand in order, those that are missing last."""
    there = [key for key in keys if key is not None]
    if keys[: len(there)] != there:
        return False
    pairs = [(b, a) if falling else (a, b) for a, b in itertools.pairwise(there)]
    if there and isinstance(there[0], float):
        return all(a <= b for a, b in pairs)
    return all(before(a, b) for a, b in pairs)


def before(a, b):
    """Whether word `a` may stand before `b`, by the first letter or number that differs; browsers differ in other signs."""
    a, b = (unicodedata.normalize("NFKD", text.casefold()) for text in (a, b))
    place = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), None)
    if place is None:
        return len(a) <= len(b) or a[len(b)].isdigit() or b[-1:].isdigit()
    if a[place].isdigit() and b[place].isdigit():
        start = place - len(re.search(r"[0-9]*$", a[:place])[0])
        return int(re.match(r"[0-9]+", a[start:])[0]) <= int(re.match(r"[0-9]+", b[start:])[0])
    inside_number = place and a[place - 1].isdigit() and (a[place].isdigit() or b[place].isdigit())
    if inside_number or not (a[place].isascii() and a[place].isalpha() and b[place].isascii() and b[place].isalpha()):
        return True
    return a[place] < b[place]


def pressed(table, place):
    """What the table says after each of three presses of each heading's button.

    The first table of a page is pressed with mouse and keyboard, which takes long; the others by what the keys come down to."""
    if place:
        return table.evaluate(f"table => {{ const read = {READ}; return ({PRESS_ALL})(table, read); }}")
    buttons = table.locator("thead th button")
    answers = []
    for index in range(buttons.count()):
        answers.append([])
        for key in ("click",) * 3 if index % 2 else ("Enter", "Space", "Enter"):
            buttons.nth(index).click() if key == "click" else buttons.nth(index).press(key)
            answers[-1].append(table.evaluate(READ))
    return answers


def check_table(table, place, faults):
    """One table, by all its headings."""
    name = table.get_attribute("aria-label") or f"number {place + 1}"
    first = table.evaluate(READ)
    for sort, title, button in first["headings"]:
        faults.count(1)
        if not button or sort != "none":
            faults.say(f"table {name}, {title!r}: aria-sort is {sort!r}, button: {button}")
            return
    for index, states in enumerate(pressed(table, place)):
        title = first["headings"][index][1]
        for wanted, now in zip(ORDERS, states):
            said = [sort for sort, _, _ in now["headings"]]
            if said != ["none"] * index + [wanted] + ["none"] * (len(said) - index - 1):
                faults.say(f"table {name}, {title!r}: aria-sort is {said}, expected {wanted}")
            keys = column(now["rows"], index)
            if sorted(now["rows"], key=str) != sorted(first["rows"], key=str):
                faults.say(f"table {name}, {title!r}, {wanted}: rows were lost or changed")
            elif wanted == "none" and now["rows"] != first["rows"]:
                faults.say(f"table {name}, {title!r}: the third press does not give the first order back")
            elif wanted != "none" and not in_order(keys, wanted == "descending"):
                faults.say(f"table {name}, {title!r}: not {wanted}: {keys[:12]}")


def check_sorting(running, job, faults):
    """Every table of the page."""
    with opened(running, job.file) as view:
        tables = view.page.locator("table.sortable")
        for place in range(tables.count()):
            check_table(tables.nth(place), place, faults)


def saved(view, button):
    """Rows of the file that a button saves."""
    with view.page.expect_download() as download:
        button.click()
    with open(download.value.path(), newline="", encoding="utf-8-sig") as file:
        text = file.read()
    return download.value.suggested_filename, list(csv.reader(io.StringIO(text), strict=True))


def check_saving(running, job, faults):
    """Every table's button, with the rows as they stand and after sorting."""
    with opened(running, job.file) as view:
        buttons = view.page.locator("button.save-csv")
        tables = view.page.locator("table")
        if buttons.count() != tables.count():
            faults.say(f"{tables.count()} tables and {buttons.count()} buttons to save them")
            return
        names = set()
        for place in range(tables.count()):
            faults.count(1)
            if place % AT_ONCE == AT_ONCE - 1:
                view.load()
            name, rows = saved(view, buttons.nth(place))
            if name in names or not name.endswith(".csv"):
                faults.say(f"saves two tables, or one that is no .csv, as {name}")
            names.add(name)
            shown = tables.nth(place).evaluate(READ)
            if {len(row) for row in rows} != {len(rows[0])}:
                faults.say(f"{name}: rows have {sorted({len(row) for row in rows})} fields")
            if len(rows) != 1 + len(shown["rows"]):
                faults.say(f"{name}: {len(rows) - 1} rows, expected {len(shown['rows'])}")
                continue
            for line, cells in zip(rows[1:], shown["rows"]):
                expected = [wanted for _, _, wanted in cells]
                # A cell with a standard error is saved as two fields.
                fields = iter(line)
                missing = [text for text in expected if not any(same(text, field) for field in fields)]
                if missing:
                    faults.say(f"{name}: {line} lacks {missing}")


def harmless(text):
    """Words as they must stand in a file for spreadsheets: an apostrophe before what they would take for a formula."""
    formula = text[:1] in FORMULA and number(text) is None
    return "'" + text if formula else text


def same(shown, field):
    """Whether a field is what a cell shows."""
    squeezed = lambda text: " ".join(text.split())
    return squeezed(harmless(shown)) == squeezed(field) or shown in ("–", "—") and field == ""
