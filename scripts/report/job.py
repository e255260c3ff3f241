"""What is to be checked: a page, and what it is said to show."""

import dataclasses
import json
import pathlib

RUN_SECTIONS = "decision layers front networks training draws agreement budgets memory provenance".split()
COMPARISON_SECTIONS = "runs settings networks layers front training provenance".split()


@dataclasses.dataclass
class Job:
    """A page, and the report of each run that it shows; none where only the page is at hand."""

    name: str
    file: pathlib.Path
    reports: list
    comparison: bool

    @classmethod
    def read(cls, given):
        """From what `check_report.py` wrote."""
        reports = [json.loads(pathlib.Path(path).read_text(encoding="utf-8")) for path in given["reports"]]
        return cls(given["name"], pathlib.Path(given["file"]), reports, given["comparison"])

    @property
    def sections(self):
        """Ids of the sections that it must have."""
        return COMPARISON_SECTIONS if self.comparison else RUN_SECTIONS

    def report(self, view):
        """The report of a page of one run; what the page itself brings where no other is at hand."""
        return (
            self.reports[0]
            if self.reports
            else view.ask("() => JSON.parse(document.getElementById('data').textContent)")
        )
