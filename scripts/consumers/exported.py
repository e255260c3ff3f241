"""What the checks of deployment tools share: their environments, our program, and a table of what was compared."""

import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
from environment import environment, on_cpu  # noqa: E402

# Set in the process that runs in the tool's environment.
INSIDE = "BITPLAN_CONSUMER_ENVIRONMENT"


def in_environment(work, requirements, alone=None):
    """Runs the calling script again in an environment with pinned packages, and exits with its code; returns inside it."""
    if INSIDE in os.environ:
        # A script has the name of its tool, whose package it must not hide.
        sys.path.append(sys.path.pop(sys.path.index(str(pathlib.Path(__file__).parent))))
        return
    python, versions = environment(work, requirements, alone)
    print("versions:", ", ".join(f"{name} {version}" for name, version in versions.items()), flush=True)
    bin_folder = str(pathlib.Path(python).parent)
    variables = {**on_cpu(2), INSIDE: "1", "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    sys.exit(subprocess.run([python, *sys.argv], env=variables).returncode)


def arguments(parser, folder):
    """Adds what every check takes; the arguments, with paths made absolute."""
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "target" / folder, help="default target/" + folder)
    parser.add_argument("--bitplan", help="the program; default: cargo build --release")
    given = parser.parse_args()
    given.work = given.work.absolute()
    given.work.mkdir(parents=True, exist_ok=True)
    if given.bitplan is None:
        subprocess.run(["cargo", "build", "--release", "--quiet"], check=True, cwd=ROOT)
        given.bitplan = str(ROOT / "target" / "release" / "bitplan")
    return given


def export(program, plan, form, folder, run=None):
    """The files of a plan in a format; `run` is its run's folder where that is not the plan's. Ends where the program refuses,
    which says why."""
    command = [program, "export", plan, "--to", form, "-o", folder, *(["--run", run] if run else []), "--quiet"]
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode:
        sys.exit(1)
    return folder


def description(plan):
    """What a file of packed weights says of itself."""
    with open(plan, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return json.loads(header["__metadata__"]["bitplan"])


class Table:
    """Rows of what was compared, and whether all were within their limits."""

    def __init__(self):
        self.fine = True
        print("| what | found | limit | |\n|-|-|-|-|")

    def row(self, what, found, limit, fine):
        """One row."""
        self.fine &= bool(fine)
        print(f"| {what} | {found} | {limit} | {'ok' if fine else 'WRONG'} |", flush=True)

    def end(self):
        """Exits: 1 if anything was wrong."""
        sys.exit(0 if self.fine else 1)
