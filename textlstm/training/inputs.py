"""Training inputs: the encoded records of a run, read from its files, and their fingerprint."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from textlstm.coded_task import read_task
from textlstm.config import RunConfig
from textlstm.encoding.encoded import count_encoded, read_encoded
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.storage.atomic import sha256
from textlstm.storage.damage import damage_explained
from textlstm.storage.json_files import read_json
from textlstm.summaries import TrainingSummary
from textlstm.tasks import SingleLabel
from textlstm.training.checkpoint import Checkpoint
from textlstm.training.folds import Examples, as_examples
from textlstm.training.rare_classes import RareClasses

ENCODED_FILES = (
    "vocab.json",
    "labels.json",
    "train.arrow",
    "validation.arrow",
    "rare.arrow",
    "rare.json",
)
"""Names of the files that a training reads."""


@dataclass(frozen=True)
class TrainingInputs:
    """What a model is trained on.

    Attributes
    ----------
    vocabulary
        Of the encoded texts.
    task
        The task, whose labels are in the order of the class numbers.
    examples
        Training and validation records.
    rare
        Records of dropped classes, which are evaluated but not trained on; None if there were none.
    """

    vocabulary: Vocabulary
    task: SingleLabel
    examples: Examples
    rare: RareClasses | None = None

    def summary(self, config: RunConfig, device: str) -> TrainingSummary:
        """Return what the bundle of a run says of its training."""
        n_validation = int((self.examples.folds == 0).sum())
        return {
            "text fields": len(config.data.text),
            "text columns": list(config.data.text),
            "label column": config.data.label,
            "recipe": config.recipe_name,
            "seed": config.seed,
            "device": device,
            "training records": len(self.examples.folds) - n_validation,
            "validation records": n_validation,
        }


def read_training_inputs(folder: Path, split: str) -> TrainingInputs:
    """Read the records that the encode stage wrote to a folder.

    Parameters
    ----------
    split
        How the validation part was drawn: ``stratified``, ``grouped`` or ``temporal``.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    with damage_explained(folder):
        vocabulary = Vocabulary.from_dict(read_json(folder / "vocab.json"))
        train, validation = (folder / f"{name}.arrow" for name in ("train", "validation"))
        texts, targets = read_encoded(train, validation)
        in_validation = np.zeros(len(texts), dtype=bool)
        in_validation[count_encoded(train) :] = True
        rare_texts, rare_in_validation = read_encoded(folder / "rare.arrow")
        rare = read_json(folder / "rare.json")
        task = read_task(read_json(folder / "labels.json"), folder)
        if targets.max() >= task.n_targets:
            raise IndexError("a record has a class without a label")
        return TrainingInputs(
            vocabulary,
            task,
            as_examples(texts, targets, vocabulary, in_validation, split=split),
            RareClasses(
                rare_texts, rare_in_validation > 0, rare["share"], tuple(rare["borderline"])
            ),
        )


def fingerprint(folder: Path, config: RunConfig, device: str, versions: Mapping[str, str]) -> str:
    """Return a digest of all that determines a training.

    Parameters
    ----------
    folder
        The encoded records.
    versions
        Releases of the libraries.
    """
    content = {
        "encoded": [sha256(folder / name) for name in ENCODED_FILES],
        "recipe": config.recipe.to_dict(),
        "seed": config.seed,
        "device": device,
        "versions": dict(versions),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def open_checkpoint(
    folder: Path, encoded: Path, config: RunConfig, device: str, versions: Mapping[str, str]
) -> Checkpoint:
    """Open the checkpoint in a folder, for a training on the encoded records of another folder."""
    return Checkpoint(folder, fingerprint(encoded, config, device, versions))
