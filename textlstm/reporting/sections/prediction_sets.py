"""Prediction sets (conformal): the labels that are possible, measured on the holdout."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textlstm.metrics_file import SetsJson, as_json
from textlstm.reporting.public import classes_by_support, of_measured_classes, public_class_measures
from textlstm.reporting.sections.section import ReportInput, Section
from textlstm.uncertainty.intervals import proportion


@dataclass(frozen=True)
class PublicPredictionSets:
    """Prediction sets for each coverage, and the classes shown, the most frequent class first."""

    sets: Sequence[SetsJson]
    classes: Sequence[str]


class PredictionSets(Section[PublicPredictionSets]):
    """Coverage and size of prediction sets."""

    def public(self, source: ReportInput) -> PublicPredictionSets:
        """Return the coverage over all records, and in each class with public measures."""
        sets = [of_measured_classes(source, sets) for sets in source.metrics["decisions"]["sets"]]
        order = classes_by_support(public_class_measures(source))
        return PublicPredictionSets(
            [_without_coverage(one) if one["every_label"] else one for one in sets],
            [label for label in order if label in sets[0]["per_class"]],
        )


def _without_coverage(sets: SetsJson) -> SetsJson:
    """Return what may be shown of sets that hold every label.

    They hold the true label of each record whose class the model knows: their coverage would give
    away the number of records of other classes.
    """
    nothing = as_json(proportion(np.zeros(0, dtype=np.bool_)))
    per_class = dict.fromkeys(sets["per_class"], nothing)
    return {**sets, "covered": nothing, "covered_unseen_text": nothing, "per_class": per_class}
