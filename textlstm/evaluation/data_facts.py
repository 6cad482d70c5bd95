"""Facts about the records of a run: their numbers, and what preprocessing and encoding changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from textlstm.data.distinct import Distinct
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.metrics_file import UncodableJson
from textlstm.summaries import RecordsSummary


@dataclass(frozen=True)
class DataFacts:
    """Facts about the records, as ``metrics.json`` has them.

    Attributes
    ----------
    rows
        Rows of the table.
    train, validation, holdout
        Records of each split, of classes that the model knows.
    distinct_texts
        Number of distinct texts in the table.
    dropped
        Number of records left out, for each reason.
    truncated_share
        Share of the records whose text is longer than the model reads.
    unknown_token_share
        Share of the words of the holdout that are not in the vocabulary.
    length
        Words of a text that the model reads, at most.
    handled
        Number of cells that preprocessing changed, for each kind of change.
    uncodable
        Number and share of the records whose class the model cannot give.
    """

    rows: int
    train: int
    validation: int
    holdout: int
    distinct_texts: int
    dropped: dict[str, int]
    truncated_share: float
    unknown_token_share: float
    length: int
    handled: dict[str, int]
    uncodable: UncodableJson

    @classmethod
    def of(
        cls,
        vocabulary: Vocabulary,
        splits: Mapping[str, pd.DataFrame],
        summary: RecordsSummary,
        n_unknown_label: int,
    ) -> Self:
        """Gather the facts.

        Parameters
        ----------
        splits, summary
            As :func:`.evaluate` takes them.
        n_unknown_label
            Number of records in the holdout whose label no training record has.
        """
        truncated, written_out = _changed_by_reading(vocabulary, splits)
        uncodable = summary["uncodable"]
        if not uncodable["records"]:
            # No class is dropped, yet the holdout may have classes that no training record has.
            share = n_unknown_label / len(splits["holdout"])
            uncodable = {"records": n_unknown_label, "share": share}
        return cls(
            rows=summary["rows"],
            train=len(splits["train"]),
            validation=len(splits["validation"]),
            holdout=len(splits["holdout"]) - n_unknown_label,
            distinct_texts=summary["distinct_texts"],
            dropped={**summary["dropped"], "label_not_in_training": n_unknown_label},
            truncated_share=truncated,
            unknown_token_share=_unknown_word_share(vocabulary, splits["holdout"]["text"]),
            length=vocabulary.length,
            handled={**summary["handled"], "abbreviations_written_out": written_out},
            uncodable=uncodable,
        )


def _changed_by_reading(
    vocabulary: Vocabulary, splits: Mapping[str, pd.DataFrame]
) -> tuple[float, int]:
    """Return the share of truncated records, and the number with an abbreviation written out."""
    texts = Distinct[str].of(pd.concat([table["text"] for table in splits.values()]))
    written_out = [vocabulary.expand_abbreviations(text) for text in texts.values]
    truncated = [len(text.split()) > vocabulary.length for text in written_out]
    changed = [text != new for text, new in zip(texts.values, written_out, strict=True)]
    rows = texts.inverse
    return (
        float(np.array(truncated, dtype=bool)[rows].mean()),
        int(np.array(changed, dtype=bool)[rows].sum()),
    )


def _unknown_word_share(vocabulary: Vocabulary, texts: pd.Series) -> float:
    """Return the share of the words of texts (n,) that are not in the vocabulary."""
    distinct = Distinct[str].of(texts)
    counts = vocabulary.count_words(distinct.values)
    words, unknown = (int(distinct.counts @ of_text) for of_text in counts)
    return unknown / max(words, 1)
