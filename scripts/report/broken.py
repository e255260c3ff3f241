"""The checks on pages that are broken on purpose: each must be found by the check that is for it."""

import dataclasses
import re

INTO_HEAD = lambda extra: lambda page: page.replace("</head>", f"{extra}</head>", 1)
INTO_PAGE = lambda extra: lambda page: page.replace("</main>", f"{extra}</main>", 1)
STYLE = lambda rules: INTO_HEAD(f"<style>{rules}</style>")
FIRST = lambda pattern, new: lambda page: re.sub(pattern, new, page, count=1, flags=re.S)
ALL = lambda pattern, new: lambda page: re.sub(pattern, new, page, flags=re.S)
WITHOUT_POLICY = ALL(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "")
ADDRESS = "http://127.0.0.1:9/x.png"
IMAGE = INTO_PAGE(f'<img src="{ADDRESS}" alt="">')
FONT = STYLE(f"@font-face {{ font-family: x; src: url({ADDRESS}) }} h1 {{ font-family: x }}")
ON_EACH_OTHER = ALL(r'(<text[^>]*?) x="[-0-9.]+" y="[-0-9.]+"', r'\1 x="60" y="60"')
DARK_PAPER = STYLE("@media print { body { background: #111 !important; print-color-adjust: exact } }")

# Name, check that must find it, and how the page is broken.
BREAKS = [
    ("an image from elsewhere", "fetches nothing", IMAGE),
    ("the same without a policy", "fetches nothing", lambda page: WITHOUT_POLICY(IMAGE(page))),
    ("a font from elsewhere", "fetches nothing", FONT),
    ("a script from a name", "fetches nothing", INTO_PAGE("<script>window.scriptFromAName = 1</script>")),
    ("what needs scripts shown without", "fetches nothing", STYLE("html .js-only { display: inline-block !important }")),
    ("no script", "sorting", ALL(r"<script nonce=[^>]*>", '<script type="text/plain">')),
    ("numbers sorted as words", "sorting", ALL(r"numeric \? Number\(texts\[i\]\)", "false ? 0")),
    ("descending forgotten", "sorting", ALL(r'ascending: "descending"', 'ascending: "none"')),
    ("missing values first", "sorting", ALL(r"\.\.\.known, \.\.\.unknown", "...unknown, ...known")),
    ("a row lost in the file", "saving", ALL(r"lines\.push\(\.\.\.rows", "lines.push(...rows.slice(1)")),
    ("quotes lost in the file", "saving", ALL(r"\.map\(quoted\)", "")),
    ("a mark with another tip", "tips", FIRST(r'data-tip="', 'data-tip="not ')),
    ("a tip outside the window", "tips", STYLE("#tip { transform: translateX(-3000px) }")),
    ("a layer that does not light up", "tips", ALL(r'classList\.add\("hot"\)', 'classList.remove("hot")')),
    ("Escape forgotten", "tips", ALL(r'=== "Escape"', '=== "Escaped"')),
    ("another plan behind a point", "fronts", ALL(r"front\?\.points\[index\]", "front?.points[Math.max(0, index - 1)]")),
    ("another layer's row", "says what the run found", FIRST(r'(id="layers".*?<tbody>.*?<bdi>)', r'\1not ')),
    ("a chart without a description", "names and order", FIRST(r"(<svg.*?)<desc.*?</desc>", r"\1")),
    ("a heading skipped", "names and order", INTO_PAGE("<h5>too deep</h5>")),
    ("a mark without a label", "names and order", FIRST(r'(<(?:rect|circle|path|g)[^>]*?)aria-label="', r'\1aria-nothing="')),
    ("no ring around the focus", "keyboard", STYLE("* { outline: none !important }")),
    ("a way of the keyboard of its own", "keyboard", FIRST(r'(<button )', r'\1tabindex="3" ')),
    ("something wide", "widths", INTO_PAGE('<div style="width: 1400px">wide</div>')),
    ("small letters", "labels", STYLE("svg text { font-size: 5px !important }")),
    ("labels on each other", "labels", ON_EACH_OTHER),
    ("large letters", "labels", STYLE("svg text { font-size: 40px !important }")),
    ("grey letters", "contrast", STYLE("p { color: #999 !important }")),
    ("grey letters in the dark", "contrast", STYLE("@media (prefers-color-scheme: dark) { p { color: #666 !important } }")),
    ("grey letters in charts", "contrast", STYLE("svg text { fill: #aaa !important }")),
    ("buttons on paper", "print", STYLE("@media print { button.save-csv { display: inline-block !important } }")),
    ("dark paper", "print", DARK_PAPER),
]  # fmt: skip


def check(running, jobs, names, checked):
    """Whether each broken page is found broken, by a fault that the whole page does not have; prints a line for each.

    Only what the checks in `names` are for."""
    job = next((job for job in jobs if not job.comparison and not job.name.startswith("hostile")), None)
    if job is None:
        print("self-test: found no page of one run, expected one")
        return False
    page = job.file.read_text(encoding="utf-8")
    whole = {}
    fine = True
    for number, (name, wanted, change) in enumerate(BREAKS):
        if wanted not in names:
            continue
        changed = change(page)
        if changed == page:
            new, verdict = [], "NOTHING TO BREAK"
        else:
            if wanted not in whole:
                whole[wanted] = checked(running, job, wanted).found
            file = job.file.with_name(f"broken-{number}.html")
            file.write_text(changed, encoding="utf-8")
            broken = checked(running, dataclasses.replace(job, file=file), wanted).found
            file.unlink()
            new = [fault for fault in broken if fault not in whole[wanted]]
            verdict = "found" if new else "NOT FOUND"
        fine &= bool(new)
        print(f"self-test: {name:34} {wanted:24} {verdict}: {new[0][:110] if new else ''}", flush=True)
    return fine
