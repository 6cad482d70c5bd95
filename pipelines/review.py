"""Send doubtful records to a person, and take the codes back.

`export` writes the texts a person should code, those first whose code corrects most records, each
of them once. The file holds the texts of records: keep it where they are kept. A person writes a
label into the column code, or leaves it empty. `import` reads the file back, says how often person
and model agree, and writes a table to train on: the training table, all of its columns kept, and
behind it the records that were coded. Coded records are the doubtful ones: a run that holds some of
them out again measures itself on harder records than usual.

Reads:  RUN/config.json, RUN/bundle/, and the table given by --scored (what predict wrote),
        or the files given by --filled and the run's training table
Writes: the file given by --out

For example:
    python -m pipelines.review export --run runs/manner --scored coded.csv --out queue.csv
    python -m pipelines.review import --run runs/manner --filled queue.csv --out next.csv
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pipelines import console, flags, inputs, progress, shell
from pipelines.inputs import TableFormat
from pipelines.runs import Run
from pipelines.source import unchanged
from textlstm.errors import InputError, counted, listed, quoted

IS_THERE = "--out {}: is there already, and may hold codes; give another name"
"""What to say where a queue would be written over."""

EXPORT = """Write the texts that a person should code. The queue holds texts of records.

For example:
    python -m pipelines.review export --run runs/manner --scored coded.csv --out queue.csv
"""

IMPORT = """Take filled queues back as records to train on. The training table is kept whole.

For example:
    python -m pipelines.review import --run runs/manner --filled queue.csv --out next.csv
    python -m pipelines.review import --run runs/manner --filled queue-1.csv queue-2.csv \\
        --out next.parquet
