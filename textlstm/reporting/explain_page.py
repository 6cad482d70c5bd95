"""The page that explains single records: their texts, with the words that decide marked."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textlstm.config import RunConfig
from textlstm.reporting.filters import render_page
from textlstm.text.spans import Span

if TYPE_CHECKING:
    from textlstm.models.cells.cell import Cell


@dataclass(frozen=True)
class PageAnswer:
    """A label of a record, and the words that speak for it.

    Attributes
    ----------
    fields
        For each text column its name and its spans, as :func:`.highlight` returns them.
    words
        The words that speak most for the label, with the nats they add.
    """

    label: str
    probability: float
    fields: list[tuple[str, list[Span]]]
    words: list[tuple[str, float]]


@dataclass
class PageRecord:
    """A record as the page shows it; one without a word has no answers.

    Attributes
    ----------
    tokens
        The rows of :func:`.token_table`, by column.
    answers
        The most probable label first.
    unread
        Number of tokens that are not read.
    largest
        The largest attribution.
    picture
        PNG file of the hidden states, if gates are shown.
    beside
        Name and value of each covariate, and the nats that it adds to the first answer.
    """

    name: str
    tokens: Sequence[Mapping[Hashable, object]] = ()
    answers: Sequence[PageAnswer] = ()
    unread: int = 0
    largest: float = 0.0
    picture: bytes | None = None
    beside: Sequence[tuple[str, str, float]] = ()


def render_explanations(
    config: RunConfig,
    records: Sequence[PageRecord],
    member: int | None = None,
    cell: "type[Cell] | None" = None,
) -> str:
    """Return the explanations of single records as a page, which shows their texts.

    Parameters
    ----------
    member
        The network whose gates are shown, counted from 1; None to show no gates.
    cell
        The cell of the networks, which says what its gates are called and do.
    """
    return render_page("explain", config=config, records=records, member=member, cell=cell)
