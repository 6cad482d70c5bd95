r"""Say why records get their label: what each word adds, and, with --gates, what the gates did.

The output shows the words of the records: it goes to the file given by --out and nowhere else.

Reads:  RUN/config.json, RUN/bundle/, the table given by --data
Writes: the file given by --out: .csv or .parquet with a row a token, or .html, a page to read

For example:
    python -m pipelines.explain --run runs/manner --data new.csv --out why.html
    python -m pipelines.explain --run runs/manner --data new.csv --id certificate \
        --records 2023-0007 2023-0012 --out why.csv
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines import console, flags, inputs, progress, shell
from pipelines.inputs import TableFormat
from pipelines.runs import Run
from textlstm.errors import InputError, counted, quoted

if TYPE_CHECKING:
    import pandas as pd

    from textlstm.inference.bundle import Bundle

PAGE = ".html"
"""What the name of a page ends in."""

FIRST_RECORDS = 20
"""So many are explained where none are named."""

ROWS = "(the first below the header is 1)"
"""How rows are numbered where no column names the records."""

NEXT_FIELD = "(next field)"
"""What is shown between the words of one field and those of the next."""

DECIMALS = 6
"""Digits behind the point of what is written."""

MOST_WORDS = 3
"""Words named as speaking most for a label."""


def explain(
    run: Run,
    data: str,
    out: Path,
    *,
    text: Sequence[str],
    charset: str,
    delimiter: str,
    id_column: str,
    records: Sequence[str],
    member: int | None,
) -> None:
    """Carry out the stage."""
    config = run.config()
    with progress.working("explain", progress.LOADING):
        import pyarrow as pa

        from textlstm.data.cells import column
        from textlstm.insight.token_table import token_table
        from textlstm.models.cells.table import CELLS
        from textlstm.reporting.explain_page import render_explanations
        from textlstm.storage.atomic import write_bytes
        from textlstm.storage.resumable import require_format, write_table
        from textlstm.text.tokenizing import SEPARATOR, preprocess

    inputs.require_free_output(out, data)
    require_format(out, PAGE)
    as_page = out.suffix.lower() == PAGE
    bundle, table, columns = inputs.load(
        run, "explain", data, TableFormat(text, charset, delimiter)
    )
    if member is not None and not 1 <= member <= bundle.recipe.network.ensemble_size:
        networks = counted(bundle.recipe.network.ensemble_size, "network")
        raise InputError(f"--member {member}: the run has {networks}; they are counted from 1")
    if not len(table):
        raise InputError(f"{data}: the table has no rows")
    numbers = map(str, range(1, len(table) + 1))
    ids = column(table, id_column, data) if id_column else list(numbers)
    rows = _rows(ids, records, id_column)
    lines = list(zip(*(column(table, name, data) for name in columns), strict=True))
    with progress.working("explain", "looking for deciding words"):
        texts = preprocess([lines[row] for row in rows.values()])
        tokens = token_table(bundle, texts, None if member is None else member - 1)
    if as_page:
        written = [dict(zip(columns, lines[row], strict=True)) for row in rows.values()]
        shown = _shown(list(rows), written, tokens, bundle.vocabulary.length)
        if member is not None:
            _add_pictures(shown, bundle, texts, member - 1)
        page = render_explanations(config, shown, member, CELLS[bundle.recipe.network.cell])
        write_bytes(out, page.encode("utf-8"), private=True)
    else:
        shown_tokens = tokens["token"].replace(SEPARATOR, NEXT_FIELD)
        named = tokens.assign(row=tokens["row"].map(list(rows).__getitem__), token=shown_tokens)
        named = named.round(DECIMALS)
        table = pa.Table.from_pandas(named.rename(columns={"row": "record"}), preserve_index=False)
        write_table(table, out)
    console.log(f"explain: {counted(len(texts), 'record')} explained, words and all: {out}")


def _rows(names: Sequence[str], wanted: Sequence[str], id_column: str) -> dict[str, int]:
    """Return the row of each wanted record, or of the first records.

    Records are named by the column of ids, if there is one, else by the numbers of their rows.

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
            raise InputError(f"--records {name}: {_not_one(len(found), id_column)}")
        chosen[name] = found[0]
    return chosen


def _not_one(found: int, id_column: str) -> str:
    """Return what to say where none or several records have a name that is asked for."""
    if not id_column:
        return f"no row has this number {ROWS}; --id COL gives the column of the records' names"
    column = f"called so in column {quoted(id_column)}"
    return f"{found} records are {column}; one is needed" if found else f"no record is {column}"


