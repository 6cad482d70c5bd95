r"""Predict the labels of new records with the model of a run; mark those a person should review.

Reads:  RUN/config.json, RUN/bundle/, the table given by --data
Writes: the table given by --out: all columns and rows of --data in their order, and
        predicted_label, probability (of that label), second_label (the next most probable one),
        decision (accept or review), and, with --coverage, prediction_set (a JSON list of labels,
        the most probable first). A record without a known word is for review; its labels are what
        the model predicts for a text without words. CSV is in UTF-8 with a byte order mark, for
        spreadsheets.

With --max-error E, the decision accepts as many records as possible while the share of wrong labels
among them stays at most E. The promise has 95 % confidence and is derived from training records
that were held out; it holds for new records of the same kind. Where it cannot be given, every
record is for review. With --coverage C, the prediction set holds the true label in at least the
share C of such records.

Tables may be larger than memory. After an interruption, the same command resumes the work, as long
as the table has the same path, time and content. A new --out is readable by its owner alone (0600).

For example:
    python -m pipelines.predict --run runs/manner --data new.csv --out coded.csv
    python -m pipelines.predict --run runs/manner --data new.csv --out coded.csv \
        --max-error 2% --coverage 95%
"""

from collections.abc import Sequence
from pathlib import Path

from pipelines import flags, inputs, interrupts, progress, shell
from pipelines.runs import Run, versions
from pipelines.source import Source
from textlstm.config import MIN_PROBABILITY
from textlstm.inference.rules import DecisionRequest


def predict(
    run: Run,
    data: str,
    out: Path,
    table_format: inputs.TableFormat,
    request: DecisionRequest,
    device: str,
    shard_rows: int | None = None,
) -> None:
    """Score the records of a file with the model of a run."""
    request = request._replace(levels=bool(run.config().data.codes))
    request.require_shares()
    inputs.require_free_output(out, data)
    columns = inputs.text_columns(run, table_format.text)
    charset = inputs.table_charset(run, data, table_format.charset)
    run.require(run.bundle, "train")

    from textlstm.data.inputs import covariate_columns
    from textlstm.inference.engines.chunks import SHARD_ROWS
    from textlstm.inference.engines.files import FileJob, predict_file
    from textlstm.storage.resumable import Shards

    trained = run.config().data
    job = FileJob(Source(data), out, columns, charset, table_format.delimiter, run.bundle, request,
                  device, versions(), shard_rows or SHARD_ROWS, table_format.choices,
                  trained.missing, covariate_columns(trained.number, trained.category))  # fmt: skip
    with interrupts.on_interrupt(
        lambda: interrupts.RESUME_HINT if Shards(out).any() else interrupts.NOTHING_TO_RESUME
    ):
        predict_file(job, progress.StageMonitor("predict"))


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and run the stage."""
    parser = flags.parser("predict", __doc__)
    flags.add_run(parser)
    parser.add_argument("--data", required=True, metavar="NEW", help="table of new records")
    parser.add_argument("--out", required=True, type=Path,
                        help="table to write: .csv, .parquet or .xlsx")  # fmt: skip
    flags.add_table_format(parser, "--data")
    threshold = parser.add_mutually_exclusive_group()
    threshold.add_argument("--max-error", type=flags.parse_number, default=None, metavar="E",
                           help="accept as many records as can be promised to have at most this "
                           "share of errors, such as 0.02")  # fmt: skip
    threshold.add_argument("--min-probability", type=flags.parse_number, default=None, metavar="P",
                           help="accept labels of at least this probability, without a promise "
                           f"(default: {MIN_PROBABILITY})")  # fmt: skip
    parser.add_argument("--coverage", type=flags.parse_number, default=None, metavar="C",
                        help="add prediction sets that hold the true label in at least this share "
                        "of records, such as 0.95")  # fmt: skip
    flags.add_device(parser)
    parsed = parser.parse_args(argv)
    flags.require_device(parsed.device)
    table_format = inputs.TableFormat.of(parsed)
    request = DecisionRequest(parsed.min_probability, parsed.max_error, parsed.coverage)
    predict(Run(parsed.run), parsed.data, parsed.out, table_format, request, parsed.device)


if __name__ == "__main__":
    shell.run_and_exit(main)
