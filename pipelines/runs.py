"""The folder of a run: its settings and timing, and the checks before a stage reads or writes."""

import platform
from datetime import date
from importlib.metadata import version
from pathlib import Path

from pipelines.console import MODULES, as_called
from pipelines.source import digest
from pipelines.staging import StagedRun
from textlstm.config import RunConfig
from textlstm.data.dataset import data_files
from textlstm.errors import InputError, did_you_mean
from textlstm.recipe import as_fields
from textlstm.storage.json_files import read_json, write_json


def versions() -> dict[str, str]:
    """Return the versions of the libraries and of Python that the results of a run depend on."""
    libraries = ("textlstm", "torch", "spacy", "scikit-learn")
    return {name: version(name) for name in libraries} | {"python": platform.python_version()}


class Run(StagedRun):
    """The folder of a run: where each stage writes, and where the next one reads."""

    def configure(self, config: RunConfig) -> None:
        """Write the settings, the day, and the versions of the libraries."""
        facts = {"started": date.today().isoformat(), "versions": versions()}
        write_json(self._config, {**config.to_dict(), **facts})

    def add_facts(self, **facts: str) -> None:
        """Add facts to the settings that only a stage knows, such as the device.

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
        self.recover()
        self.require_run()
        try:
            return RunConfig.from_dict(read_json(self._config))
        except InputError as error:
            raise InputError(f"{self._config}: {as_fields(str(error))}") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            is_bundle = (self.folder / "manifest.json").exists()
            owner = (
                "those of a bundle; give the folder of its run"
                if is_bundle
                else "not those of a run of this release; make the run again in a new folder"
            )
            raise InputError(f"{self._config}: these settings are {owner}") from error

    def origin(self) -> str:
        """Return a sentence on the day and the version that the run was started with."""
        facts = read_json(self._config)
        day = f" of {facts['started']}" if "started" in facts else ""
        release = facts.get("versions", {}).get("textlstm", "of an unknown release")
        return f"Run{day} with textlstm {release}."

    def is_other_table(self, table: str) -> bool:
        """Return whether a table differs from the one that was preprocessed; False if unknown."""
        preprocessed = self.table()
        return bool(preprocessed) and digest(table) != preprocessed

    def record_time(self, stage: str, seconds: float) -> None:
        """Record how long a stage took."""
        write_json(self._timing, {**self.timing(), stage: seconds})

    def timing(self) -> dict[str, float]:
        """Return the recorded seconds of each stage."""
        return dict(read_json(self._timing)) if self._timing.is_file() else {}

    def require(self, path: Path, stage: str) -> None:
        """Raise an :class:`InputError` that names the stage to run first, if a path is missing."""
        self.require_run()
        if not path.exists():
            again = " with the flags of the run's config.json" if stage == "preprocess" else ""
            command = as_called(f"{MODULES}{stage}")
            raise InputError(f"{path} is missing; run `{command} --run {self.folder}`{again} first")

    def require_run(self) -> None:
        """Raise an :class:`InputError` if the folder is missing, or is not the folder of a run."""
        self.require_no_file()
        if not self.folder.exists():
            beside = self.folder.parent
            others = [path.name for path in beside.iterdir()] if beside.is_dir() else []
            runs = [name for name in others if (beside / name / self._config.name).is_file()]
            raise InputError(
                f"--run {self.folder}: there is no such run{did_you_mean(self.folder.name, runs)}"
            )
        if not self._config.exists():
            first = as_called(f"{MODULES}preprocess")
            raise InputError(
                f"--run {self.folder}: this folder is not a run's, for it has no "
                f"{self._config.name}; `{first} --run {self.folder}` with --data, --text and "
                "--label starts a run"
            )

    def require_own_folder(self) -> None:
        """Raise an :class:`InputError` if the folder holds other files than those of a run."""
        self.require_no_file()
        if self.folder.is_dir() and set(self.folder.iterdir()) - {self._unfinished}:
            try:
                self.config()
            except InputError as error:
                raise InputError(
                    f"--run {self.folder}: this folder holds other files; give a new one"
                ) from error

    def require_not_replaced(self, table: str, flag: str) -> None:
        """Raise an :class:`InputError` if the stages would replace a table that they read.

        Parameters
        ----------
        table
            A file, or a folder of data files.
        flag
            The flag that names the table, for the message.
        """
        path = Path(table)
        if any(map(self.owns, [path, *(data_files(path) if path.is_dir() else [])])):
            raise InputError(
                f"{flag} {table}: the stages of the run {self.folder} write there, and remove "
                "what they find; copy the table to another place"
            )

    def is_made_of(self, config: RunConfig, table: str) -> bool:
        """Return whether the run has these settings, and records of the table of this digest."""
        return self.is_run() and self.table() == table and not self._changed(config, table)

    def require_unfinished_or_same(self, config: RunConfig, table: str) -> None:
        """Check that repeating a run with these settings replaces no other trained model.

        Parameters
        ----------
        table
            Digest of the table of the records.

        Raises
        ------
        InputError
            If the folder holds a model that was trained with other settings or on another table.
        """
        if not self.bundle.exists():
            return
        changed = self._changed(config, table)
        if changed or table != self.table():
            reason = (
                f"with another {', '.join(changed)}" if changed else "of a table that has changed"
            )
            raise InputError(
                f"--run {self.folder}: this run is finished, {reason}; give another folder, or "
                "--overwrite to replace it"
            )

    def table(self) -> str:
        """Return the digest of the table that was preprocessed; empty if it is unknown."""
        return str(read_json(self._config).get("table", ""))

    def _changed(self, config: RunConfig, table: str) -> list[str]:
        """Return the flags in which these settings differ from those of the run."""
        changed = self.config().differences(config)
        if table and table == self.table():  # the same table may lie elsewhere now
            changed = [flag for flag in changed if flag != "--data"]
        return changed
