"""The checkpoint of a training: from it, the training goes on as if it had never been stopped."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from textlstm.storage import folders
from textlstm.storage.atomic import write_bytes

STATE_FILE = "state.safetensors"
"""Name of the file."""

MAX_TIME_SHARE = 0.02
"""Saving takes at most this share of the time: a slow disk or a large network saves less often."""


class Saved(NamedTuple):
    """What a checkpoint holds."""

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


class Checkpoint:
    """Where a training stands, in one file that is whole or absent.

    Raises
    ------
    InputError
        If the folder is a link, or holds files of others.

    Parameters
    ----------
    folder
        Of its own, and for its owner alone; made by the first save, and gone once the training is
        over.
    inputs
        A digest of all that the training follows from. What was saved for other inputs does not
        count, nor does what the disk has damaged: both are as good as absent.

    Attributes
    ----------
    start
        What an earlier process saved, if it counts.
    unfit
        Whether something was saved that does not count.
    before
        Seconds that the earlier processes took until they last saved.
    stopping
        Whether the training is to save and end after the step it is taking.
    """

    def __init__(self, folder: Path, inputs: str) -> None:
        folders.require_own_folder(folder, STATE_FILE.__eq__)
        self._folder, self._path, self._inputs = folder, folder / STATE_FILE, inputs
        self._stepping = False
        self._due = 0.0
        self.stopping = False
        self._begun = time.perf_counter()
        self.start = self._read()
        self.unfit = self.start is None and self._path.exists()
        self.before = float(self.start.facts.get("spent", 0.0)) if self.start else 0.0

    def should_save(self) -> bool:
        """Return whether enough time is over for another save, or the training is to end."""
        return self.stopping or time.perf_counter() >= self._due

    def save(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Replace what was saved before.

        Raises
        ------
        OSError
            If the file cannot be written; what was saved before is still there then.
        """
        started = time.perf_counter()
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        spent = self.before + started - self._begun
        text = json.dumps({**facts, "spent": spent}, allow_nan=False)
        header = {"inputs": self._inputs, "facts": text, "sha256": _digest(tensors, text)}
        folders.make_private(self._folder)
        write_bytes(self._path, safetensors.torch.save(dict(tensors), header), private=True)
        now = time.perf_counter()
        self._due = now + (now - started) / MAX_TIME_SHARE

    def remove(self) -> None:
        """Remove it with its folder."""
        folders.remove_folder(self._folder, STATE_FILE.__eq__)

    @contextmanager
    def steps(self) -> Iterator[None]:
        """Within this block, :meth:`stop` leaves the ending to the training."""
        self._stepping = True
        try:
            yield
        finally:
            self._stepping = False

    def stop(self) -> bool:
        """Ask the training to save and end after the step it is taking; say whether it takes any.

        If so, it raises a KeyboardInterrupt when it has saved.
        """
        self.stopping = self._stepping
        return self._stepping

    def _read(self) -> Saved | None:
        try:
            with safe_open(self._path, "pt") as file:
                header = file.metadata() or {}
                if header.get("inputs") != self._inputs:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header["sha256"] != _digest(tensors, header["facts"]):
                return None
            return Saved(tensors, json.loads(header["facts"]))
        except (OSError, SafetensorError, KeyError, ValueError):
            return None


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8"))
    for name in sorted(tensors):
        digest.update(f"\n{name} {tensors[name].dtype} {tuple(tensors[name].shape)}\n".encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
