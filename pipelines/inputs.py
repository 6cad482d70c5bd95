"""What a command reads beside its flags: the run's bundle, and a table of records.

``predict``, ``evaluate``, ``explain`` and ``review`` read tables like the training table: with its
text columns and its character set, unless flags give others.
"""

from argparse import Namespace
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from pipelines import progress
from pipelines.console import log_for
from pipelines.run_paths import require_outside_runs
from pipelines.runs import Run
from pipelines.source import unchanged
from textlstm.config import DataConfig
from textlstm.errors import InputError, counted, listed
from textlstm.formats import TEXT_ENDINGS, format_of

if TYPE_CHECKING:
    import pyarrow as pa

    from textlstm.data.options import TableChoices
    from textlstm.inference.bundle import Bundle


class TableFormat(NamedTuple):
    """How to read a table of records; empty values stand for those of the training table."""

    text: Sequence[str] = ()  # text columns, in reading order
    charset: str = ""
    delimiter: str = ""
    sheet: str = ""
    query: str = ""

    @classmethod
    def of(cls, parsed: Namespace) -> Self:
        """Return what the flags of :func:`.add_table_format` say."""
        return cls(*(getattr(parsed, name) for name in cls._fields))

    @classmethod
    def trained(cls, config: DataConfig) -> Self:
        """Return how the training table was read."""
        return cls(delimiter=config.delimiter, sheet=config.sheet, query=config.query)

    @property
    def choices(self) -> "TableChoices":
        """Return which of the tables of a source is read."""
        from textlstm.data.options import TableChoices

        return TableChoices(self.sheet, self.query)


class LoadedInputs(NamedTuple):
    """A bundle, and the table that it is asked about."""

    bundle: "Bundle"
    table: "pa.Table"
    columns: tuple[str, ...]  # text columns of the table


def load(run: Run, stage: str, data: str, table_format: TableFormat) -> LoadedInputs:
    """Load the bundle of a run and a whole table of records, with progress.

    Raises
    ------
    InputError
        If the run has no bundle, the table cannot be read, or its text columns are more or fewer
        than the model reads.
    """
    columns = text_columns(run, table_format.text)
    bundle = load_bundle(run, stage)
    table = load_table(run, stage, data, table_format)
    from textlstm.data.cells import without_missing

    missing = run.config().data.missing
    return LoadedInputs(bundle, without_missing(table, columns, data, missing), columns)


def load_bundle(run: Run, stage: str) -> "Bundle":
    """Load the bundle of a run, with progress.

    Raises
    ------
    InputError
        If the run has not been trained.
    """
    run.require(run.bundle, "train")
    with progress.working(stage, "loading the model"):
        from textlstm.inference.bundle import Bundle

        return Bundle.load(run.bundle)


def load_table(run: Run, stage: str, data: str, table_format: TableFormat) -> "pa.Table":
    """Load a whole table of records, with progress.

    Raises
    ------
    InputError
        If the table cannot be read, or changes while it is read.
    """
    charset = table_charset(run, data, table_format.charset)
    with progress.working(stage, "reading the table"), unchanged(data):
        from textlstm.data.readers import read_table

        return read_table(
            data, charset, table_format.delimiter, log_for(stage), table_format.choices
        )


def text_columns(run: Run, columns: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the text columns of a table: those of the training table, unless others are given.

    Raises
    ------
    InputError
        If there are more or fewer columns than the model reads.
    """
    trained = run.config().data.text
    chosen = tuple(columns) or tuple(trained)
    if len(chosen) != len(trained):
        raise InputError(
            f"--text names {counted(len(chosen), 'column')}; the model reads {len(trained)}: "
            f"{listed(trained)}"
        )
    return chosen


def table_charset(run: Run, data: str, charset: str = "") -> str:
    """Return the character set of a table: the one given, else that of the training table.

    Raises
    ------
    InputError
        If none is given, and the bytes of the table hardly fit that of the training table.
    """
    trained = run.config().data.charset
    is_text = format_of(Path(data)) in TEXT_ENDINGS and Path(data).is_file()
    if charset or trained == "utf-8" or not is_text:
        return charset or trained
    from textlstm.data.text_files import presumed_charset

    return presumed_charset(Path(data), trained)


def require_own_folder(out: Path, names: Collection[str], *sources: str) -> None:
    """Check that a folder, if it exists, holds only files of a stage, and that it may be written.

    Parameters
    ----------
    names
        Of the files that the stage writes.
    sources
        Tables that are read.

    Raises
    ------
    InputError
        If it holds other files or is a file, or as :func:`require_free_output`.
    """
    for path in (out, *out.parents):
        if path.is_file():
            raise InputError(f"--out {out}: {path} is a file; give a folder")
    if out.is_dir() and {path.name for path in out.iterdir()} - set(names):
        raise InputError(f"--out {out}: this folder holds other files; give a new one")
    for path in (out, *(out / name for name in names)):
        require_free_output(path, *sources)


def require_free_output(out: Path, *sources: str) -> None:
    """Raise an :class:`InputError` if ``--out`` would replace or join the files that are read.

    It is raised as well if no file may be written there (see :func:`.require_writable`), or if the
    stages of a run write there. A file in a folder that is read would belong to the table from then
    on.
    """
    from textlstm.data.dataset import data_files, data_folders
    from textlstm.storage.atomic import require_writable

    require_writable(out)
    for source in map(Path, sources):
        is_folder = source.is_dir()
        if is_folder and out.resolve().parent in [
            place.resolve() for place in data_folders(source)
        ]:
            raise InputError(f"--out {out}: lies in {source}, which is read; give another place")
        # The file may have several names: links lead to it, too.
        for read in data_files(source) if is_folder else [source]:
            if out.exists() and read.exists() and out.samefile(read):
                raise InputError(f"--out {out}: this is {read} itself; give another name")
    require_outside_runs(out, f"--out {out}")


def require_no_book(config: DataConfig, stage: str) -> None:
    """Raise an :class:`.InputError` if the labels have a code book, which a stage cannot treat."""
    if config.codes:
        raise InputError(f"{stage} does not read runs with --codes; report measures their levels")
