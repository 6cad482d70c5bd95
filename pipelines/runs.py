"""The folder of a run: where each stage writes, and what the next one finds there."""

import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from textlstm.config import RunConfig
from textlstm.errors import InputError
from textlstm.files import read_json, remove_leftovers, write_json

STAGES = ("preprocess", "encode", "train", "report")


def versions() -> dict[str, str]:
    """Return the releases of what a run's results follow from."""
    libraries = ("textlstm", "torch", "spacy", "scikit-learn")
    return {name: version(name) for name in libraries} | {"python": platform.python_version()}


class Run:
    """Paths of a run, and its settings."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.records = self.folder / "records"
        self.encoded = self.folder / "encoded"
        self.bundle = self.folder / "bundle"
        self.checkpoint = self.folder / "checkpoint"
        self.history = self.folder / "history.csv"
        self.metrics = self.folder / "metrics.json"
        self.predictions = self.folder / "predictions.csv"
        self.figures = self.folder / "figures"
        self.page = self.folder / "report.html"
        self._config = self.folder / "config.json"
        self._timing = self.folder / "timing.json"

    @property
    def outputs(self) -> dict[str, tuple[Path, ...]]:
        """Return what each stage writes."""
        report = (self.metrics, self.predictions, self.figures, self.page)
        paths = ((self.records,), (self.encoded,), (self.bundle, self.history), report)
        return dict(zip(STAGES, paths, strict=True))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from writing to the run; the lock ends with the process.

        Raises
        ------
        InputError
            If another process holds it, or it cannot be written to.
        """
        place = self.folder.resolve()
        path = place.with_name(f".{place.name}.lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        if place.exists() and not os.access(place, os.W_OK):
            raise InputError(f"--run {self.folder}: this folder cannot be written to")
        try:
            with FileLock(path, timeout=0):
                yield
        except Timeout as error:
            raise InputError(
                f"--run {self.folder}: another process is at work on this run; wait for it, or "
                "give another folder"
            ) from error

    def create(self, config: RunConfig, versions: dict[str, str]) -> None:
        """Make the folder and write the settings.

        Raises
        ------
        InputError
            If the folder holds something else than a run.
        """
        if self.folder.is_file():
            raise InputError(f"--run {self.folder}: this is a file; give a folder")
        if self.folder.is_dir() and any(self.folder.iterdir()):
            try:
                self.config()
            except InputError as error:
                raise InputError(
                    f"--run {self.folder}: this folder holds other files; give a new one"
                ) from error
        write_json(self._config, {**config.to_dict(), "versions": versions})

    def note(self, **facts: str) -> None:
        """Add to the settings what only a stage could know, such as the device."""
        write_json(self._config, {**read_json(self._config), **facts})

    def config(self) -> RunConfig:
        """Return the settings of the run.

        Raises
        ------
        InputError
            If the folder is not a run's.
        """
        self.require(self._config, "preprocess")
        try:
            return RunConfig.from_dict(read_json(self._config))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{self._config}: not the settings of a run ({error})") from error

    def require(self, path: Path, stage: str) -> None:
        """Raise an :class:`InputError` naming the stage to run first, if a path is not there."""
        if not path.exists():
            raise InputError(
                f"{path} is missing; run `python -m pipelines.{stage} --run {self.folder}` first"
            )

    def begin(self, stage: str) -> None:
        """Remove what this stage and later ones wrote before, so that nothing stale remains.

        Called when a stage is about to write: one that fails before leaves the old files whole.
        """
        remove_leftovers(self.folder)
        for later in STAGES[STAGES.index(stage) :]:
            for path in self.outputs[later]:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def end(self, stage: str, seconds: float) -> None:
        """Note how long a stage took."""
        write_json(self._timing, {**self.timing(), stage: seconds})

    def timing(self) -> dict[str, Any]:
        """Return the seconds of each stage so far."""
        return dict(read_json(self._timing)) if self._timing.is_file() else {}
