"""The records that a model is measured on, and how often their texts were trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from textlstm.array_types import Integers, Labels
from textlstm.data.distinct import Distinct
from textlstm.data.groups import PREFIX
from textlstm.data.inputs import Input, record_inputs
from textlstm.evaluation.scored_records import ScoredRecords
from textlstm.inference.scoring import Scores
from textlstm.uncertainty.intervals import cluster_sizes


@dataclass(frozen=True)
class Holdout:
    """The n records that a model is measured on.

    Attributes
    ----------
    records
        The table of the records: those of classes that the model knows, then all others.
    n_known
        Number of records of classes that the model knows.
    labels
        (n,) class numbers; -1 for a class that the model does not know.
    inputs
        Most records of a registry repeat others, so each distinct input is scored once.
    times
        (n,) number of training records with the same text; 0 where these are not at hand.
    training
        The table of the training records, validation records included; empty if not at hand.
    """

    records: pd.DataFrame
    n_known: int
    labels: Labels
    inputs: Distinct[Input]
    times: Integers
    training: pd.DataFrame

    @classmethod
    def of(
        cls,
        splits: Mapping[str, pd.DataFrame],
        rare: pd.DataFrame | None,
        class_names: Sequence[str],
    ) -> Self:
        """Build from the tables of a run; arguments are those of :func:`.evaluate`.

        The splits may have ``holdout`` alone: the training records are then not at hand.
        """
        known = splits["holdout"]["label"].isin(class_names)
        holdout = splits["holdout"][known]
        unknown = [splits["holdout"][~known], *([] if rare is None else [rare])]
        records = pd.concat([holdout, *(table for table in unknown if len(table))])
        training = holdout[:0]
        if "train" in splits:
            training = pd.concat([splits["train"], splits["validation"]])
            training = training[training["label"].isin(class_names)]
        texts = Distinct[str].of(records["text"])
        times = training["text"].value_counts().reindex(list(texts.values), fill_value=0).to_numpy()
        return cls(
            records=records,
            n_known=len(holdout),
            labels=pd.Index(list(class_names)).get_indexer(pd.Index(records["label"])),
            inputs=record_inputs(records),
            times=times[texts.inverse],
            training=training,
        )

    @property
    def has_training(self) -> bool:
        """Tell whether the training records are at hand."""
        return len(self.training) > 0

    @property
    def known(self) -> slice:
        """Return the slice of the records of classes that the model knows."""
        return slice(self.n_known)

    @property
    def text_numbers(self) -> Integers:
        """Return the number of the text of each record (n,)."""
        numbers: Integers = Distinct[str].of(self.records["text"]).inverse
        return numbers

    @property
    def groups(self) -> dict[str, pd.Series]:
        """Return the group names (n,) of the records by each column that subgroups are made of."""
        names = [name for name in self.records.columns.astype(str) if name.startswith(PREFIX)]
        return {name.removeprefix(PREFIX): self.records[name] for name in names}

    def scored(self, scores: Scores, *, texts_are_new: bool = False) -> ScoredRecords:
        """Join the records with their scores.

        If no record of a known class has a training text, measures must hold for new texts.

        Parameters
        ----------
        texts_are_new
            Whether measures must hold for new texts if the training records are not at hand. No
            text counts as unseen then.
        """
        inverse, unseen = self.text_numbers, (self.times == 0) & self.has_training
        ones = np.ones(len(inverse), dtype=np.int64)
        if self.has_training:
            texts_are_new = bool(unseen[self.known].all())
        cluster_size = cluster_sizes(inverse) if texts_are_new else ones
        return ScoredRecords(scores, self.labels, unseen, cluster_size)
