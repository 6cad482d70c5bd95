"""The folder of a run: where each stage writes, and what the next one finds there."""

import hashlib
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipelines.shell import MODULES, as_called
from textlstm.config import RunConfig
from textlstm.data.dataset import data_files
from textlstm.errors import InputError, near
from textlstm.recipe import as_fields
from textlstm.storage import folders, swap
from textlstm.storage.atomic import sha256
from textlstm.storage.json_files import read_json, write_json

STAGES = ("preprocess", "encode", "train", "report")

MARK = "swap.json"
"""In the working folder of a run, it says that what stands there is whole and may be swapped in."""


def versions() -> dict[str, str]:
    """Return the releases of what a run's results follow from."""
    libraries = ("textlstm", "torch", "spacy", "scikit-learn")
    return {name: version(name) for name in libraries} | {"python": platform.python_version()}


def digest(source: str) -> str:
    """Return what tells a table by its content; empty, if it is neither a file nor a folder."""
    path = Path(source)
    if path.is_dir():
        contents = [f"{one.name}\0{sha256(one)}" for one in data_files(path)]
        return hashlib.sha256("\n".join(contents).encode("utf-8", "surrogateescape")).hexdigest()
    return sha256(path) if path.is_file() else ""


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
        self.tables = self.folder / "tables"
        self.page = self.folder / "report.html"
        self._config = self.folder / "config.json"
        self._timing = self.folder / "timing.json"
        self._unfinished = self.folder / ".unfinished"

    @property
    def outputs(self) -> dict[str, tuple[Path, ...]]:
        """Return what each stage writes."""
        preprocess, encode = (self._config, self.records), (self.encoded,)
        train = (self.bundle, self.history)
        report = (self.metrics, self.predictions, self.figures, self.tables, self.page)
        paths = preprocess, encode, train, report
        return dict(zip(STAGES, paths, strict=True))

    @property
    def private(self) -> tuple[Path, ...]:
        """Return what holds texts, ids or labels of single records."""
        return self.records, self.encoded, self.checkpoint, self.predictions, self.tables

    def owns(self, path: Path) -> bool:
        """Return whether a path is that of a file or folder that stages write, or lies in one."""
        place, home = path.resolve(), self.folder.resolve()
        if place == home or not place.is_relative_to(home):
            return False
        own = {one.name for paths in self.outputs.values() for one in paths}
        own |= {self.checkpoint.name, self._timing.name, self._unfinished.name}
        # Some file systems tell no upper from lower case.
        return place.relative_to(home).parts[0].casefold() in own

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing to the run; the lock ends with the process.

        Raises
        ------
        InputError
            If another process holds it, or it cannot be written to.
        """
        self._require_no_file()
        place = self.folder.resolve()
        require_outside_runs(place, f"--run {self.folder}")
        if place.exists() and not os.access(place, os.W_OK):
            raise InputError(f"--run {self.folder}: this folder cannot be written to")
        taken = (
            f"--run {self.folder}: another process is at work on this run; wait for it, or "
            "give another folder"
        )
        with folders.locked(place.with_name(f".{place.name}.lock"), taken):
            folders.require_own_folder(self._unfinished, self._is_ours)
            self._finish()
            folders.remove_folder(self._unfinished, self._is_ours)  # what a kill left half-written
            yield

    def is_one(self) -> bool:
        """Return whether the folder is that of a run."""
        try:
            RunConfig.from_dict(read_json(self._config))
        except (InputError, OSError, KeyError, TypeError, ValueError):
            return False
        return True

    def require_own_folder(self) -> None:
        """Check that nothing but a run is in the folder.

        Raises
        ------
        InputError
            If the folder holds something else than a run.
        """
        self._require_no_file()
        if self.folder.is_dir() and set(self.folder.iterdir()) - {self._unfinished}:
            try:
                self.config()
            except InputError as error:
                raise InputError(
                    f"--run {self.folder}: this folder holds other files; give a new one"
                ) from error

    def require_not_replaced(self, source: str, flag: str) -> None:
        """Raise an :class:`InputError` if the stages would replace a table that they read.

        Parameters
        ----------
        source
            A file, or a folder of data files.
        flag
            What gave it.
        """
        path = Path(source)
        if any(map(self.owns, [path, *(data_files(path) if path.is_dir() else [])])):
            raise InputError(
                f"{flag} {source}: the stages of the run {self.folder} write there, and remove "
                "what they find; copy the table to another place"
            )

    def require_unfinished_or_same(self, config: RunConfig, table: Any) -> None:
        """Check that nothing is lost by carrying out a run anew.

        Parameters
        ----------
        table
            What tells the table of the records from others, as :meth:`note` keeps it.

        Raises
        ------
        InputError
            If the folder holds a trained model of other settings or another table.
        """
        if not self.bundle.exists():
            return
        known = read_json(self._config).get("table", "")
        other = self.config().differences(config)
        if table and table == known:  # wherever it lies now
            other = [flag for flag in other if flag != "--data"]
        if other or table != known:
            reason = f"with another {', '.join(other)}" if other else "of a table that has changed"
            raise InputError(
                f"--run {self.folder}: this run is finished, {reason}; give another folder, or "
                "--overwrite to replace it"
            )

    def configure(self, config: RunConfig) -> None:
        """Write the settings, the day, and the releases of the libraries."""
        facts = {"started": date.today().isoformat(), "versions": versions()}
        write_json(self._config, {**config.to_dict(), **facts})

    def made(self) -> str:
        """Say on which day the run was started, and with which release; as its settings note it."""
        facts = read_json(self._config)
        day = f" of {facts['started']}" if "started" in facts else ""
        release = facts.get("versions", {}).get("textlstm", "of an unknown release")
        return f"Run{day} with textlstm {release}."

    def note(self, **facts: str) -> None:
        """Add to the settings what only a stage could know, such as the device.

        ``table`` is the digest of the table that was preprocessed.
        """
        write_json(self._config, {**read_json(self._config), **facts})

    def config(self) -> RunConfig:
        """Return the settings of the run.

        Raises
        ------
        InputError
            If the folder is not a run's.
        """
        self._recover()
        self.require_run()
        try:
            return RunConfig.from_dict(read_json(self._config))
        except InputError as error:
            raise InputError(f"{self._config}: {as_fields(str(error))}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            bundle = (self.folder / "manifest.json").exists()
            what = (
                "those of a bundle; give the folder of its run" if bundle else "not those of a run"
            )
            raise InputError(f"{self._config}: these settings are {what}") from error

    def is_other_table(self, source: str) -> bool:
        """Return whether a table is known not to be the one that was preprocessed."""
        known = read_json(self._config).get("table")
        return bool(known) and digest(source) != known

    def _recover(self) -> None:
        """Carry a swap that was cut off to its end, unless another process does or nobody can."""
        if (self._unfinished / MARK).is_file():
            with suppress(InputError, OSError), self.locked():
                pass

    def require_run(self) -> None:
        """Raise an :class:`InputError` if there is no run in the folder, or no such folder."""
        self._require_no_file()
        if not self.folder.exists():
            beside = self.folder.parent
            others = [one.name for one in beside.iterdir()] if beside.is_dir() else []
            runs = [name for name in others if (beside / name / self._config.name).is_file()]
            raise InputError(
                f"--run {self.folder}: there is no such run{near(self.folder.name, runs)}"
            )
        if not self._config.exists():
            first = as_called(f"{MODULES}preprocess")
            raise InputError(
                f"--run {self.folder}: this folder is not a run's, for it has no "
                f"{self._config.name}; `{first} --run {self.folder}` with --data, --text and "
                "--label starts a run"
            )

    def _require_no_file(self) -> None:
        """Raise an :class:`InputError` if a file is where the folder is to be, or above it."""
        for place in (self.folder, *self.folder.parents):
            if place.is_file():
                what = "this" if place == self.folder else place
                raise InputError(f"--run {self.folder}: {what} is a file; give the folder of a run")

    def require(self, path: Path, stage: str) -> None:
        """Raise an :class:`InputError` naming the stage to run first, if a path is not there."""
        self.require_run()
        if not path.exists():
            again = " with the flags of the run's config.json" if stage == "preprocess" else ""
            command = as_called(f"{MODULES}{stage}")
            raise InputError(f"{path} is missing; run `{command} --run {self.folder}`{again} first")

    @contextmanager
    def staged_outputs(self, stage: str) -> Iterator["Run"]:
        """Give a run to write a stage's files to; these then take the place of the old ones.

        What later stages wrote is removed, so that nothing stale remains. On an exception, as when
        the disk is full, all old files stay. If the process is killed, the old files stay as well,
        or, where all new ones were written, the next command on the run puts these in place.
        What holds texts, ids or labels of records is for its owner alone.

        Raises
        ------
        InputError
            If the working folder is a link or holds files of others, or old files cannot be
            removed.
        """
        new = Run(self._unfinished)
        folders.remove_folder(new.folder, self._is_ours)  # where the caller does not hold the run
        folders.make_private(new.folder)
        try:
            yield new
            for path in new.private:
                folders.protect(path)
            names = [path.name for path in new.outputs[stage]]
            mark = {"stage": stage, "numbers": swap.numbers(new.folder, names)}
            write_json(new.folder / MARK, mark)
        except BaseException:
            with suppress(OSError):
                folders.remove_folder(new.folder, self._is_ours)
            raise
        self._finish()

    def _finish(self) -> None:
        """Carry out the swap that a stage has prepared, if there is one, to its end."""
        mark = self._unfinished / MARK
        if not mark.is_file():
            return
        try:
            prepared = read_json(mark)
            place = STAGES.index(prepared["stage"])
            own, *later = ([path.name for path in self.outputs[one]] for one in STAGES[place:])
            new = {name: prepared["numbers"].get(name) for name in own}
            swap.swap_folders(
                self._unfinished, self.folder, new, [name for one in later for name in one]
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{mark}: damaged; run the stage again") from error
        finally:
            # First of all: without it, what stands there is refuse, whatever part of it is removed.
            mark.unlink()
            self._sweep()

    def _sweep(self) -> None:
        """Remove the working folder, where the old files are now."""
        try:
            folders.remove_folder(self._unfinished, self._is_ours)
        except OSError as error:
            raise InputError(
                f"{self._unfinished}: the files of the run are whole, but what they replaced "
                f"cannot be removed ({error.strerror}); remove this folder"
            ) from error

    def _is_ours(self, name: str) -> bool:
        """Return whether a name in the working folder is one that a stage gives."""
        names = {path.name for paths in self.outputs.values() for path in paths}
        return name.removesuffix(".aside") in names or name == MARK

    def end(self, stage: str, seconds: float) -> None:
        """Note how long a stage took."""
        write_json(self._timing, {**self.timing(), stage: seconds})

    def timing(self) -> dict[str, Any]:
        """Return the seconds of each stage so far."""
        return dict(read_json(self._timing)) if self._timing.is_file() else {}


def require_outside_runs(path: Path, flag: str) -> None:
    """Check that no run writes, and so removes, what is at a path.

    Parameters
    ----------
    flag
        What gave the path, and the path itself, for the message.

    Raises
    ------
    InputError
        If it is a file of a run, such as ``metrics.json``, or in a folder of one, such as
        ``records/``.
    """
    for folder in path.resolve().parents:
        run = Run(folder)
        if run.owns(path) and run.is_one():
            raise InputError(
                f"{flag}: the stages of the run {folder} write there, and remove what they find; "
                "give another place"
            )
