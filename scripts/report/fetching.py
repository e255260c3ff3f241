"""A page is one file: it fetches nothing, breaks no rule of its own, and says everything without scripts."""

from chromium import opened

# Letters that each section shows, and what must not show without scripts.
LETTERS = "() => Object.fromEntries([...document.querySelectorAll('section[id]')].map(s => [s.id, s.innerText.length]))"
# Without scripts a section may be shorter, by what a chosen plan of a front shows.
STAYS = 0.6
SHOWN_SCRIPTED = """() => [...document.querySelectorAll('.js-only, button, input')]
  .filter(e => e.checkVisibility() && !e.closest('thead')).map(e => e.outerHTML.slice(0, 120))"""
POLICY = "() => document.querySelector('meta[http-equiv=\"Content-Security-Policy\"]')?.content ?? ''"
NAMED = """() => [...document.querySelectorAll('[src], [srcset], link[href], [action], [background], object, iframe, base')]
  .filter(e => !/^data:/.test(e.getAttribute('src') ?? e.getAttribute('href'))).map(e => e.outerHTML.slice(0, 120))"""


def check(running, job, faults):
    """Opens the page with and without scripts."""
    with opened(running, job.file) as view:
        view.page.wait_for_timeout(300)
        recorded = view.ask("() => window.recorded")
        with_scripts = view.ask(LETTERS)
        policy = view.ask(POLICY)
        for address in view.requests:
            faults.say(f"fetches {address}")
        for what in view.errors + recorded["violations"]:
            faults.say(f"the console says: {what}")
        for what in view.dialogs + recorded["dialogs"]:
            faults.say(f"opens a dialog: {what}")
        for element in view.ask(NAMED):
            faults.say(f"names something to load: {element}")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";") if " " in rule.strip())
    if rules.get("default-src") != "'none'" or "nonce-" not in rules.get("script-src", ""):
        faults.say(f"its content security policy is {policy or 'missing'}")
    if "unsafe" in rules.get("script-src", ""):
        faults.say(f"its content security policy lets any script run: {rules['script-src']}")
    with opened(running, job.file, java_script_enabled=False) as view:
        for address in view.requests + view.errors:
            faults.say(f"without scripts: {address}")
        for element in view.ask(SHOWN_SCRIPTED):
            faults.say(f"without scripts shows what needs one: {element}")
        without = view.ask(LETTERS)
    for name, letters in with_scripts.items():
        if without.get(name, 0) < STAYS * letters:
            faults.say(f"section {name} shows {without.get(name, 0)} letters without scripts, {letters} with them")
    faults.count(len(with_scripts))
    missing = [name for name in job.sections if name not in without]
    if missing:
        faults.say(f"has no section {', '.join(missing)}")
