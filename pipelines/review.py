"""Send doubtful records to a person, and take the codes back.

`export` writes the texts that a person should code, each text once; the first texts are those whose
code is expected to correct most records. The file holds the texts of records: keep it where they
are kept. A person writes a label into the column code, or leaves it empty. `import` reads the file
back, reports how often person and model agree, and writes a table to train on: the training table
with all of its columns, and the coded records as further rows. Coded records are the doubtful ones:
a run that holds out some of these records measures itself on harder records than usual.

Reads:  RUN/config.json, RUN/bundle/, and the table given by --scored (the output of predict),
        or the files given by --filled and the run's training table
Writes: the file given by --out

For example:
    python -m pipelines.review export --run runs/manner --scored coded.csv --out queue.csv
    python -m pipelines.review import --run runs/manner --filled queue.csv --out next.csv
"""

from collections.abc import Sequence
from inspect import getdoc
from pathlib import Path

from pipelines import flags, inputs, progress, shell
from pipelines.runs import Run
from pipelines.source import unchanged


def export(run: Run, scored: str, out: Path, table_format: inputs.TableFormat) -> None:
    """Write the texts that a person should code. The queue holds texts of records.

    For example:
        python -m pipelines.review export --run runs/manner --scored coded.csv --out queue.csv
    """
    with progress.working("review", progress.LOADING):
        from textlstm.review.exporting import export_queue, require_no_codes
        from textlstm.review.sheet import require_free_names

    inputs.require_free_output(out, scored)
    require_no_codes(out)
    require_free_names(inputs.text_columns(run, table_format.text))
    bundle, table, columns = inputs.load(run, "review", scored, table_format)
    export_queue(bundle, table, columns, scored, out, progress.StageMonitor("review"))


def take_back(
    run: Run, filled: Sequence[str], out: Path, data: str, table_format: inputs.TableFormat
) -> None:
    r"""Append the answers of filled queues to the training table, which is kept whole.

    For example:
        python -m pipelines.review import --run runs/manner --filled queue.csv --out next.csv
        python -m pipelines.review import --run runs/manner --filled queue-1.csv queue-2.csv \
            --out next.parquet
    """
    from textlstm.review.importing import NamedTable, import_answers
    from textlstm.review.sheet import require_free_names
    from textlstm.storage.output_tables import require_format

    require_format(out)
    config, columns = run.config().data, inputs.text_columns(run, table_format.text)
    source = data or config.data
    require_free_names(columns)
    inputs.require_free_output(out, source, *filled)
    as_trained = inputs.TableFormat() if data else inputs.TableFormat.trained(config)
    with unchanged(source, *filled):
        training = NamedTable(inputs.load_table(run, "review", source, as_trained), source)
        tables = [inputs.load_table(run, "review", name, table_format) for name in filled]
    import_answers(training, list(map(NamedTable, tables, filled)), columns, config, out,
                   is_other_table=run.is_other_table(source),
                   monitor=progress.StageMonitor("review"))  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and run the stage."""
    parser = flags.parser("review", __doc__)
    ways = parser.add_subparsers(dest="way", required=True, metavar="export|import")
    about, taking = getdoc(export) or "", getdoc(take_back) or ""
    out = ways.add_parser("export", help=about.partition(".")[0], **flags.help_options(about))
    back = ways.add_parser("import", help=taking.partition(".")[0], **flags.help_options(taking))
    for way, source in ((out, "--scored"), (back, "--filled")):
        flags.add_version(way)
        flags.add_run(way)
        flags.add_table_format(way, source)
    out.add_argument("--scored", required=True, metavar="FILE", help="table that predict wrote")
    out.add_argument("--out", required=True, type=Path, metavar="QUEUE.csv",
                     help="queue to write; it holds texts of records")  # fmt: skip
    back.add_argument("--filled", required=True, nargs="+", metavar="QUEUE.csv",
                      help="queues with codes filled in")  # fmt: skip
    back.add_argument("--data", default="", metavar="FILE", help="training table, if it moved")
    back.add_argument("--out", required=True, type=Path, metavar="TABLE",
                      help="table to train on next: .csv, .parquet or .xlsx")  # fmt: skip
    parsed = parser.parse_args(argv)
    inputs.require_no_book(Run(parsed.run).config().data, "review")
    table_format = inputs.TableFormat.of(parsed)
    if parsed.way == "export":
        export(Run(parsed.run), parsed.scored, parsed.out, table_format)
    else:
        take_back(Run(parsed.run), parsed.filled, parsed.out, parsed.data, table_format)


if __name__ == "__main__":
    shell.run_and_exit(main)
