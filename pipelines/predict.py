"""Code new records with the model of a run, and mark those a person should see.

Reads:  RUN/config.json, RUN/bundle/, the table given by --data
Writes: the table given by --out: all columns and rows of --data in their order, and
        predicted_label, probability, decision (accept or review)
"""

from collections.abc import Sequence
from pathlib import Path

from pipelines import shell
from pipelines.runs import Run
from textlstm.config import MIN_PROBABILITY
from textlstm.errors import InputError


def predict(
    run: Run,
    data: str,
    out: Path,
    *,
    text: Sequence[str],
    encoding: str,
    min_probability: float,
    device_name: str,
) -> None:
    """Carry out the stage."""
    from textlstm.bundle import Bundle
    from textlstm.scoring import coded, look, output_writer, require_free_columns, score
    from textlstm.tables import column, read_table
    from textlstm.text import preprocess
    from textlstm.training import resolve_device

    if not 0.0 <= min_probability <= 1.0:
        raise InputError(f"--min-probability must lie between 0 and 1, not {min_probability}")
    if out.exists() and Path(data).exists() and out.samefile(data):
        raise InputError(f"--out {out}: this is --data itself; give another name")
    write = output_writer(out)
    trained = run.config().data.text
    columns = tuple(text) or trained
    if len(columns) != len(trained):
        raise InputError(
            f"--text names {len(columns)} column(s); the model reads {len(trained)}: "
            f"{', '.join(trained)}"
        )
    run.require(run.bundle, "train")
    bundle = Bundle.load(run.bundle)
    table = read_table(data, encoding)
    require_free_columns(table)
    lines = list(zip(*(column(table, name, data) for name in columns), strict=True))
    texts = preprocess(shell.progress(lines, "tokenizing"))
    scores = score(bundle, texts, resolve_device(device_name))
    write(coded(table, scores, bundle.labels, min_probability))
    n_review = scores.decisions(min_probability).count("review")
    shell.say(f"predict: {len(texts)} records coded, {n_review} of them for review: {out}")
    found = look(bundle, texts, scores)
    shell.say(
        f"predict: {found.empty:.1%} without a word; {found.unknown_words:.1%} of the words "
        f"unknown; mean probability {found.probability:.3f}"
    )
    if strange := found.strange(bundle.summary):
        shell.say(
            f"predict: warning: these records are not like those of the training: "
            f"{'; '.join(strange)}"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = shell.parser(__doc__)
    shell.add_run(parser)
    parser.add_argument("--data", required=True, metavar="NEW", help="table of new records")
    parser.add_argument("--text", nargs="+", default=(), metavar="COL",
                        help="text columns, in order (default: as in training)")  # fmt: skip
    parser.add_argument("--out", required=True, type=Path, help="table to write: .csv or .parquet")
    parser.add_argument("--encoding", default="utf-8", help="of --data (default: utf-8)")
    parser.add_argument("--min-probability", type=float, default=MIN_PROBABILITY, metavar="P",
                        help="below it a record is for review (default: %(default)s)")  # fmt: skip
    shell.add_device(parser)
    given = parser.parse_args(argv)
    predict(
        Run(given.run),
        given.data,
        given.out,
        text=given.text,
        encoding=given.encoding,
        min_probability=given.min_probability,
        device_name=given.device,
    )


if __name__ == "__main__":
    shell.leave(main)