"""


def export(
    run: Run, scored: str, out: Path, *, text: Sequence[str], charset: str, delimiter: str
) -> None:
    """Write the queue of a scored table."""
    run.require(run.bundle, "train")
    with progress.working("review", progress.LOADING):
        import pyarrow as pa

        from textlstm.data.cells import column, distinct_records
        from textlstm.inference.rules import ACCEPT, REVIEW
        from textlstm.inference.scoring import score
        from textlstm.insight.class_words import top_words
        from textlstm.review import queue as review
        from textlstm.storage.atomic import write_bytes
        from textlstm.storage.spreadsheet import csv_bytes, unescape_formula

    if out.suffix.lower() != ".csv":
        raise InputError(f"--out {out}: a queue must end in .csv, for a spreadsheet")
    inputs.require_free_output(out, scored)
    _require_no_codes(out)
    columns = _text_columns(run, text)
    bundle, table, _ = inputs.load(run, "review", scored, TableFormat(text, charset, delimiter))
    decisions = column(table, "decision", scored)
    if strange := set(decisions) - {ACCEPT, REVIEW}:
        raise InputError(
            f"{scored}: column 'decision' has {counted(len(strange), 'value')} beside {ACCEPT} "
            f"and {REVIEW}; give a table that predict wrote"
        )
    given = set(column(table, "predicted_label", scored))
    if any(not {one, unescape_formula(one)} & set(bundle.labels) for one in given):
        raise InputError(
            f"{scored}: its column 'predicted_label' has labels that this run does not give; was "
            "it coded by another --run?"
        )
    doubtful = table.filter(pa.array([decision == REVIEW for decision in decisions]))
    records = distinct_records(doubtful, columns, scored)
    asked = review.questions(records.values, records.counts)
    with progress.working("review", "coding"):
        scores = score(bundle, asked.texts)
    asking = f"looking for the words that decided in {counted(len(asked.texts), 'text')}"
    looked_at = partial(progress.track, stage="review", step=asking)
    words = top_words(bundle, asked.texts, scores.ranked(0).tolist(), watch=looked_at)
    queue = review.build_queue(
        asked, scores, bundle.labels, [[word for word, _ in one] for one in words], columns
    )
    content = csv_bytes(queue, for_people=True)
    # The same command, given again after it was cut off at its end, finds the same queue.
    if out.exists() and out.read_bytes() != content:
        raise InputError(IS_THERE.format(out))
    write_bytes(out, content, private=True)
    console.log(
        f"review: {counted(len(queue), 'text, as it stands', 'texts, as they stand')} in "
        f"{asked.records.sum()} of the "
        f"{counted(len(doubtful), 'record')} for review: {out}"
    )
    if empty := len(doubtful) - int(asked.records.sum()):
        console.log(f"review: {counted(empty, 'record has', 'records have')} no text to ask about")


def _require_no_codes(out: Path) -> None:
    """Raise an :class:`InputError` if a queue with codes, or something else, is there already."""
    from textlstm.data.cells import column
    from textlstm.data.readers import read_table
    from textlstm.review.queue import CODE

    if not out.exists():
        return
    try:
        codes = column(read_table(str(out), "utf-8"), CODE, str(out))
    except InputError as error:
        raise InputError(IS_THERE.format(out)) from error
    if any(code.strip() for code in codes):
        raise InputError(IS_THERE.format(out))


def take_back(
    run: Run,
    filled: Sequence[str],
    out: Path,
    *,
    data: str,
    text: Sequence[str],
    charset: str,
    delimiter: str,
) -> None:
    """Write what the filled queues make of the training table."""
    from textlstm.data.cells import column
    from textlstm.data.labels import plain_label
    from textlstm.data.readers import read_table
    from textlstm.review import queue as review
    from textlstm.storage.resumable import require_format, write_table
    from textlstm.uncertainty.intervals import interval, tenths

    require_format(out)
    config = run.config().data
    columns, source = _text_columns(run, text), data or config.data
    inputs.require_free_output(out, source, *filled)
    told = console.log_for("review")
    own = "" if data else config.delimiter
    with unchanged(source, *filled):
        table = read_table(source, inputs.table_charset(run, source), own, told)
        queues = [
            read_table(one, inputs.table_charset(run, one, charset), delimiter, told)
            for one in filled
        ]
    known = {plain_label(label) for label in column(table, config.label, source)} - {""}
    answered = review.merge_answers(
        [
            review.read_answers(queue, one, columns, known, told)
            for queue, one in zip(queues, filled, strict=True)
        ]
    )
    if not len(answered):
        raise InputError(f"no row of {listed(filled)} has a code; fill in the column 'code'")
    coded = review.expand_to_records(answered, columns, config.label)
    coded = coded.rename(columns=dict(zip(columns, config.text, strict=True)))
    if config.id:
        # Numbered on from the table's rows: in a second round, they differ from those of the first.
        coded[config.id] = [f"review-{len(table) + number + 1}" for number in range(len(coded))]
    write_table(review.append_answers(table, coded, source), out)
    n = len(answered)
    asked = {one for queue in queues for one in column(queue, review.TEXT_ID, "")}
    console.log(
        f"review: {n} of {counted(len(asked), 'text')} {'has' if n == 1 else 'have'} a code, for "
        f"{counted(len(coded), 'record')}; with the {len(table)} of {source}: {out}"
    )
    if run.is_other_table(source):
        console.log(
            f"review: warning: {source} is not the table that the run was trained on; it may have "
            "been changed since"
        )
    for place, what in (
        ("first", "the label it gave"),
        ("offered", "one of the labels it offered"),
    ):
        same = int(review.agreement(answered)[place].sum())
        low, high = interval(same, n)
        console.log(
            f"review: the code is {what} in {tenths(same / n)} of {counted(n, 'text')} "
            f"(95 % interval {tenths(float(low))} to {tenths(float(high))})"
        )
    if config.date:
        console.log(
            f"review: the coded records have no {quoted(config.date)}; a temporal split needs one"
        )


def _text_columns(run: Run, text: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of the texts: those of the training, unless others are named."""
    from textlstm.review.queue import own_columns, safe_names

    columns = inputs.text_columns(run, text)
    if taken := set(columns) & set(own_columns()):
        raise InputError(
            f"a queue has a column {quoted(min(taken))} of its own; rename that of the text"
        )
    safe_names(columns)  # refuses, before any work, what it cannot tell apart
    return columns


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = flags.parser("review", __doc__)
    ways = parser.add_subparsers(dest="way", required=True, metavar="export|import")
    out = ways.add_parser("export", help=EXPORT.partition(".")[0], **flags.help_options(EXPORT))
    back = ways.add_parser("import", help=IMPORT.partition(".")[0], **flags.help_options(IMPORT))
    for way, source in ((out, "--scored"), (back, "--filled")):
        flags.add_version(way)
        flags.add_run(way)
        flags.add_table_format(way, source)
    out.add_argument("--scored", required=True, metavar="FILE", help="table that predict wrote")
    out.add_argument("--out", required=True, type=Path, metavar="QUEUE.csv",
                     help="queue to write; it holds texts of records")  # fmt: skip
    back.add_argument("--filled", required=True, nargs="+", metavar="QUEUE.csv",
                      help="queues with codes filled in")  # fmt: skip
    back.add_argument("--data", default="", metavar="FILE",
                      help="the training table (default: where the run found it)")  # fmt: skip
    back.add_argument("--out", required=True, type=Path, metavar="TABLE",
                      help="table to train on next: .csv or .parquet")  # fmt: skip
    given = parser.parse_args(argv)
    run = Run(given.run)
    if given.way == "export":
        export(run, given.scored, given.out, text=given.text, charset=given.charset,
               delimiter=given.delimiter)  # fmt: skip
    else:
        take_back(run, given.filled, given.out, data=given.data, text=given.text,
                  charset=given.charset, delimiter=given.delimiter)  # fmt: skip


if __name__ == "__main__":
    shell.run_and_exit(main)
