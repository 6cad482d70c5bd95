"""Pages as a browser shows them."""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
needs_browser = pytest.mark.skipif(not BROWSER, reason="there is no Chromium to open the page with")

ROOT = Path(__file__).parent.parent
AXE = Path(os.environ.get("AXE_CORE") or ROOT / "node_modules" / "axe-core" / "axe.min.js")
NO_AXE = (
    ""
    if BROWSER and AXE.is_file()
    else "there is no Chromium, or no axe-core: `npm install --no-save axe-core` gets it, or the "
    "environment variable AXE_CORE names its axe.min.js"
)
needs_axe = pytest.mark.skipif(bool(NO_AXE), reason=NO_AXE)

DARK, LIGHT = (f"--blink-settings=preferredColorScheme={number}" for number in (0, 1))


def opened(page, folder, *flags):
    """Open a page: its DOM when all is done, and what the console said."""
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=3000", *flags, "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def without_policy(page):
    """Return a page's HTML without what keeps scripts from running."""
    policy = page[page.index('<meta http-equiv="Content-Security-Policy"') :].split("\n")[0]
    return page.replace(policy, "")


RUN_AXE = """<script>
onload = () => axe.run(document, {resultTypes: ["violations"]}).then(
  found => parent.postMessage(JSON.stringify(
    {width: innerWidth, rules: found.passes.length,
     violations: found.violations.map(one => [one.id, one.impact, one.nodes[0].html])}), "*"),
  error => parent.postMessage(JSON.stringify({violations: [["axe", String(error), ""]]}), "*"));
</script>"""
FRAMED = """<!doctype html><title></title>
<script>onmessage = one => { document.title = one.data; };</script>
<iframe src="within.html" width="WIDTH" height="800" style="border: 0"></iframe>"""
"""Chromium's own windows are of 500 pixels or more; a frame is as narrow as a phone."""


def violations(page, folder, width, *flags):
    """Return what axe-core finds wrong with a page of some width: rule, impact, first element."""
    axe = AXE.read_text("utf-8").replace("</script", r"<\/script")
    within = without_policy(page).replace("</body>", f"<script>{axe}</script>{RUN_AXE}</body>")
    (folder / "within.html").write_text(within, "utf-8")
    (folder / "framed.html").write_text(FRAMED.replace("WIDTH", str(width)), "utf-8")
    dom, _ = opened(folder / "framed.html", folder, "--window-size=1400,900", *flags)
    said = json.loads(unescape(re.search("<title>(.*?)</title>", dom, re.DOTALL)[1]))
    assert said.get("width", width) == width
    assert said["violations"] or said["rules"] > 5, said
    return said["violations"]
