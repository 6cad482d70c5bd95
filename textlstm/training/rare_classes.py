"""Rare classes: records of dropped classes are not trained on, but count in the evaluation.

No prediction names a class that was dropped for its few records. New records have such classes as
often as the table has, and each of their predictions is an error. Promises are computed from
out-of-fold records, so these must have the same share of rare classes as the table.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Flags, Integers
from textlstm.data.draws import draw_share
from textlstm.data.splits import METHODS
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.encoded import EncodedTexts
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.training.folds import Examples
from textlstm.training.out_of_fold import (
    CalibratedMembers,
    MemberModels,
    OutOfFoldPredictions,
)

SEED_OFFSET = 3
"""Number added to a run's seed when rare records are drawn, so that this stream is its own."""


@dataclass(frozen=True)
class RareClasses:
    """Records of dropped classes on the training side of the split.

    Attributes
    ----------
    texts
        (m,) of the records.
    in_validation
        (m,) whether a record belongs to the validation part.
    share
        Share of the table's usable records whose class was dropped or merged.
    borderline
        Numbers of the classes that one record less would have made rare.
    """

    texts: EncodedTexts
    in_validation: Flags
    share: float
    borderline: tuple[int, ...]

    def without_covariates(self) -> Self:
        """Return the records with all covariates missing."""
        return replace(self, texts=self.texts.without_covariates())

    def assign_folds(self, examples: Examples, n_members: int, seed: int) -> list[Integers]:
        """Draw the rows (of m) that belong to the validation fold of each member.

        The share of the rows that are drawn is the share of the examples that are in a fold. After
        a grouped split whole texts are drawn; after a temporal split, the latest records.
        """
        fold_sizes = [len(examples.validation_rows(member)) for member in range(n_members)]
        if METHODS[examples.split].judged_by_latest:
            rows = np.flatnonzero(self.in_validation)
            share = fold_sizes[0] / max(int((examples.folds == 0).sum()), 1)
            latest = rows[np.sort(draw_share(len(rows), share, seed + SEED_OFFSET))]
            return [latest, *[np.zeros(0, dtype=np.int64)] * (n_members - 1)]
        share = min(1.0, sum(fold_sizes) / len(examples.targets))
        grouped = METHODS[examples.split].keeps_texts_together
        units = self.texts.inverse if grouped else np.arange(len(self.texts))
        drawn = draw_share(int(units.max(initial=-1)) + 1, share, seed + SEED_OFFSET)
        return [
            np.flatnonzero(np.isin(units, drawn[member::n_members])) for member in range(n_members)
        ]

    def predict_logits(
        self,
        folds: Sequence[Integers],
        models: MemberModels,
        vocabulary: Vocabulary,
        n_classes: int,
    ) -> tuple[NDArray[np.float32], Flags]:
        """Predict the out-of-fold logits of the records in the folds.

        Parameters
        ----------
        folds
            The rows in the fold of each member, k rows altogether.

        Returns
        -------
        logits, has_known_word
            (k, C) and (k,) whether the text has a word of the vocabulary, member after member.
        """
        logits = [np.zeros((0, n_classes), np.float32)]
        has_known_word = [np.zeros(0, np.bool_)]
        for member, rows in enumerate(folds):
            if len(rows):
                corpus = Corpus(self.texts[rows], vocabulary)
                logits.append(models.predict_logits(member, corpus))
                has_known_word.append(corpus.has_known_word()[corpus.inverse.numpy()])
        return np.concatenate(logits), np.concatenate(has_known_word)

    def added_to(
        self,
        calibrated: CalibratedMembers,
        examples: Examples,
        vocabulary: Vocabulary,
        n_members: int,
        seed: int,
    ) -> OutOfFoldPredictions:
        """Return the out-of-fold predictions of the members, those of these records added."""
        models, adjustment = calibrated.models, calibrated.adjustment
        folds = self.assign_folds(examples, n_members, seed)
        logits, has_known_word = self.predict_logits(folds, models, vocabulary, len(adjustment))
        predictions = models.task.predict(logits + adjustment, calibrated.temperature)
        text_ids = self.texts.inverse[np.concatenate(folds)]
        return calibrated.records.with_rare_classes(
            predictions.probabilities, has_known_word, text_ids, self.borderline
        )
