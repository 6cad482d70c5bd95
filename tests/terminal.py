"""A terminal of a given width, and what it shows."""

import os
import re
import sys
import threading

import pytest

termios = pytest.importorskip("termios", reason="terminals of a given width are those of Unix")


class Terminal:
    """A terminal of some columns in the place of standard error, and what it got."""

    def __init__(self, columns, monkeypatch):
        self._ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, (24 if columns else 0, columns))
        monkeypatch.delenv("COLUMNS", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        self._stream = os.fdopen(theirs, "w", encoding="utf-8")
        monkeypatch.setattr(sys, "stderr", self._stream)
        self._got = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        try:
            while got := os.read(self._ours, 65536):
                self._got.extend(got)
        except OSError:  # the other end is closed
            pass

    def shown(self):
        """Return all lines, those that were written over included."""
        self._stream.close()
        self._reader.join()
        return [line for line in re.split(r"[\r\n]+", self._got.decode()) if line.strip()]
