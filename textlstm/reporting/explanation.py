"""Explanations of single records: why a label, word by word, as a table or for a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from textlstm.config import RunConfig
from textlstm.data.inputs import Input, Values
from textlstm.insight.explanation_table import NEXT_FIELD, explanation_rows
from textlstm.monitor import SILENT, Monitor
from textlstm.reporting.drawing import png
from textlstm.reporting.explain_page import PageAnswer, PageRecord, render_explanations
from textlstm.reporting.tokens import activation_map
from textlstm.storage.atomic import write_bytes
from textlstm.storage.output_tables import write_table
from textlstm.text.spans import highlight
from textlstm.text.tokenizing import SEPARATOR, preprocess

if TYPE_CHECKING:  # torch is imported late
    from textlstm.inference.bundle import Bundle

PAGE = ".html"
"""Ending of the name of a page."""

MAX_TOP_WORDS = 3
"""Words listed as speaking most for a label, at most."""


@dataclass(frozen=True)
class Explanation:
    """Attributions of the tokens of some records.

    Attributes
    ----------
    names
        Names of the records.
    columns
        Names of the text columns.
    fields
        Text fields of each record as they are in the table.
    texts
        The preprocessed texts.
    tokens
        As :func:`.token_table` gives them.
    member
        The network whose gates are shown, from 1; None for no gates.
    beside
        As :func:`.covariate_table` gives it.
    """

    names: list[str]
    columns: tuple[str, ...]
    fields: list[tuple[str, ...]]
    texts: list[str]
    tokens: pd.DataFrame
    member: int | None
    beside: pd.DataFrame

    def table(self) -> pa.Table:
        """Return a row for each token, and for each covariate, with the name of its record."""
        rows = explanation_rows(self.names, self.tokens, self.beside)
        return pa.Table.from_pandas(rows, preserve_index=False)

    def page_records(self, bundle: "Bundle", monitor: Monitor = SILENT) -> list[PageRecord]:
        """Return what :func:`.render_explanations` shows of each record."""
        length = bundle.vocabulary.length
        records = []
        for row, (name, fields) in enumerate(zip(self.names, self.fields, strict=True)):
            by_column = dict(zip(self.columns, fields, strict=True))
            tokens = self.tokens[self.tokens["row"] == row]
            records.append(_page_record(name, by_column, tokens, length))
            of_record = self.beside[self.beside["row"] == row]
            records[-1].beside = list(
                of_record[["covariate", "value", "attribution"]].itertuples(index=False, name=None)
            )
        if self.member is not None:
            _add_pictures(records, bundle, self.texts, self.member - 1, monitor)
        return records

    def write(
        self, out: Path, config: RunConfig, bundle: "Bundle", monitor: Monitor = SILENT
    ) -> None:
        """Write the explanations: a page if the name ends in :data:`PAGE`, else a table."""
        from textlstm.models.choices import CELLS

        if out.suffix.lower() != PAGE:
            write_table(self.table(), out)
            return
        records, cell = self.page_records(bundle, monitor), CELLS[bundle.recipe.network.cell]
        page = render_explanations(config, records, self.member, cell)
        write_bytes(out, page.encode("utf-8"), private=True)


def explain_records(
    bundle: "Bundle",
    records: Mapping[str, tuple[str, ...]],
    columns: tuple[str, ...],
    member: int | None = None,
    monitor: Monitor = SILENT,
    values: Sequence[Values] = (),
) -> Explanation:
    """Compute the attributions of records.

    Parameters
    ----------
    records
        Text fields of each record, by the name of the record.
    columns
        Names of the text columns.
    member
        The network whose gates are shown, from 1; None for no gates.
    values
        Covariates of each record; by default, all are missing.
    """
    from textlstm.insight.explained_inputs import explain_inputs

    with monitor.working("looking for deciding words"):
        texts = preprocess(records.values())
        inputs = list(map(Input, texts, values or [()] * len(texts)))
        tokens, beside = explain_inputs(bundle, inputs, member)
    return Explanation(
        list(records), columns, list(records.values()), texts, tokens, member, beside
    )


def _page_record(
    name: str, fields: Mapping[str, str], tokens: pd.DataFrame, length: int
) -> PageRecord:
    """Return the answers and the tokens of a record.

    Parameters
    ----------
    tokens
        Rows of the record.
    length
        Tokens that the model reads of a record, at most.
    """
    from textlstm.insight.attributions import ANSWERS

    if not len(tokens):
        return PageRecord(name)
    shown = tokens.replace({"token": {SEPARATOR: NEXT_FIELD}})
    values = shown.astype(object).where(tokens.notna(), None)
    answers = [answer for answer in ANSWERS if values[answer[0]].iloc[0] is not None]
    gains = tokens[[attribution for *_, attribution in answers]]
    return PageRecord(
        name,
        tokens=values.to_dict("records"),
        answers=[_page_answer(tokens, fields, *answer) for answer in answers],
        unread=max(0, len(tokens) - length),
        largest=float(gains.abs().to_numpy().max()),
    )


def _page_answer(
    tokens: pd.DataFrame,
    fields: Mapping[str, str],
    label: str,
    probability: str,
    attribution: str,
) -> PageAnswer:
    """Return a label of a record, and the words that speak for it, marked in the text.

    Parameters
    ----------
    tokens
        Rows of the record; ``label``, ``probability`` and ``attribution`` are columns of them.
    fields
        Text fields of the record, by column of the table.
    """
    pieces = highlight(list(fields.values()), tokens[attribution].tolist())
    words = tokens[tokens["token"] != SEPARATOR].groupby("token", sort=False)[attribution].sum()
    top_words = words[words > 0].nlargest(MAX_TOP_WORDS)
    return PageAnswer(
        label=tokens[label].iloc[0],
        probability=tokens[probability].iloc[0],
        fields=list(zip(fields, pieces, strict=True)),
        words=[(str(word), gain) for word, gain in top_words.items()],
    )


def _add_pictures(
    records: Sequence[PageRecord],
    bundle: "Bundle",
    texts: Sequence[str],
    member: int,
    monitor: Monitor,
) -> None:
    """Add a picture of the hidden states of a network, from 0, to each record with a word."""
    from textlstm.insight.activations import token_traces

    traced = list(zip(records, texts, token_traces(bundle, texts, member), strict=True))
    for record, text, traces in monitor.track(traced, "drawing"):
        if record.tokens:
            hidden = {direction: trace["hidden"].numpy() for direction, trace in traces.items()}
            n_read = len(next(iter(hidden.values())))
            words = bundle.vocabulary.expand_abbreviations(text).split()
            words = [NEXT_FIELD if word == SEPARATOR else word for word in words]
            record.picture = png(activation_map(words[:n_read], hidden))
