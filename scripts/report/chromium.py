"""Chromium: the installed one, without a network, and pages opened in it with everything recorded that they try."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

# Milliseconds; a busy machine is slow.
PATIENCE = 60_000
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
         "--disable-component-update --disable-sync --hide-scrollbars").split()  # fmt: skip
# Runs before the page's own scripts: what its policy forbade, and dialogs, which a page may close again by itself.
RECORD = """
window.recorded = {violations: [], dialogs: []};
document.addEventListener('securitypolicyviolation', e =>
  window.recorded.violations.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sample}`));
for (const name of ['alert', 'confirm', 'prompt', 'open', 'print'])
  window[name] = text => { window.recorded.dialogs.push(`${name}(${text})`); };
"""

# What is folded is looked at, too.
OPEN = "() => { for (const details of document.querySelectorAll('details')) details.open = true; }"


def script(name):
    """A function that pages are asked with."""
    return (pathlib.Path(__file__).parent / "js" / f"{name}.js").read_text(encoding="utf-8")


def installed():
    """Path of an installed Chromium; installs Debian's where that is possible, else says what to do."""
    for tries in range(2):
        found = next(filter(None, map(shutil.which, NAMES)), None)
        if found:
            return found
        if tries == 0 and shutil.which("apt-get") and os.geteuid() == 0:
            print("no Chromium found: apt-get install chromium", file=sys.stderr, flush=True)
            for command in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", "chromium"]):
                subprocess.run(["apt-get", *command], stdout=subprocess.DEVNULL)
    sys.exit(f"found none of the programs {', '.join(NAMES)}, expected a Chromium: install the package `chromium`")


@contextlib.contextmanager
def browser():
    """A running Chromium."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=installed(), args=FLAGS)
        try:
            yield running
        finally:
            running.close()


class View:
    """A page open in a window, and what it tried: `requests` but its own, `errors` of its console, `dialogs`."""

    def __init__(self, context, file):
        self.page = context.new_page()
        self.requests, self.errors, self.dialogs = [], [], []
        url = file.absolute().as_uri()
        own = lambda request: request.url.split("#")[0] == url and request.is_navigation_request()
        self.page.on("request", lambda request: own(request) or self.requests.append(request.url[:200]))
        self.page.on("console", lambda line: line.type in ("error", "warning") and self.errors.append(line.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.page.on("popup", lambda popup: self.dialogs.append(f"window {popup.url}"))
        self.url = url
        self.load()

    def load(self):
        """Opens the page, or opens it again."""
        self.page.goto(self.url)
        self.ask(OPEN)

    def ask(self, function, argument=None):
        """What a JavaScript function answers in the page."""
        return self.page.evaluate(function, argument)


@contextlib.contextmanager
def opened(running, file, width=1280, height=900, **options):
    """A `View` of this file in a window of this size; options of Playwright's contexts: `color_scheme`, …"""
    context = running.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
    context.add_init_script(RECORD)
    context.set_default_timeout(PATIENCE)
    try:
        yield View(context, file)
    finally:
        context.close()
