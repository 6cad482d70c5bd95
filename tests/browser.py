"""Pages as a browser shows them."""

import shutil
import subprocess

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
needs_browser = pytest.mark.skipif(not BROWSER, reason="there is no Chromium to open the page with")

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
