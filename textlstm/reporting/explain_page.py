"""The page that explains single records: their texts, with the words that decide marked."""

from collections.abc import Mapping, Sequence
from typing import Any

from textlstm.config import RunConfig
from textlstm.reporting.filters import render_page


def render_explanations(
    config: RunConfig, records: Sequence[Mapping[str, Any]], member: int | None = None
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
    """
    return render_page("explain", config=config, records=records, member=member)
