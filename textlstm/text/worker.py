"""Preprocessing in a process of its own, beside the one that imports torch and computes.

Importing spaCy takes half as long as importing torch, and in one process neither that nor
tokenizing can go on at the same time as other Python code.
"""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from textlstm.text.tokenizing import preprocess

CACHE_SIZE = 1 << 17
"""So many distinct records are kept in mind, and a part's more: some 60 MB."""

OUT_OF_MEMORY = 3
"""Exit status of the process where it has too little memory."""

ENDED_BY_SHORTAGE = (OUT_OF_MEMORY, -9)
"""How it ends then; the system kills by signal 9 what takes too much."""

Preprocess = Callable[[Sequence[tuple[str, ...]]], list[str]]
"""What :func:`.preprocess` is: text fields of records in, texts out."""


@contextmanager
def preprocessing_process() -> Iterator[Preprocess]:
    """Give :func:`.preprocess` as another process carries it out.

    Records that were given before are not sent again. The process reads until there is no more to
    read, and so ends with this one however this one ends.

    Raises
    ------
    RuntimeError
        By what is given, if the process has ended.
    """
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C is for this process, which ends the other
    ) as process:
        try:
            yield _client(process)
        finally:
            process.kill()
            with suppress(BrokenPipeError):  # what was not read any more is lost with the process
                if process.stdin:
                    process.stdin.close()


def _client(process: "subprocess.Popen[bytes]") -> Preprocess:
    """Return what sends records that are new and reads their texts."""
    assert process.stdin and process.stdout
    questions, answers = process.stdin, process.stdout
    known: dict[tuple[str, ...], str] = {}

    def preprocess(records: Sequence[tuple[str, ...]]) -> list[str]:
        if len(known) > CACHE_SIZE:
            known.clear()
        if new := [record for record in records if record not in known]:
            try:
                _send(questions, new)
                texts = json.loads(answers.readline())
            except (OSError, ValueError) as error:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1)
                short = process.returncode in ENDED_BY_SHORTAGE
                why = ", for lack of memory" if short else ""
                raise RuntimeError(f"the process that preprocesses texts has ended{why}") from error
            known.update(zip(new, texts, strict=True))
        return [known[record] for record in records]

    return preprocess


def _send(to: IO[bytes], what: object) -> None:
    """Write a line of ASCII."""
    to.write(json.dumps(what).encode("ascii") + b"\n")
    to.flush()


def _serve() -> None:
    """Answer each line of records with a line of texts."""
    # If it is there, spaCy imports torch too, for models that a tokenizer does not have.
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        _answer()
    except (MemoryError, ImportError):  # the other process tells that this one has ended
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:  # the other process was killed: nobody waits for an answer
        os._exit(0)


def _answer() -> None:
    # Importing leaves no garbage; looking for it takes a sixth of the time.
    gc.disable()
    preprocess([("spaCy is imported before there is anything to do",)])
    gc.enable()
    for line in sys.stdin.buffer:
        if not line.endswith(b"\n"):  # the other process was killed while it wrote
            return
        _send(sys.stdout.buffer, preprocess(json.loads(line)))


if __name__ == "__main__":
    _serve()
