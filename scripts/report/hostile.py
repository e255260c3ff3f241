"""Names from a network can be any text. They are text on the page, too."""

from chromium import opened

# What a script from a name would leave behind, whatever way it came to run.
TRACE = "scriptFromAName"
PAYLOADS = [
    f"<script>window.{TRACE}=1</script>",
    f'"><img src=x onerror="window.{TRACE}=2;alert(1)">',
    f"</script><script>window.{TRACE}=3;alert(2)</script>",
    f"</title></style></textarea><svg onload=window.{TRACE}=4>",
    f"' onfocus='window.{TRACE}=5' autofocus='",
    f"javascript:window.{TRACE}=6",
    f"{{{{constructor.constructor('window.{TRACE}=7')()}}}} ${{alert(3)}} <%= 7*7 %>",
    "]]> <!-- &lt;b&gt; &amp; \\u003c --> <![CDATA[",
    "a line\nand \"another\"\r\n\tone",
    "emoji 🧨, \u202emarks from right to left, \u2066and back",
    "=HYPERLINK(\"file:///\",\"x\")",
    "a_very_long_name." * 20,
]  # fmt: skip
LEFT = f"""() => ({{trace: window.{TRACE} ?? null, images: document.querySelectorAll('img, iframe, object').length,
  scripts: document.scripts.length, handlers: [...document.querySelectorAll('*')].flatMap(e => [...e.attributes])
    .filter(a => /^on/i.test(a.name)).map(a => a.name + '=' + a.value.slice(0, 60))}})"""
NAMES = "() => [...document.querySelectorAll('#layers bdi, #layers tbody th')].map(e => e.textContent)"
# The page's own two: its data and its code.
SCRIPTS = 2


def check(running, job, faults):
    """A page whose names are hostile: after everything on it was pointed at, focused and pressed."""
    with opened(running, job.file) as view:
        report = job.report(view)
        view.ask("""async () => {
          for (const e of document.querySelectorAll('.mark, button, input, summary, [data-layer]')) {
            for (const kind of ['pointerover', 'pointerout']) e.dispatchEvent(new PointerEvent(kind, {bubbles: true}));
            e.focus(); e.blur();
            if (!e.matches('.save-csv, #save-json')) e.dispatchEvent(new MouseEvent('click', {bubbles: true}));
          }
          await new Promise(done => setTimeout(done, 300));
        }""")
        left, recorded = view.ask(LEFT), view.ask("() => window.recorded")
        faults.count(len(report["layers"]))
        for dialog in view.dialogs + recorded["dialogs"]:
            faults.say(f"opens {dialog}")
        if left["trace"] is not None:
            faults.say(f"a script from a name ran: number {left['trace']}")
        for fault in recorded["violations"] + left["handlers"] + view.errors + view.requests:
            faults.say(f"a name became more than text: {fault}")
        if left["images"] or left["scripts"] != SCRIPTS:
            faults.say(f"a name became an element: {left['images']} images, {left['scripts']} scripts")
        shown = view.ask(NAMES)
        for layer in report["layers"]:
            if layer["name"].replace("\r\n", "\n") not in [name.replace("\r\n", "\n") for name in shown]:
                faults.say(f"the layer {layer['name'][:60]!r} is not shown by its name")


def renamed(value, names):
    """A value of JSON with names replaced wherever they are a string or a key of their own."""
    if isinstance(value, dict):
        return {names.get(key, key): renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value
