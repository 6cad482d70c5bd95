"""A terminal of a given width, and the lines that it shows."""

import os
import re
import sys
import threading

import pytest

termios = pytest.importorskip("termios", reason="only Unix has terminals of a given width")


class Terminal:
    """A terminal in place of standard error, which records its input."""

    def __init__(self, columns, monkeypatch):
        self._reading_end, writing_end = os.openpty()
        termios.tcsetwinsize(writing_end, (24 if columns else 0, columns))
        monkeypatch.delenv("COLUMNS", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        self._stream = os.fdopen(writing_end, "w", encoding="utf-8")
        monkeypatch.setattr(sys, "stderr", self._stream)
        self._input = bytearray()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        try:
            while data := os.read(self._reading_end, 65536):
                self._input.extend(data)
        except OSError:  # the other end is closed
            pass

    def shown(self):
        """Return all lines, including those that were overwritten."""
        self._stream.close()
        self._reader.join()
        return [line for line in re.split(r"[\r\n]+", self._input.decode()) if line.strip()]
