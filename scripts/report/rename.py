"""Writes a copy of a run's folder with hostile names of layers and of the run itself: rename.py RUN_DIR COPY.

Hashes of changed files are computed again wherever they are written down, so that the copy is a run like any other.
"""

import json
import os
import pathlib
import re
import sys

import blake3

from hostile import PAYLOADS, renamed


def hashes(value, text):
    """BLAKE3 as bitplan writes it, 128 bits: of a file's text, and of its value in the shortest JSON."""
    short = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return [blake3.blake3(content).hexdigest()[:32] for content in (text, short)]


def new_names(facts):
    """Old → new names. A plain word may stand for something else in the files, and stays."""
    layers = [layer["name"] for layer in facts["layers"]]
    old = [name for name in layers if re.search(r"[0-9._/]", name)]
    again = lambda place: f" {place}" if place >= len(PAYLOADS) else ""
    names = {name: PAYLOADS[place % len(PAYLOADS)] + again(place) for place, name in enumerate(old)}
    return names | {facts["name"]: PAYLOADS[0]}


def main():
    source, copy = map(pathlib.Path, sys.argv[1:])
    copy.mkdir()
    names = new_names(json.loads((source / "facts.json").read_text(encoding="utf-8")))
    files = {}
    for path in sorted(source.iterdir()):
        if path.suffix == ".json":
            text = path.read_bytes()
            value = json.loads(text)
            files[path.name] = hashes(value, text), renamed(value, names)
        else:
            os.symlink(path.absolute(), copy / path.name)
    # A file may hold the hash of another, whose change changes it: until nothing changes any more.
    while True:
        texts = {name: json.dumps(value, ensure_ascii=False, indent=2).encode() for name, (_, value) in files.items()}
        now = {name: hashes(value, texts[name]) for name, (_, value) in files.items()}
        changed = {old: new for name, (was, _) in files.items() for old, new in zip(was, now[name]) if old != new}
        if not changed:
            break
        files = {name: (now[name], renamed(value, changed)) for name, (_, value) in files.items()}
    for name, text in texts.items():
        (copy / name).write_bytes(text)


if __name__ == "__main__":
    main()
