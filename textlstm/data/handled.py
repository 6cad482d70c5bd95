"""What preprocessing repairs or keeps in records although it looks wrong: counts and sentences."""

from collections.abc import Mapping

import pandas as pd

from textlstm.config import RARE_LABEL, DataConfig
from textlstm.data.distinct import relabel
from textlstm.data.labels import label_warnings, plain_label
from textlstm.data.records import UsableRecords
from textlstm.errors import counted

HANDLED = {
    "control_characters": ("cell has", "cells have",
                           "control characters; they are read as spaces"),
    "invisible_characters": ("cell has", "cells have",
                             "zero-width, bidirectional or like characters; left out"),
    "replacement_characters": ("cell has", "cells have", "characters that were lost before"),
    "other_unicode_forms": ("cell is", "cells are", "in other Unicode forms; composed"),
    "overlong_texts": ("cell is", "cells are", "too long to be a text; read to a limit"),
    "overlong_words": ("cell has", "cells have", "words too long to be any; divided"),
    "labels_normalised": ("label has", "labels have",
                          "other spaces, Unicode forms or invisible characters; normalised"),
    "labels_alike": ("record has", "records have",
                     "a label that differs from another one in upper and lower case only; each is "
                     "a class of its own"),
    "labels_like_missing": ("record has", "records have",
                            "a label that often stands for a missing one; it is a class as others "
                            "are, unless --missing names it"),
    "labels_like_lists": ("record has", "records have",
                          "a label that looks like a list; each list is a class"),
    "rare_class_records": ("record of a rare class is", "records of rare classes are",
                           "not dropped"),
    "merged_class_records": ("record of a rare class is", "records of rare classes are",
                             f"merged into the class {RARE_LABEL!r}, which is never coded "
                             "automatically: a person sees what is taken for it"),
    "texts_with_conflicting_labels": ("text carries", "texts carry", "more than one label"),
    "holdout_texts_also_trained_on": ("record of the holdout has", "records of the holdout have",
                                      "a text that is also trained on (--split grouped keeps them "
                                      "apart)"),
}  # fmt: skip
"""Sentences on what records may have that is neither an error nor a reason to leave them out: the
subject for one, the subject for several, and the rest."""


def sentence(name: str, number: int) -> str:
    """Return the sentence of :data:`HANDLED` for a number of cells, labels or records."""
    singular, plural, rest = HANDLED[name]
    return f"{counted(number, singular, plural)} {rest}"


def check_labels(labels: pd.Series) -> tuple[dict[str, int], list[str]]:
    """Count the records with a label that is seldom meant; return the counts, and the warnings."""
    counts = relabel(labels, plain_label).value_counts()
    warnings = label_warnings({str(label): int(number) for label, number in counts.items()})
    lines = [f"{sentence(name, n)}: {examples}" for name, (n, examples) in warnings.items()]
    return {name: number for name, (number, _) in warnings.items()}, lines


def count_handled(
    records: pd.DataFrame,
    usable: UsableRecords,
    splits: Mapping[str, pd.DataFrame],
    config: DataConfig,
) -> dict[str, int]:
    """Count what :data:`HANDLED` names of labels and splits.

    Parameters
    ----------
    records
        All records, with their labels as they stand in the table.
    splits
        The usable records, as :func:`.split` divides them.
    """
    counts = usable.records["label"].value_counts()
    rare = (counts < config.min_class_records) & (counts.index != RARE_LABEL)
    raw = records["label"].value_counts()
    pairs = usable.records[["text", "label"]].drop_duplicates()
    learned = pd.concat([splits["train"], splits["validation"]])["text"].unique()
    normalised = [plain_label(label) != label for label in raw.index]
    return {
        "labels_normalised": int(raw[normalised].sum()),
        "rare_class_records": int(counts[rare].sum()),
        "merged_class_records": int(counts.get(RARE_LABEL, 0)),
        "texts_with_conflicting_labels": int((pairs["text"].value_counts() > 1).sum()),
        "holdout_texts_also_trained_on": int(splits["holdout"]["text"].isin(learned).sum()),
    }
