"""The stages: each parses, loads, calls the library and saves; they meet only through files."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (an older Python should say so in one line)
    sys.stderr.write("error: textlstm needs Python 3.11 or newer, not " + sys.version[:4] + "\n")
    sys.exit(2)
