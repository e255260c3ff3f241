"""What is wrong with a page."""

# A fault of one kind is often one of many of the same.
SHOWN = 8


class Faults:
    """Faults found by one check of one page."""

    def __init__(self):
        self.found = []
        self.seen = 0

    def say(self, fault):
        """One fault."""
        if fault not in self.found:
            self.found.append(fault)

    def count(self, things):
        """So many things were looked at; a check that looked at nothing shows it."""
        self.seen += things

    def lines(self):
        """The faults, the first of them if they are many."""
        more = len(self.found) - SHOWN
        return self.found[:SHOWN] + ([f"and {more} more"] if more > 0 else [])
