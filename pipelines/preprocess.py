r"""Read a table, clean and tokenize its texts, and split it into training, validation, holdout.

Reads:  the table given by --data
Writes: RUN/config.json, RUN/records/{train,validation,holdout}.parquet (record_id, text, label,
        and the groups of each column given by --by),
        RUN/records/rare.parquet (the same of classes that --rare drops, and their part),
        RUN/records/summary.json (how many records were read, and left out by which reason),
        RUN/records/abbreviations.json (those of --abbreviations, and their meanings)

The table is read in parts, and each distinct text tokenized and kept once: it may be larger than
memory.

For example:
    python -m pipelines.preprocess --data deaths.csv --text cause other_conditions \
        --label manner --run runs/manner
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pipelines import console, progress, run_flags, shell
from pipelines.runs import Run
from pipelines.source import Source, digest
from textlstm.config import RARE_LABEL, DataConfig, RunConfig
from textlstm.errors import counted, quoted

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from textlstm.data.records import UsableRecords


CELLS_LOOKED_AT = 100
"""Cells by which it is seen whether a column holds dates."""

HANDLED = {
    "control_characters": ("cell has", "cells have",
                           "control characters; they are read as spaces"),
    "invisible_characters": ("cell has", "cells have",
                             "zero-width, bidirectional or like characters; left out"),
    "replacement_characters": ("cell has", "cells have", "characters that were lost before"),
    "other_unicode_forms": ("cell is", "cells are", "in other Unicode forms; composed"),
    "overlong_texts": ("cell is", "cells are", "too long to be a text; read to a limit"),
    "overlong_words": ("cell has", "cells have", "words too long to be any; divided"),
    "labels_normalised": ("label has", "labels have",
                          "other spaces, Unicode forms or invisible characters; normalised"),
    "labels_alike": ("record has", "records have",
                     "a label that differs from another one in upper and lower case only; each is "
                     "a class of its own"),
    "labels_like_missing": ("record has", "records have",
                            "a label that often stands for a missing one; it is a class as others "
                            "are"),
    "labels_like_lists": ("record has", "records have",
                          "a label that looks like a list; each list is a class"),
    "rare_class_records": ("record of a rare class is", "records of rare classes are",
                           "not dropped"),
    "merged_class_records": ("record of a rare class is", "records of rare classes are",
                             f"merged into the class {RARE_LABEL!r}, which is never coded "
                             "automatically: a person sees what is taken for it"),
    "texts_with_conflicting_labels": ("text carries", "texts carry", "more than one label"),
    "holdout_texts_also_trained_on": ("record of the holdout has", "records of the holdout have",
                                      "a text that is also trained on (--split grouped keeps them "
                                      "apart)"),
}  # fmt: skip
"""What the records may have that is neither an error nor a reason to leave them out.

