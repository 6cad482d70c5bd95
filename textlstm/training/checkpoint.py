"""Checkpoint of a training, from which an interrupted training is resumed bit for bit."""

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
"""Share of the time spent on saving, at most: a slow disk or a large network saves less often."""


class Saved(NamedTuple):
    """Contents of a checkpoint: tensors, and metadata that JSON can hold."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, Any]


class Checkpoint:
    """The saved state of a training: one file, written atomically.

    Parameters
    ----------
    folder
        A folder of its own, private to its owner; the first save makes it, and :meth:`remove`
        deletes it when the training is done.
    fingerprint
        A digest of all that determines the training: records, settings, device, releases. A file
        with another fingerprint, or a damaged one, is ignored.

    Attributes
    ----------
    resumed_from
        The state that an earlier process saved; None if there is none to resume.
    mismatched
        Whether a file was ignored for its fingerprint or for damage.
    seconds_before
        Seconds that the earlier processes took until they last saved.
    stopping
        Whether the training was asked to save and end after the step under way.

    Raises
    ------
    InputError
        If the folder is a link, or holds files that are not a checkpoint's.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        folders.require_own_folder(folder, STATE_FILE.__eq__)
        self._folder, self._path, self._fingerprint = folder, folder / STATE_FILE, fingerprint
        self._training = False
        self._next_save = 0.0
        self.stopping = False
        self._started = time.perf_counter()
        self.resumed_from = self._read()
        self.mismatched = self.resumed_from is None and self._path.exists()
        self.seconds_before = 0.0
        if self.resumed_from is not None:
            self.seconds_before = float(self.resumed_from.metadata.get("seconds_spent", 0.0))

    def notice(self, run: Path) -> str:
        """Say whether the training of a run is resumed; empty if nothing was saved."""
        if self.resumed_from is not None:
            return "going on from where the training was interrupted"
        if not self.mismatched:
            return ""
        return (
            f"{run} held an unfinished training of other records or settings, or by another device "
            "or release; it is replaced"
        )

    def should_save(self) -> bool:
        """Return whether the next save is due, or the training was asked to stop."""
        return self.stopping or time.perf_counter() >= self._next_save

    def save(self, tensors: Mapping[str, Tensor], metadata: Mapping[str, object]) -> None:
        """Replace the saved state atomically.

        Raises
        ------
        OSError
            If the file cannot be written; the earlier state is still there then.
        """
        started = time.perf_counter()
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        spent = self.seconds_before + started - self._started
        text = json.dumps({**metadata, "seconds_spent": spent}, allow_nan=False)
        header = {
            "fingerprint": self._fingerprint,
            "metadata": text,
            "sha256": _digest(tensors, text),
        }
        folders.make_private(self._folder)
        write_bytes(self._path, safetensors.torch.save(dict(tensors), header), private=True)
        now = time.perf_counter()
        self._next_save = now + (now - started) / MAX_TIME_SHARE

    def remove(self) -> None:
        """Delete the checkpoint with its folder."""
        folders.remove_folder(self._folder, STATE_FILE.__eq__)

    @contextmanager
    def training(self) -> Iterator[None]:
        """Within this block, :meth:`stop` is answered by the training loop, which saves first."""
        self._training = True
        try:
            yield
        finally:
            self._training = False

    def stop(self) -> bool:
        """Ask the training loop to save and end after the step under way.

        Returns
        -------
        bool
            Whether the loop runs; if so, it raises a KeyboardInterrupt once it has saved.
        """
        self.stopping = self._training
        return self._training

    def _read(self) -> Saved | None:
        """Read the saved state; None if it is absent, damaged or has another fingerprint."""
        try:
            with safe_open(self._path, "pt") as file:
                header = file.metadata() or {}
                if header.get("fingerprint") != self._fingerprint:
                    return None
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header["sha256"] != _digest(tensors, header["metadata"]):
                return None
            return Saved(tensors, json.loads(header["metadata"]))
        except (OSError, SafetensorError, KeyError, ValueError):
            return None


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    """Return the SHA-256 of names, types, shapes and values of tensors, and of a text."""
    digest = hashlib.sha256(text.encode("utf-8"))
    for name in sorted(tensors):
        digest.update(f"\n{name} {tensors[name].dtype} {tuple(tensors[name].shape)}\n".encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
