"""Paths in the folder of a run: the outputs of each stage, and which paths are private."""

from pathlib import Path

from textlstm.config import RunConfig
from textlstm.errors import InputError
from textlstm.storage.json_files import read_json

STAGES = ("preprocess", "encode", "train", "report")
"""Stages that write to the folder of a run, in their order."""


class RunPaths:
    """Paths in the folder of a run."""

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
        self.tables = self.folder / "tables"
        self.page = self.folder / "report.html"
        self._config = self.folder / "config.json"
        self._timing = self.folder / "timing.json"
        self._unfinished = self.folder / ".unfinished"

    @property
    def outputs(self) -> dict[str, tuple[Path, ...]]:
        """Return the paths that each stage writes."""
        return {
            "preprocess": (self._config, self.records),
            "encode": (self.encoded,),
            "train": (self.bundle, self.history),
            "report": (self.metrics, self.predictions, self.figures, self.tables, self.page),
        }

    @property
    def private(self) -> tuple[Path, ...]:
        """Return the paths that hold texts, ids or labels of single records."""
        return self.records, self.encoded, self.checkpoint, self.predictions, self.tables

    def owns(self, path: Path) -> bool:
        """Return whether stages write the file or folder at a path, or a folder above it."""
        resolved, home = path.resolve(), self.folder.resolve()
        if resolved == home or not resolved.is_relative_to(home):
            return False
        names = {output.name for paths in self.outputs.values() for output in paths}
        names |= {self.checkpoint.name, self._timing.name, self._unfinished.name}
        # Some file systems do not distinguish upper and lower case.
        return resolved.relative_to(home).parts[0].casefold() in names

    def is_run(self) -> bool:
        """Return whether the folder is the folder of a run: whether it has a run's settings."""
        try:
            RunConfig.from_dict(read_json(self._config))
        except (InputError, OSError, KeyError, TypeError, ValueError):
            return False
        return True

    def require_no_file(self) -> None:
        """Raise an :class:`InputError` if the folder, or a folder above it, is a file."""
        for path in (self.folder, *self.folder.parents):
            if path.is_file():
                file = "this" if path == self.folder else path
                raise InputError(f"--run {self.folder}: {file} is a file; give the folder of a run")


def require_outside_runs(path: Path, flag: str) -> None:
    """Check that no run writes, and so removes, the file at a path.

    Parameters
    ----------
    flag
        The flag and the path as the user gave them, for the message.

    Raises
    ------
    InputError
        If the path is that of a file of a run, such as ``metrics.json``, or lies in a folder of
        one, such as ``records/``.
    """
    for folder in path.resolve().parents:
        run = RunPaths(folder)
        if run.owns(path) and run.is_run():
            raise InputError(
                f"{flag}: the stages of the run {folder} write there, and remove what they find; "
                "give another place"
            )
