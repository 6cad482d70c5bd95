"""Subgroups: for whom, and for which texts, the model works."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from textlstm.evaluation.subgroups import GroupMeasures, shown_groups
from textlstm.metrics_file import GroupJson, IntervalJson, as_json
from textlstm.reporting.public import public_promise
from textlstm.reporting.sections.section import ReportInput, Section

if TYPE_CHECKING:
    from textlstm.evaluation.results import Evaluation

MeasuresByGroup = Mapping[str, GroupJson]
"""Records, accuracy, log loss, coded share and error, by group."""


@dataclass(frozen=True)
class PublicGroups:
    """The measures of subgroups.

    Attributes
    ----------
    seen
        Groups by how often the text of a record is among the training records.
    columns
        The groups of each column that was named.
    max_error
        The promised error at which records are coded automatically.
    """

    seen: MeasuresByGroup
    columns: Mapping[str, MeasuresByGroup]
    max_error: float


class Groups(Section[PublicGroups]):
    """The table of subgroups; it has no figure."""

    def applies(self, evaluation: "Evaluation") -> bool:
        """Return whether there are groups: of texts seen in training, or of columns."""
        return bool(evaluation.seen or evaluation.subgroups)

    def public(self, source: ReportInput) -> PublicGroups:
        """Return the groups of many records, without those that give away a small group."""
        evaluation = source.evaluation
        return PublicGroups(
            _public(evaluation.seen),
            {column: _public(groups) for column, groups in evaluation.subgroups.items()},
            public_promise(source)["max_error"],
        )

    def table(self, shown: PublicGroups) -> pd.DataFrame:
        """Return the measures of each group of each column, with intervals."""
        rows = []
        for column, groups in ({"times trained on": shown.seen} | dict(shown.columns)).items():
            for group, row in groups.items():
                cells: dict[str, object] = {
                    "column": column,
                    "group": group,
                    "records": row["records"],
                }
                measures: dict[str, tuple[float | None, IntervalJson]] = {
                    "accuracy": (row["accuracy"]["share"], row["accuracy"]),
                    "log_loss": (row["log_loss"]["estimate"], row["log_loss"]),
                    "coded": (row["coded"]["share"], row["coded"]),
                    "error": (row["error"]["share"], row["error"]),
                }
                for name, (value, ends) in measures.items():
                    cells |= {name: value, f"{name}_low": ends["low"], f"{name}_high": ends["high"]}
                rows.append(cells)
        table = pd.DataFrame(rows)
        numbers = [name for name in table if name not in ("column", "group", "records")]
        return table.astype(dict.fromkeys(numbers, float))  # None is no number


def _public(groups: Mapping[str, GroupMeasures]) -> MeasuresByGroup:
    """Return the groups that may be shown."""
    return {name: as_json(group) for name, group in shown_groups(groups).items()}
