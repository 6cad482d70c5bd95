"""Read a table, clean and tokenize its texts, and split it into training, validation, holdout.

Reads:  the table given by --data
Writes: RUN/config.json, RUN/records/{train,validation,holdout}.parquet (record_id, text, label,
        and the groups of each column given by --by),
        RUN/records/summary.json (how many records were read, and left out by which reason)
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from pipelines import shell
from pipelines.runs import Run
from textlstm.config import DataConfig, RunConfig

if TYPE_CHECKING:
    import pandas as pd


HANDLED = {
    "control_characters": "cells have control characters; they are read as spaces",
    "invisible_characters": "cells have zero-width, bidirectional or like characters; left out",
    "replacement_characters": "cells have characters that were lost before",
    "other_unicode_forms": "cells are in other Unicode forms; composed",
    "overlong_texts": "cells are too long to be a text; read to a limit",
    "overlong_words": "cells have words too long to be any; divided",
    "labels_normalised": "labels have other spaces or Unicode forms; normalised",
    "rare_class_records": "records of rare classes are not dropped",
    "texts_with_conflicting_labels": "texts carry more than one label",
    "holdout_texts_also_trained_on": "records of the holdout have a text that is also trained on "
    "(--split grouped keeps them apart)",
}
"""What the records may have that is neither an error nor a reason to leave them out."""


def preprocess(run: Run, config: RunConfig) -> None:
    """Carry out the stage."""
    from textlstm.files import replacing, write_json
    from textlstm.records import PARTS, split, usable
    from textlstm.subgroups import PREFIX

    run.require_own_folder()
    with shell.timed() as seconds:
        records, mended = _read(config.data)
        kept, dropped = usable(records, config.data)
        parts = split(kept, config.data, config.seed)
        handled = mended | _handled(records, kept, parts, config.data)
        summary = {
            "rows": len(records),
            "dropped": dropped,
            "distinct_texts": int(kept["text"].nunique()),
            "handled": handled,
        }
        with run.writing("preprocess") as new:
            new.configure(config)
            columns = ["record_id", "text", "label", *(PREFIX + name for name in config.data.by)]
            for name in PARTS:
                with replacing(new.records / f"{name}.parquet") as path:
                    parts[name][columns].to_parquet(path, index=False)
            write_json(new.records / "summary.json", summary)
        run.end("preprocess", seconds())
    counts = ", ".join(f"{len(parts[name])} {name}" for name in PARTS)
    shell.say(f"preprocess: {len(records)} records read; {counts}")
    for reason, number in dropped.items():
        if number:
            shell.say(f"preprocess: {number} records left out: {reason.replace('_', ' ')}")
    for name, number in handled.items():
        if number:
            shell.say(f"preprocess: {number} {HANDLED[name]}")


def _handled(
    records: "pd.DataFrame",
    kept: "pd.DataFrame",
    parts: "Mapping[str, pd.DataFrame]",
    config: DataConfig,
) -> dict[str, int]:
    """Return how much there is of what :data:`HANDLED` names, texts and cells apart."""
    import pandas as pd

    from textlstm.records import RARE_LABEL, plain_label

    counts = kept["label"].map(kept["label"].value_counts())
    rare = (counts < config.min_class_records) | (kept["label"] == RARE_LABEL)
    labels = records["label"].value_counts()
    learned = pd.concat([parts["train"], parts["validation"]])["text"]
    return {
        "labels_normalised": int(
            sum(n for label, n in labels.items() if plain_label(str(label)) != label)
        ),
        "rare_class_records": int(rare.sum()),
        "texts_with_conflicting_labels": int((kept.groupby("text")["label"].nunique() > 1).sum()),
        "holdout_texts_also_trained_on": int(parts["holdout"]["text"].isin(learned).sum()),
    }


def _read(config: DataConfig) -> "tuple[pd.DataFrame, dict[str, int]]":
    """Return the table as the records, and what there was to mend in their texts.

    Records have a record_id, a text (preprocessed), a label, a date if one is named, and the group
    by each of the columns of --by.
    """
    import pandas as pd

    from textlstm.errors import InputError
    from textlstm.subgroups import PREFIX, group_names
    from textlstm.tables import column, read_table
    from textlstm.text import mended
    from textlstm.text import preprocess as clean

    table = read_table(config.data, config.encoding)
    named = {name: column(table, name, config.data) for name in (*config.text, config.label)}
    if not len(table):
        raise InputError(f"{config.data}: the table has no rows")
    groups = {
        PREFIX + name: group_names(name, column(table, name, config.data)) for name in config.by
    }
    lines = list(zip(*(named[name] for name in config.text), strict=True))
    frame = pd.DataFrame(
        {"text": clean(shell.progress(lines, "tokenizing")), "label": named[config.label]}
    )
    frame["record_id"] = (
        column(table, config.id, config.data)
        if config.id
        else [str(number) for number in range(1, len(table) + 1)]
    )
    if not frame["record_id"].is_unique:
        row = int(frame["record_id"].duplicated().to_numpy().argmax()) + 1
        raise InputError(f"{config.data}: column {config.id!r} repeats an id in row {row}")
    if config.date:
        frame["date"] = column(table, config.date, config.data)
    return frame.assign(**groups), mended(Counter(chain.from_iterable(lines)))


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = shell.parser(__doc__)
    shell.add_run(parser)
    shell.add_run_config(parser)
    given = parser.parse_args(argv)
    run, config = Run(given.run), shell.run_config(given)
    with run.held():
        preprocess(run, config)


if __name__ == "__main__":
    shell.leave(main)
