"""The page that explains single records: their texts, with the words that decide marked."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textlstm.config import RunConfig
from textlstm.reporting.filters import render_page

if TYPE_CHECKING:
    from textlstm.models.cells.cell import Cell


def render_explanations(
    config: RunConfig,
    records: Sequence[Mapping[str, Any]],
    member: int | None = None,
    cell: "type[Cell] | None" = None,
) -> str:
    """Return the explanations of single records as a page, which shows their texts.

    Parameters
    ----------
    records
        For each its ``name``, its ``tokens`` (the rows of :func:`.token_table`), its ``answers``,
        the most probable label first, the number of tokens that are ``unread``, the ``largest``
        attribution, and with gates the PNG bytes of a ``picture`` of its states. An answer has the
        ``label``, the ``probability``, the ``words`` that speak most for it, and ``fields``: for
        each column its pieces as :func:`.highlight` returns them.
    member
        The network whose gates are shown, counted from 1; None to show no gates.
    cell
        The cell of the networks, which says what its gates are called and do.
    """
    return render_page("explain", config=config, records=records, member=member, cell=cell)
