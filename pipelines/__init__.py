"""Commands: each stage parses flags, loads, calls the library and saves.

Stages share data only through the files of a run.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (an older Python is refused in one line)
    sys.stderr.write("error: textlstm needs Python 3.11 or newer, not " + sys.version[:4] + "\n")
    sys.exit(2)
