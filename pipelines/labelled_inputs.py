"""What ``evaluate`` reads: labelled records of another table, and the records of the run."""

from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines import progress
from pipelines.console import log_for
from pipelines.inputs import TableFormat, table_charset, text_columns
from pipelines.runs import Run
from textlstm.config import DataConfig
from textlstm.errors import listed

if TYPE_CHECKING:
    import pandas as pd

    from textlstm.evaluation.new_evaluation import HoldoutMeasures


def labelled_source(
    run: Run, stage: str, data: str, label: str, table_format: TableFormat
) -> DataConfig:
    """Return how to read a table of labelled records: as the training table, unless flags differ.

    Columns of ids and of groups are those of the training table, as far as the table has them.

    Raises
    ------
    InputError
        If the run has no bundle, or the table cannot be read or lacks a text column, the labels, or
        a number or category that the model reads.
    """
    trained = run.config().data
    run.require(run.bundle, "train")
    source = replace(
        trained,
        data=data,
        text=text_columns(run, table_format.text),
        label=label or trained.label,
        charset=table_charset(run, data, table_format.charset),
        delimiter=table_format.delimiter,
        sheet=table_format.sheet,
        query=table_format.query,
        split="stratified",
        date="",
    )
    with progress.working(stage, "reading the header"):
        from textlstm.inference.engines.chunks import read_beginning

        columns = (*source.text, source.label, *source.number, *source.category)
        how = source.charset, source.delimiter, table_format.choices
        names = read_beginning(data, columns, *how).column_names
    if absent := [name for name in (source.id, *source.by) if name and name not in names]:
        log_for(stage)(f"without the columns {listed(absent)} of the training table")
    if run.table() and not run.is_other_table(data):
        log_for(stage)(
            "this is the table that the run was trained on: the model has seen most of its records"
        )
    by = tuple(name for name in source.by if name in names)
    return replace(source, id=source.id if source.id in names else "", by=by)


def training_records(run: Run) -> "dict[str, pd.DataFrame]":
    """Return the training and validation records of a run; nothing where they are not at hand."""
    from textlstm.data.records import SPLITS, read_splits

    if not all((run.records / f"{name}.parquet").exists() for name in SPLITS):
        return {}
    splits = read_splits(run.records)
    return {name: splits[name] for name in ("train", "validation")}


def holdout_measures(run: Run) -> "HoldoutMeasures | None":
    """Return the measures on the holdout of a run; None if it has no report."""
    from textlstm.evaluation.new_evaluation import HoldoutMeasures
    from textlstm.storage.damage import damage_explained
    from textlstm.storage.json_files import read_json

    if not run.metrics.is_file():
        return None
    with damage_explained(run.metrics):
        return HoldoutMeasures.of(read_json(run.metrics))
