r"""Explain the labels of records: what each word adds, and, with --gates, what the gates did.

The output shows the words of the records: it goes to the file given by --out and nowhere else.

Reads:  RUN/config.json, RUN/bundle/, the table given by --data
Writes: the file given by --out: .csv, .parquet or .xlsx with a row for each token, or .html, a page

For example:
    python -m pipelines.explain --run runs/manner --data new.csv --out why.html
    python -m pipelines.explain --run runs/manner --data new.csv --id certificate \
        --records 2023-0007 2023-0012 --out why.csv
"""

from collections.abc import Sequence
from pathlib import Path

from pipelines import console, flags, inputs, progress, shell
from pipelines.inputs import TableFormat
from pipelines.runs import Run
from textlstm.errors import InputError, counted


def explain(
    run: Run,
    data: str,
    out: Path,
    table_format: TableFormat,
    id_column: str = "",
    wanted: Sequence[str] = (),
    member: int | None = None,
) -> None:
    """Explain records of a table with the model of a run."""
    config = run.config()
    inputs.require_no_book(config.data, "explain")
    with progress.working("explain", progress.LOADING):
        from textlstm.insight.explained_inputs import require_member
        from textlstm.insight.record_selection import select_records, select_values
        from textlstm.reporting.explanation import PAGE, explain_records
        from textlstm.storage.output_tables import require_format

    inputs.require_free_output(out, data)
    require_format(out, PAGE)
    bundle, table, columns = inputs.load(run, "explain", data, table_format)
    if member is not None:
        require_member(bundle, member)
    records = select_records(table, columns, data, id_column=id_column, wanted=wanted)
    beside = bundle.vocabulary.covariates.columns
    values = select_values(table, beside, data, id_column=id_column, wanted=wanted,
                           missing=config.data.missing)  # fmt: skip
    monitor = progress.StageMonitor("explain")
    explanation = explain_records(bundle, records, columns, member, monitor, values)
    explanation.write(out, config, bundle, monitor)
    console.log(f"explain: {counted(len(records), 'record')} explained, words and all: {out}")


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and run the stage."""
    parser = flags.parser("explain", __doc__)
    flags.add_run(parser)
    parser.add_argument("--data", required=True, metavar="FILE", help="table of records")
    flags.add_table_format(parser, "--data")
    parser.add_argument("--out", required=True, type=Path,
                        help="file to write: .csv, .parquet, .xlsx or .html")  # fmt: skip
    parser.add_argument("--id", default="", metavar="COL",
                        help="column of the records' ids (default: row numbers)")  # fmt: skip
    parser.add_argument("--records", nargs="+", default=(), metavar="ID",
                        help="records to explain, by --id, or without it by the number of the row "
                        "(the first below the header is 1) (default: first 20)")  # fmt: skip
    parser.add_argument("--gates", action="store_true", default=False,
                        help="show the gates and hidden states of a network, too")  # fmt: skip
    parser.add_argument("--member", type=int, default=None, metavar="N",
                        help="with --gates: number of the network (default: 1)")  # fmt: skip
    parsed = parser.parse_args(argv)
    if parsed.member is not None and not parsed.gates:
        raise InputError("--member names the network whose gates are shown; add --gates")
    table_format = TableFormat.of(parsed)
    member = (parsed.member or 1) if parsed.gates else None
    explain(Run(parsed.run), parsed.data, parsed.out, table_format, parsed.id, parsed.records,
            member)  # fmt: skip


if __name__ == "__main__":
    shell.run_and_exit(main)