def _shown(
    names: Sequence[str],
    written: Sequence[Mapping[str, str]],
    tokens: "pd.DataFrame",
    length: int,
) -> list[dict[str, Any]]:
    """Return what the page shows of each record: its answers, and its tokens.

    Parameters
    ----------
    written
        The text fields of each record as they are in the table, by column.
    length
        Tokens that the model reads of a record, at most.
    """
    from textlstm.insight.attributions import ANSWERS
    from textlstm.text.tokenizing import SEPARATOR

    shown = []
    for row, (name, fields) in enumerate(zip(names, written, strict=True)):
        mine = tokens[tokens["row"] == row]
        shown_rows = mine.replace({"token": {SEPARATOR: NEXT_FIELD}})
        record: dict[str, Any] = {"name": name, "tokens": [], "answers": []}
        if len(mine):
            values = shown_rows.astype(object).where(mine.notna(), None)
            kinds = [kind for kind in ANSWERS if values[kind[0]].iloc[0] is not None]
            gains = mine[[attribution for *_, attribution in kinds]]
            record |= {
                "tokens": values.to_dict("records"),
                "unread": max(0, len(mine) - length),
                "largest": float(gains.abs().to_numpy().max()),
                "answers": [_answer(mine, fields, *kind) for kind in kinds],
            }
        shown.append(record)
    return shown


def _answer(
    tokens: "pd.DataFrame",
    fields: Mapping[str, str],
    label: str,
    probability: str,
    attribution: str,
) -> dict[str, Any]:
    """Return one label of a record, and what speaks for it, where it stands in the text.

    Parameters
    ----------
    tokens
        Of the record; the other names are those of its columns.
    fields
        Of the record, by column of the table.
    """
    from textlstm.text.spans import highlight
    from textlstm.text.tokenizing import SEPARATOR

    pieces = highlight(list(fields.values()), tokens[attribution].tolist())
    gains = tokens[tokens["token"] != SEPARATOR].groupby("token", sort=False)[attribution].sum()
    most = gains[gains > 0].nlargest(MOST_WORDS)
    return {
        "label": tokens[label].iloc[0],
        "probability": tokens[probability].iloc[0],
        "fields": list(zip(fields, pieces, strict=True)),
        "words": list(most.items()),
    }


def _add_pictures(
    shown: Sequence[dict[str, Any]], bundle: "Bundle", texts: Sequence[str], member: int
) -> None:
    """Add a picture of the hidden states of a network, from 0, to each record that has words."""
    from textlstm.insight.activations import token_traces
    from textlstm.reporting.drawing import png
    from textlstm.reporting.tokens import activation_map
    from textlstm.text.tokenizing import SEPARATOR

    found = zip(shown, texts, token_traces(bundle, texts, member), strict=True)
    for record, text, steps in progress.track(list(found), "explain", "drawing"):
        if record["tokens"]:
            hidden = {direction: one["hidden"].numpy() for direction, one in steps.items()}
            read = len(next(iter(hidden.values())))
            words = bundle.vocabulary.expand_abbreviations(text).split()
            words = [NEXT_FIELD if word == SEPARATOR else word for word in words]
            record["picture"] = png(activation_map(words[:read], hidden))


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = flags.parser("explain", __doc__)
    flags.add_run(parser)
    parser.add_argument("--data", required=True, metavar="FILE", help="table of records")
    flags.add_table_format(parser, "--data")
    parser.add_argument("--out", required=True, type=Path,
                        help="file to write: .csv, .parquet or .html")  # fmt: skip
    parser.add_argument("--id", default="", metavar="COL",
                        help="column of the records' names (default: row numbers)")  # fmt: skip
    parser.add_argument("--records", nargs="+", default=(), metavar="ID",
                        help="records to explain, by --id, or without it by the number of the row "
                        f"{ROWS} (default: first {FIRST_RECORDS})")  # fmt: skip
    parser.add_argument("--gates", action="store_true", default=False,
                        help="show the gates and hidden states of a network, too")  # fmt: skip
    parser.add_argument("--member", type=int, default=None, metavar="N",
                        help="with --gates: the network whose they are (default: 1)")  # fmt: skip
    given = parser.parse_args(argv)
    if given.member is not None and not given.gates:
        raise InputError("--member names the network whose gates are shown; add --gates")
    explain(
        Run(given.run),
        given.data,
        given.out,
        text=given.text,
        charset=given.charset,
        delimiter=given.delimiter,
        id_column=given.id,
        records=given.records,
        member=(given.member or 1) if given.gates else None,
    )


if __name__ == "__main__":
    shell.run_and_exit(main)
