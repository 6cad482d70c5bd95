"""Encode the preprocessed records of a run: fit the vocabulary, write the word ids."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from textlstm.codes.tree import CodeTree
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import record_values
from textlstm.data.records import SPLIT_COLUMN, SPLITS, learned_labels, read_records, read_summary
from textlstm.encoding.covariates import Covariates
from textlstm.encoding.encoded import write_encoded
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.recipe_sections import EncodingConfig
from textlstm.storage.json_files import read_json, write_json

N_STEPS = 2 + len(SPLITS)
"""Steps that :func:`encode_splits` announces."""


@dataclass(frozen=True)
class EncodedSplits:
    """Outcome of the encoding.

    Attributes
    ----------
    vocabulary
        Fitted on the training texts.
    labels
        The labels that a model of these records learns, sorted.
    abbreviated
        Records with an abbreviation that was written out.
    """

    vocabulary: Vocabulary
    labels: list[str]
    abbreviated: int


def encode_splits(
    records: Path,
    config: EncodingConfig,
    out: Path,
    on_step: Callable[[str], object] = str,
    beside: Sequence[str] = (),
) -> EncodedSplits:
    """Fit the vocabulary on the training texts, and write all records as word ids.

    Parameters
    ----------
    records
        The folder that preprocessing wrote.
    out
        The folder to write: ``vocab.json``, ``labels.json``, ``rare.json``, and an Arrow file for
        each split and for the records of rare classes.
    on_step
        Receives the name of each step as it begins.
    beside
        Columns of the records that hold covariates.

    Raises
    ------
    InputError
        If hardly any training record has a value in one of these.
    """
    on_step("reading the records")
    columns = ["text", "label", *beside]
    splits = {name: read_records(records / f"{name}.parquet", columns) for name in SPLITS}
    meanings = read_json(records / "abbreviations.json")
    on_step("taking the vocabulary")
    texts = Distinct[str].of(splits["train"]["text"])
    covariates = Covariates.fit(beside, record_values(splits["train"]), config.min_count)
    vocabulary = Vocabulary.fit(texts.values, config, texts.counts, meanings, covariates)
    book, labels = records / "book.json", learned_labels(splits)
    task: object = labels
    if book.exists():
        tree = CodeTree.from_dict(read_json(book), str(book))
        task, labels = tree.to_dict(), list(tree.codes)
    abbreviated = 0
    for name, split_records in splits.items():
        on_step(f"encoding {name}")
        texts = Distinct[str].of(split_records["text"])
        abbreviated += vocabulary.count_abbreviated(texts)
        numbers = pd.Index(labels).get_indexer(pd.Index(split_records["label"]))
        encoded = vocabulary.encode(texts, record_values(split_records))
        write_encoded(out / f"{name}.arrow", encoded, numbers)
    _write_rare(records, vocabulary, out)
    write_json(out / "rare.json", _rare_facts(records, splits, labels))
    write_json(out / "labels.json", task)
    write_json(out / "vocab.json", vocabulary.to_dict())
    return EncodedSplits(vocabulary, labels, abbreviated)


def _write_rare(records: Path, vocabulary: Vocabulary, out: Path) -> None:
    """Write the training and validation records of rare classes, and flags of the validation."""
    columns = ["text", *vocabulary.covariates.columns, SPLIT_COLUMN]
    rare = read_records(records / "rare.parquet", columns)
    rare = rare[rare[SPLIT_COLUMN] != "holdout"]
    encoded = vocabulary.encode(Distinct[str].of(rare["text"]), record_values(rare))
    in_validation = (rare[SPLIT_COLUMN] == "validation").to_numpy().astype(np.int32)
    write_encoded(out / "rare.arrow", encoded, in_validation)


def _rare_facts(
    records: Path, splits: dict[str, pd.DataFrame], labels: list[str]
) -> dict[str, object]:
    """Return the share of records that no model can code, and the numbers of borderline classes."""
    summary = read_summary(records)
    # Without its only record, a class would not be known: left out, that record shows it.
    learned = pd.concat([splits["train"]["label"], splits["validation"]["label"]])
    counts = learned.value_counts()
    single = {str(label) for label in counts.index[counts == 1]}
    borderline = np.flatnonzero(np.isin(labels, [*summary["borderline"], *single]))
    return {**summary["uncodable"], "borderline": borderline.tolist()}
