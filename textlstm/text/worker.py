"""Preprocess texts in another process, beside the one that imports torch and computes.

Importing spaCy takes half as long as importing torch, and within one process neither the import nor
the tokenizing can run at the same time as other Python code.
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
"""Distinct records whose texts are kept, beside those of the last call: some 60 MB."""

OUT_OF_MEMORY = 3
"""Exit status of the process if it has too little memory."""

OUT_OF_MEMORY_CODES = (OUT_OF_MEMORY, -9)
"""Return codes after which memory was short; the system kills by signal 9."""

Preprocess = Callable[[Sequence[tuple[str, ...]]], list[str]]
"""Type of :func:`.preprocess`: takes the text fields of records, returns their texts."""


@contextmanager
def preprocessing_process(cache_size: int = CACHE_SIZE) -> Iterator[Preprocess]:
    """Give :func:`.preprocess` carried out by another process, which ends with the block.

    Records that were sent before are not sent again. The process ends when its input ends, and so
    when this process ends in any way.

    Parameters
    ----------
    cache_size
        Distinct records whose texts are kept, beside those of the last call.

    Raises
    ------
    RuntimeError
        By the function that is given, if the process has ended.
    """
    with subprocess.Popen(
        [sys.executable, "-m", __name__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,  # Ctrl-C goes to this process only, which ends the other
    ) as process:
        try:
            yield _client(process, cache_size)
        finally:
            process.kill()
            with suppress(BrokenPipeError):  # what was not sent yet is lost with the process
                if process.stdin:
                    process.stdin.close()


def _client(process: "subprocess.Popen[bytes]", cache_size: int) -> Preprocess:
    """Return a function that sends new records to the process and receives their texts."""
    assert process.stdin and process.stdout
    requests, responses = process.stdin, process.stdout
    cache: dict[tuple[str, ...], str] = {}

    def preprocess(records: Sequence[tuple[str, ...]]) -> list[str]:
        if len(cache) > cache_size:
            cache.clear()
        if new := [record for record in records if record not in cache]:
            try:
                _send(requests, new)
                texts = json.loads(responses.readline())
            except (OSError, ValueError) as error:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1)
                memory_was_short = process.returncode in OUT_OF_MEMORY_CODES
                reason = ", for lack of memory" if memory_was_short else ""
                raise RuntimeError(
                    f"the process that preprocesses texts has ended{reason}"
                ) from error
            cache.update(zip(new, texts, strict=True))
        return [cache[record] for record in records]

    return preprocess


def _send(stream: IO[bytes], value: object) -> None:
    """Write a value as a line of JSON in ASCII."""
    stream.write(json.dumps(value).encode("ascii") + b"\n")
    stream.flush()


def _serve() -> None:
    """Answer each line of records with a line of texts, until the input ends."""
    # spaCy would import torch if it is installed, for models that the tokenizer does not need.
    sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        _answer_requests()
    except (MemoryError, ImportError):  # the other process reports that this one has ended
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:  # the other process was killed: nobody waits for an answer
        os._exit(0)


def _answer_requests() -> None:
    # Importing leaves no garbage; collecting it would take a sixth of the time.
    gc.disable()
    preprocess([("this imports spaCy before the first request",)])
    gc.enable()
    for line in sys.stdin.buffer:
        if not line.endswith(b"\n"):  # the other process was killed while it wrote
            return
        _send(sys.stdout.buffer, preprocess(json.loads(line)))


if __name__ == "__main__":
    _serve()
