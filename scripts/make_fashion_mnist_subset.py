#!/usr/bin/env python3
"""Writes the balanced subset of Fashion-MNIST that the examples train on.

    make_fashion_mnist_subset.py SOURCE OUTPUT

SOURCE holds the four original files (train-images-idx3-ubyte.gz and so on). OUTPUT receives the first 1,000 training
and the first 200 test images of every class, in their original order, as four IDX files, with the licence of the data
set and SHA256SUMS. Equal input gives equal bytes: gzip level 9, no time stamp, no file name (the bytes also depend on
the zlib that Python was built with; the decompressed bytes do not). Needs the Python standard library only.
"""

import argparse
import gzip
import hashlib
import io
import pathlib
import struct
import sys

CLASSES = 10
SIDE = 28
IMAGE_MAGIC, LABEL_MAGIC = 0x00000803, 0x00000801

# output name: (original name, images in the original, images of every class to keep)
PARTS = {"train": ("train", 60_000, 1_000), "test": ("t10k", 10_000, 200)}

LICENSE = """\
The MIT License (MIT)

Copyright (c) 2017 Zalando SE, https://tech.zalando.com

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in
all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN
THE SOFTWARE.
"""


def read(path, header, element_bytes):
    """The elements of an IDX file whose header must be exactly these big-endian numbers."""
    try:
        with gzip.open(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError) as error:
        sys.exit(f"{path}: {error}; give the folder of the four original gzip files")
    expected = struct.pack(f">{len(header)}I", *header)
    if content[: len(expected)] != expected or len(content) != len(expected) + element_bytes:
        found = content[: len(expected)].hex()
        sys.exit(
            f"{path}: found header {found} and {len(content)} bytes, expected {expected.hex()} and "
            f"{len(expected) + element_bytes}; this is not the original file"
        )
    return content[len(expected) :]


def first_of_every_class(labels, wanted):
    """Indices of the first `wanted` images of every class, ascending."""
    counts, chosen = [0] * CLASSES, []
    for index, label in enumerate(labels):
        if label >= CLASSES:
            sys.exit(f"record {index}: found label {label}, expected one below {CLASSES}")
        if counts[label] < wanted:
            counts[label] += 1
            chosen.append(index)
    if min(counts) < wanted:
        sys.exit(f"found {counts} images of the classes, expected {wanted} of each")
    return chosen


def compressed(header, elements):
    """IDX bytes as a gzip file that depends on nothing but them."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as file:
        file.write(struct.pack(f">{len(header)}I", *header) + elements)
    return buffer.getvalue()


def main():
    """Reads, chooses, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path, help="folder of the four original files")
    parser.add_argument("output", type=pathlib.Path, help="folder to write to; made if it does not exist")
    arguments = parser.parse_args()

    files = {"LICENSE": LICENSE.encode()}
    volume = SIDE * SIDE
    for name, (original, count, wanted) in PARTS.items():
        image_header = (IMAGE_MAGIC, count, SIDE, SIDE)
        images = read(arguments.source / f"{original}-images-idx3-ubyte.gz", image_header, count * volume)
        labels = read(arguments.source / f"{original}-labels-idx1-ubyte.gz", (LABEL_MAGIC, count), count)
        chosen = first_of_every_class(labels, wanted)
        pixels = b"".join(images[volume * i : volume * (i + 1)] for i in chosen)
        files[f"{name}-images.idx3.gz"] = compressed((IMAGE_MAGIC, len(chosen), SIDE, SIDE), pixels)
        files[f"{name}-labels.idx1.gz"] = compressed((LABEL_MAGIC, len(chosen)), bytes(labels[i] for i in chosen))
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    files["SHA256SUMS"] = sums.encode()

    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (arguments.output / name).write_bytes(content)
        print(f"{len(content):>10,}  {name}")


if __name__ == "__main__":
    main()
