r"""Say why records get their label: what each word adds, and what the gates did with it.

The output shows the words of the records: it goes to the file given by --out and nowhere else.

Reads:  RUN/config.json, RUN/bundle/, the table given by --data
Writes: the file given by --out: .csv or .parquet with a row a token, or .html, a page to read

For example:
    python -m pipelines.explain --run runs/manner --data new.csv --out why.html
    python -m pipelines.explain --run runs/manner --data new.csv --id certificate \
        --records 2023-0007 2023-0012 --out why.csv
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import flags, progress, shell
from pipelines.runs import Run
from textlstm.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from textlstm.bundle import Bundle

PAGE = ".html"
"""What the name of a page ends in."""

FIRST_RECORDS = 20
"""So many are explained where none are named."""


def explain(
    run: Run,
    data: str,
    out: Path,
    *,
    text: Sequence[str],
    encoding: str,
    id_column: str,
    records: Sequence[str],
    member: int,
) -> None:
    """Carry out the stage."""
    with progress.working("explain", progress.LOADING):
        import pyarrow as pa

        from textlstm.bundle import Bundle
        from textlstm.explain import token_table
        from textlstm.files import write_bytes
        from textlstm.page import render_explanations
        from textlstm.parts import require_format, write_table
        from textlstm.tables import column, read_table
        from textlstm.text import preprocess

    shell.require_another_file(out, data)
    require_format(out, PAGE)
    as_page = out.suffix.lower() == PAGE
    config = run.config()
    columns = shell.text_columns(text, config.data.text)
    run.require(run.bundle, "train")
    with progress.working("explain", "loading the model"):
        bundle = Bundle.load(run.bundle)
    if not 1 <= member <= bundle.recipe.network.members:
        raise InputError(
            f"--member must lie between 1 and {bundle.recipe.network.members}, not {member}"
        )
    with progress.working("explain", "reading the table"):
        table = read_table(data, shell.encoding_of(data, encoding, config.data.encoding))
    if not len(table):
        raise InputError(f"{data}: the table has no rows")
    numbers = map(str, range(1, len(table) + 1))
    ids = column(table, id_column, data) if id_column else list(numbers)
    rows = _rows(ids, records)
    lines = list(zip(*(column(table, name, data) for name in columns), strict=True))
    with progress.working("explain", "looking for deciding words"):
        texts = preprocess([lines[row] for row in rows.values()])
        tokens = token_table(bundle, texts, member - 1)
    if as_page:
        shown = _shown(bundle, list(rows), texts, tokens, member - 1)
        write_bytes(out, render_explanations(config, shown, member).encode("utf-8"))
    else:
        named = tokens.assign(row=tokens["row"].map(list(rows).__getitem__))
        table = pa.Table.from_pandas(named.rename(columns={"row": "record"}), preserve_index=False)
        write_table(table, out)
    shell.say(f"explain: {len(texts)} records explained, words and all: {out}")


def _rows(names: Sequence[str], wanted: Sequence[str]) -> dict[str, int]:
    """Return the row of each wanted record, or of the first records.

    Raises
    ------
    InputError
        If there is no such record, or several.
    """
    places: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        places.setdefault(name, []).append(row)
    chosen = {}
    for name in wanted or list(places)[:FIRST_RECORDS]:
        found = places.get(name, [])
        if len(found) != 1:
            raise InputError(f"--records {name}: {len(found) or 'no'} such records; one is needed")
        chosen[name] = found[0]
    return chosen


def _shown(
    bundle: "Bundle",
    names: Sequence[str],
    texts: Sequence[str],
    tokens: "pd.DataFrame",
    member: int,
) -> list[dict[str, Any]]:
    """Return what the page shows of each record."""
    from textlstm.figures import activation_map, png
    from textlstm.inside import token_steps

    shown = []
    found = token_steps(bundle, texts, member)
    for row, steps in enumerate(progress.over(found, "explain", "drawing")):
        mine = tokens[tokens["row"] == row]
        record: dict[str, Any] = {"name": names[row], "tokens": []}
        if len(mine):
            values = mine.astype(object).where(mine.notna(), None)
            hidden = {direction: one.hidden.numpy() for direction, one in steps.items()}
            read = next(iter(hidden.values()))
            record |= {
                "tokens": values.to_dict("records"),
                "label": mine["predicted_label"].iloc[0],
                "probability": mine["probability"].iloc[0],
                "picture": png(activation_map(mine["token"].tolist()[: len(read)], hidden)),
            }
        shown.append(record)
    return shown


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = flags.parser("explain", __doc__)
    flags.add_run(parser)
    parser.add_argument("--data", required=True, metavar="FILE", help="table of records")
    flags.add_reading(parser, "--data")
    parser.add_argument("--out", required=True, type=Path,
                        help="file to write: .csv, .parquet or .html")  # fmt: skip
    parser.add_argument("--id", default="", metavar="COL",
                        help="column of the records' names (default: row numbers)")  # fmt: skip
    parser.add_argument("--records", nargs="+", default=(), metavar="ID",
                        help=f"records to explain (default: first {FIRST_RECORDS})")  # fmt: skip
    parser.add_argument("--member", type=int, default=1, metavar="N",
                        help="network whose gates are shown (default: %(default)s)")  # fmt: skip
    given = parser.parse_args(argv)
    explain(
        Run(given.run),
        given.data,
        given.out,
        text=given.text,
        encoding=given.encoding,
        id_column=given.id,
        records=given.records,
        member=given.member,
    )


if __name__ == "__main__":
    shell.leave(main)