Words for one of them, words for several, and what goes on behind either.
"""


def preprocess(run: Run, config: RunConfig, *, overwrite: bool = False) -> None:
    """Carry out the stage; a finished run of other records or settings has to be overwritten."""
    run.require_own_folder()
    run.require_not_replaced(config.data.data, "--data")
    if config.data.abbreviations:
        run.require_not_replaced(config.data.abbreviations, "--abbreviations")
    with progress.working("preprocess", progress.LOADING):
        from textlstm.data.groups import PREFIX
        from textlstm.data.records import SPLIT, SPLITS, select_usable, write_records
        from textlstm.data.splits import split
        from textlstm.encoding.abbreviation_table import read_abbreviations
        from textlstm.storage.json_files import write_json
        from textlstm.uncertainty.risk_control import uncodable_sentence

    source = Source(config.data.data)
    table = digest(config.data.data)
    if not overwrite:
        run.require_unfinished_or_same(config, table)
    was_trained = run.bundle.exists()
    with shell.timed() as seconds, ExitStack() as stack:
        given = read_abbreviations(config.data.abbreviations) if config.data.abbreviations else {}
        records, mended, dated = _read(config.data)
        source.require_unchanged()
        odd_labels = _tell_of_labels(records["label"])
        stack.enter_context(progress.working("preprocess", "dividing the records"))
        found = select_usable(records, config.data)
        parts, rare = split(found, config.data, config.seed)
        handled = mended | odd_labels | _handled(records, found, parts, config.data)
        summary = {
            "rows": len(records),
            "dropped": found.dropped,
            "distinct_texts": int(found.records["text"].nunique()),
            "handled": handled,
            "uncodable": {"records": found.uncodable, "share": found.uncodable_share},
            "borderline": found.borderline,
        }
        with run.staged_outputs("preprocess") as new:
            new.configure(config)
            new.add_facts(table=table)
            columns = ["record_id", "text", "label", *(PREFIX + name for name in config.data.by)]
            for name in SPLITS:
                write_records(parts[name][columns], new.records / f"{name}.parquet")
            write_records(rare[[*columns, SPLIT]], new.records / "rare.parquet")
            write_json(new.records / "abbreviations.json", given)
            write_json(new.records / "summary.json", summary)
        run.record_time("preprocess", seconds())
    if was_trained:
        console.log(
            "preprocess: the model and the report that were here are removed with the records"
        )
    counts = ", ".join(f"{len(parts[name])} {name}" for name in SPLITS)
    console.log(f"preprocess: {counted(len(records), 'record')} read; {counts}")
    for reason, number in found.dropped.items():
        if number:
            left_out = f"{counted(number, 'record')} left out: {reason.replace('_', ' ')}"
            console.log(f"preprocess: {left_out}")
    for name, number in handled.items():
        if number and name not in odd_labels:
            console.log(f"preprocess: {_sentence(name, number)}")
    if dated and config.data.split != "temporal":
        console.log(
            f"preprocess: column {quoted(dated)} says when records were made; --split temporal "
            f"--date {console.shell_quoted(dated)} holds out the latest of "
            "them, as records to come will be"
        )
    if found.uncodable:
        console.log(f"preprocess: {uncodable_sentence(found.uncodable_share)}")


def _sentence(name: str, number: int) -> str:
    """Return how much there is of something handled, and what becomes of it."""
    one, many, rest = HANDLED[name]
    return f"{counted(number, one, many)} {rest}"


def _tell_of_labels(labels: "pd.Series") -> dict[str, int]:
    """Say what about the labels is seldom meant, before any is left out; return how much."""
    from textlstm.data.distinct import relabel
    from textlstm.data.labels import label_warnings, plain_label

    counts = relabel(labels, plain_label).value_counts()
    found = label_warnings({str(label): int(number) for label, number in counts.items()})
    for name, (number, words) in found.items():
        console.log(f"preprocess: {_sentence(name, number)}: {words}")
    return {name: number for name, (number, _) in found.items()}


def _handled(
    records: "pd.DataFrame",
    found: "UsableRecords",
    parts: "Mapping[str, pd.DataFrame]",
    config: DataConfig,
) -> dict[str, int]:
    """Return how much there is of what :data:`HANDLED` names, texts and cells apart."""
    import pandas as pd

    from textlstm.data.labels import plain_label

    kept = found.records
    counts = kept["label"].value_counts()
    rare = (counts < config.min_class_records) & (counts.index != RARE_LABEL)
    raw = records["label"].value_counts()
    pairs = kept[["text", "label"]].drop_duplicates()
    learned = pd.concat([parts["train"], parts["validation"]])["text"].unique()
    return {
        "labels_normalised": int(raw[[plain_label(one) != one for one in raw.index]].sum()),
        "rare_class_records": int(counts[rare].sum()),
        "merged_class_records": int(counts.get(RARE_LABEL, 0)),
        "texts_with_conflicting_labels": int((pairs["text"].value_counts() > 1).sum()),
        "holdout_texts_also_trained_on": int(parts["holdout"]["text"].isin(learned).sum()),
    }


def _read(config: DataConfig) -> "tuple[pd.DataFrame, dict[str, int], str]":
    """Return the table as the records, what there was to mend in their texts, and a column of time.

    Records have a record_id, a text (preprocessed), a label, a date if one is named, and the group
    by each of the columns of --by. The table is read in parts, and what repeats is kept once: all
    but the ids are categoricals.
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from textlstm.data.cells import DistinctBuilder, column
    from textlstm.data.groups import PREFIX
    from textlstm.data.readers import iter_tables
    from textlstm.errors import InputError, row_number
    from textlstm.text.cleaning import count_repairs

    columns = {"text": config.text, "label": (config.label,)}
    columns |= {PREFIX + name: (name,) for name in config.by}
    columns |= {"date": (config.date,)} if config.date else {}
    gathered = {name: DistinctBuilder() for name in columns}
    ids: list[pa.Array] = []
    dated: str | None = None
    parts = iter_tables(
        config.data, config.charset, config.delimiter, console.log_for("preprocess")
    )
    for part in progress.track(parts, "preprocess", "reading", "records", size=len):
        for name, rows in gathered.items():
            rows.add(part, columns[name], config.data)
        if config.id:
            ids.append(pa.array(column(part, config.id, config.data), pa.string()))
        if dated is None and len(part):
            dated = _column_of_time(part, config)
    texts = gathered["text"]
    if not len(texts):
        raise InputError(f"{config.data}: the table has no rows")
    if not config.id:
        ids.append(pa.array(np.arange(1, len(texts) + 1)).cast(pa.string()))
    frame = pd.DataFrame(
        {"record_id": pa.chunked_array(ids).to_pandas()}
        | {
            name: pd.Categorical(_names(name, rows.distinct)).take(rows.places)
            for name, rows in gathered.items()
        }
    )
    if config.id and not frame["record_id"].is_unique:
        row = int(frame["record_id"].duplicated().to_numpy().argmax())
        raise InputError(
            f"{config.data}: column {quoted(config.id)} repeats an id in row {row_number(row)}"
        )
    cells = Counter[str]()
    for fields, number in zip(texts.distinct, np.bincount(texts.places).tolist(), strict=True):
        for field in fields:
            cells[field] += number
    return frame, count_repairs(cells), dated or ""


def _column_of_time(part: "pa.Table", config: DataConfig) -> str:
    """Return the first column by which a temporal split could be made, if there is one."""
    from textlstm.data.cells import column
    from textlstm.data.dates import says_when

    first = part[:CELLS_LOOKED_AT]
    told = {*config.text, config.label, config.id}
    names = [name for name in first.column_names if name not in told]
    found = (name for name in names if says_when(name, column(first, name, config.data)))
    return next(found, "")


def _names(column: str, rows: Sequence[Sequence[str]]) -> list[str]:
    """Return what the records have in a column in the place of these cells of the table."""
    from textlstm.data.groups import PREFIX, group_names
    from textlstm.text.tokenizing import preprocess as clean

    if column == "text":
        return clean(progress.track(rows, "preprocess", "tokenizing"))
    cells = [cell for (cell,) in rows]
    by = column.removeprefix(PREFIX)
    return cells if by == column else group_names(by, cells)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    given = run_flags.run_parser("preprocess", __doc__).parse_args(argv)
    run, config = Run(given.run), run_flags.run_config(given)
    with run.locked():
        preprocess(run, config, overwrite=given.overwrite)


if __name__ == "__main__":
    shell.run_and_exit(main)
