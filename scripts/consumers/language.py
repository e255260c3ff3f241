"""What the checks of language models share: the plan and its run, windows of the test text, our own logits and perplexities
for them, and how those of a tool are compared."""

import json
import math
import os
import pathlib
import subprocess
import sys

import exported

GREEDY, PROMPT = 40, "Once upon a time"
# What `Case` needs beside the tool. PyYAML reads the search space, transformers the tokenizer.
NEEDED = {"numpy": "2.4.6", "pyyaml": "6.0.3", "transformers": "5.23.0"}
# No progress, no advice, nothing from the net.
QUIET = {
    "TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_OFFLINE": "1",
    "AR_LOG_LEVEL": "ERROR",
}  # fmt: skip


def in_environment(work, requirements):
    """As `exported.in_environment`, with nothing but the table on the output."""
    os.environ.update(QUIET)
    exported.in_environment(work, requirements)


def run(*command):
    """Standard output of a command; what else it says is shown if it fails."""
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if answer.returncode:
        sys.stderr.buffer.write(answer.stderr)
    answer.check_returncode()
    return answer.stdout


def arguments(parser, folder):
    """What every check of a language model takes."""
    parser.add_argument("--plan", required=True, type=pathlib.Path, help="plan (JSON) or packed weights (safetensors) of a run")
    parser.add_argument("--run", type=pathlib.Path, help="folder of the run; default: the plan's")
    parser.add_argument("--rows", type=int, default=8, help="windows of the run's test text; default 8")
    return exported.arguments(parser, folder)


