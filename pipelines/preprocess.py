"""Read a table, clean and tokenize its texts, and split it into training, validation, holdout.

Reads:  the table given by --data
Writes: RUN/config.json, RUN/records/{train,validation,holdout}.parquet (record_id, text, label),
        RUN/records/summary.json (how many records were read, and left out by which reason)
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines import shell
from pipelines.runs import Run, versions
from textlstm.config import DataConfig, RunConfig

if TYPE_CHECKING:
    import pandas as pd


def preprocess(run: Run, config: RunConfig) -> None:
    """Carry out the stage."""
    import pandas as pd

    from textlstm.files import replacing, write_json
    from textlstm.records import PARTS, RARE_LABEL, split, usable

    with shell.timed() as seconds:
        records = _read(config.data)
        kept, dropped = usable(records, config.data)
        parts = split(kept, config.data, config.seed)
        run.create(config, versions())
        run.begin("preprocess")
        for name in PARTS:
            with replacing(run.records / f"{name}.parquet") as path:
                parts[name][["record_id", "text", "label"]].to_parquet(path, index=False)
        conflicting = kept.groupby("text")["label"].nunique() > 1
        summary = {
            "rows": len(records),
            "dropped": dropped,
            "distinct_texts": int(kept["text"].nunique()),
            "texts_with_conflicting_labels": int(conflicting.sum()),
        }
        write_json(run.records / "summary.json", summary)
        run.end("preprocess", seconds())
    counts = ", ".join(f"{len(parts[name])} {name}" for name in PARTS)
    shell.say(f"preprocess: {len(records)} records read; {counts}")
    rare = kept["label"].map(kept["label"].value_counts()) < config.data.min_class_records
    if config.data.rare == "merge":
        rare = kept["label"] == RARE_LABEL
    if number := int(rare.sum()):
        verb = {"merge": "merged into one class", "keep": "kept"}[config.data.rare]
        shell.say(f"preprocess: {number} records of rare classes {verb}")
    for reason, number in dropped.items():
        if number:
            shell.say(f"preprocess: {number} records left out: {reason.replace('_', ' ')}")
    if number := int(conflicting.sum()):
        shell.say(f"preprocess: {number} texts carry more than one label")
    straddling = pd.concat([parts["train"], parts["validation"]])["text"]
    if (
        config.data.split != "grouped"
        and (shared := parts["holdout"]["text"].isin(straddling)).any()
    ):
        shell.say(
            f"preprocess: {shared.mean():.0%} of the holdout has a text that is also trained on "
            "(--split grouped keeps them apart)"
        )


def _read(config: DataConfig) -> "pd.DataFrame":
    """Return the table as the records: record_id, text (preprocessed), label, date if given."""
    import pandas as pd

    from textlstm.errors import InputError
    from textlstm.tables import column, read_table
    from textlstm.text import preprocess as clean

    table = read_table(config.data, config.encoding)
    named = {name: column(table, name, config.data) for name in (*config.text, config.label)}
    if not len(table):
        raise InputError(f"{config.data}: the table has no rows")
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
    return frame


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