class Case:
    """A plan of a run on the folder of a language model, exported."""

    def __init__(self, given, form):
        import yaml

        self.program, self.plan, self.work, self.rows = given.bitplan, given.plan, given.work, given.rows
        self.run = given.run or given.plan.parent
        if not (self.run / "run.json").is_file():
            raise SystemExit(f"{self.run} is not the folder of a run: name it with --run")
        place = pathlib.Path(json.loads((self.run / "run.json").read_text())["space"])
        self.space = yaml.safe_load(place.read_text())
        self.folder = place.parent / self.space["model"]["file"]
        self.text = self.space["data"]["test"]["text"]
        self.text["file"] = str(place.parent / self.text["file"])
        if self.text.get("documents") or not self.folder.is_dir():
            raise SystemExit(f"{place}: the checks need the folder of a model, and a test text that is not cut into documents")
        is_json = self.plan.suffix == ".json"
        self.layers = (json.loads(self.plan.read_text()) if is_json else exported.description(self.plan))["layers"]
        self.exported = exported.export(self.program, self.plan, form, self.work / form, self.run)
        self.manifest = json.loads((self.exported / "bitplan-export.json").read_text())
        print(f"\n{form}, {self.run.name}/{self.plan.name}\n")
        self.table = exported.Table()
        self._bytes()

    def windows(self, tokenizer):
        """Tokens [rows, positions + 1]: inputs, and each behind it what is to be predicted. As `bitplan eval` cuts a text: each
        window begins with the tokenizer's first token, if it has one, and predicts every token of its part of the text."""
        import numpy

        length = self.space["model"]["extents"]["positions"]
        text = pathlib.Path(self.text["file"]).read_text(encoding="utf-8")
        # Eight letters a token are more than enough.
        ids = tokenizer(text[: 8 * self.rows * (length + 1)]).input_ids
        first = ids[:1] if ids[:1] == [tokenizer.bos_token_id] else []
        ids = ids[len(first) :]
        part = length + 1 - len(first)
        rows = [first + ids[i * length : i * length + part] for i in range(self.rows)]
        return numpy.array(rows, numpy.int64)

    def packed(self):
        """The file of packed weights, for `bitplan forward`."""
        if self.plan.suffix != ".json":
            return self.plan
        file = self.work / "weights.safetensors"
        run(self.program, "switch", self.run / "master.safetensors", "--plan", self.plan, "-o", file)
        return file

    def forward(self, tokens, weights=None, folder=None):
        """Logits by our own evaluation for tokens [rows, positions]: of packed weights, or of a folder as it is."""
        import numpy

        given, answer = self.work / "tokens.npz", self.work / "logits.npz"
        numpy.savez(given, tokens=tokens)
        network = [folder or self.folder, "--extent", f"positions={tokens.shape[1]}", *(["--plan", weights] if weights else [])]
        run(self.program, "forward", *network, "--input", given, "-o", answer)
        return numpy.load(answer)["logits"]

    def evaluated(self):
        """The perplexity that `bitplan eval` gives of the same windows."""
        data = self.space["data"]
        train = data["train"].get("text", data["train"].get("tokens"))
        train["file"] = str(pathlib.Path(self.folder.parent, train["file"]))
        data = {**data, "test": {"text": self.text, "limit": self.rows}}
        space = {**self.space, "model": {**self.space["model"], "file": str(self.folder)}, "data": data}
        file = self.work / "space.yaml"
        # JSON is YAML.
        file.write_text(json.dumps(space))
        return json.loads(run(self.program, "eval", self.plan, "--run", self.run, "--space", file, "--json"))["perplexity"]

    def _bytes(self):
        """Rows: every byte that was planned is on the disk, and none beside those of the account."""
        files = sum(file.stat().st_size for file in self.exported.rglob("*") if file.is_file())
        files -= (self.exported / "bitplan-export.json").stat().st_size
        self.exactly("bytes of files, as the account says", files, self.manifest["total_bytes"])
        if self.plan.suffix == ".json" and json.loads(self.plan.read_text())["provenance"].get("target") == self.manifest["to"]:
            tensors = sum(file["tensor_bytes"] for file in self.manifest["files"])
            planned = {cost: sum(int(layer["cost"][cost]) for layer in self.layers) for cost in ("weight_bytes", "model_bytes")}
            self.exactly("bytes of weights, as planned", self.manifest["weight_bytes"], planned["weight_bytes"])
            self.exactly("bytes of tensors, as planned", tensors, planned["model_bytes"])

    def exactly(self, what, found, expected):
        """A row for two numbers that are the same."""
        self.table.row(what, found, expected, found == expected)

    def compare(self, what, found, expected, tokens, limits):
        """Rows for two sets of logits [rows, positions, tokens]: limits are those of the largest difference, in units of the
        largest logit, of the share of positions with another most likely token, and of the perplexity, relative."""
        import numpy

        distance, choices, losses = limits
        largest = numpy.abs(found.astype(numpy.float64) - expected).max() / numpy.abs(expected).max()
        self.table.row(f"{what}: largest difference of logits", f"{largest:.2g}", f"{distance:g}", largest <= distance)
        other = float((found.argmax(-1) != expected.argmax(-1)).mean())
        self.table.row(f"{what}: positions with another choice", f"{other:.4f}", f"{choices:g}", other <= choices)
        theirs, ours = perplexity(found, tokens), perplexity(expected, tokens)
        self.perplexities(f"{what}: perplexity", theirs, ours, losses)

    def perplexities(self, what, found, expected, limit):
        """A row for two perplexities."""
        change = abs(found / expected - 1)
        self.table.row(f"{what} {found:.5f}, not {expected:.5f}", f"{change:.2g}", f"{limit:g}", change <= limit)

    def greedy(self, what, generated, prompt, limit, **network):
        """A row for tokens that the tool chose: how many of them our network would not choose, given those before."""
        import numpy

        # The network of a plan has a fixed number of positions; those behind the text do not matter to those before.
        padded = numpy.zeros((1, self.space["model"]["extents"]["positions"]), numpy.int64)
        padded[0, : len(generated)] = generated
        choices = self.forward(padded, **network)[0].argmax(-1)
        other = int((choices[prompt - 1 : len(generated) - 1] != numpy.array(generated[prompt:])).sum())
        self.table.row(f"{what}: other tokens of {len(generated) - prompt} in greedy text", other, limit, other <= limit)

    def evaluation(self, logits, tokens):
        """A row: our logits have the perplexity that `bitplan eval` gives."""
        self.perplexities("bitplan forward: perplexity", perplexity(logits, tokens), self.evaluated(), 1e-6)

    def end(self, tokens, text):
        """Prints the perplexity of the model before it was quantised, and a text; exits."""
        print(f"\nperplexity in FP32 {perplexity(self.forward(tokens[:, :-1]), tokens):.5f}\n{text!r}")
        self.table.end()


def perplexity(logits, tokens):
    """exp of the mean negative log likelihood of what tokens [rows, positions + 1] have behind each position."""
    import numpy

    losses = []
    for row, labels in zip(logits, tokens[:, 1:]):
        x = row.astype(numpy.float64)
        x -= x.max(1, keepdims=True)
        losses += (numpy.log(numpy.exp(x).sum(1)) - x[numpy.arange(len(x)), labels]).tolist()
    return math.exp(sum(losses) / len(losses))
