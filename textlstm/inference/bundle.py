"""The bundle: everything that predicts together, in one folder of safetensors and JSON."""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from textlstm.config import RARE_LABEL
from textlstm.encoding.corpus import Corpus
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.inference.bundle_files import (
    FILES,
    FORMAT,
    checked_labels,
    checked_summary,
    checked_temperature,
    read_network,
    verify,
)
from textlstm.inference.model_card import CARD, in_words, plain_text
from textlstm.models.ensemble import Ensemble
from textlstm.models.logits import predict_logits
from textlstm.recipe import Recipe
from textlstm.storage.json_files import read_json, to_json
from textlstm.storage.swap import write_folder
from textlstm.uncertainty.calibration import apply_temperature
from textlstm.uncertainty.out_of_fold import OutOfFold


@dataclass(frozen=True)
class Bundle:
    """A trained, calibrated classifier of preprocessed texts.

    Attributes
    ----------
    recipe
        What it was trained by.
    encoding
        From texts to ids.
    labels
        The class names; their order is that of the probabilities' columns.
    network
        With its weights.
    temperature
        What the logits are divided by.
    held_out
        What can be promised is read off it.
    summary
        Figures for the model card: numbers and column names, never text of records.
    """

    recipe: Recipe
    vocabulary: Vocabulary
    labels: tuple[str, ...]
    network: Ensemble
    temperature: float
    out_of_fold: OutOfFold
    summary: dict[str, Any]

    @property
    def codable(self) -> NDArray[np.bool_]:
        """Return whether records may be given each class (C,): merged classes are no code."""
        return np.array([label != RARE_LABEL for label in self.labels], dtype=np.bool_)

    def predict_proba(
        self, texts: Sequence[str], device: torch.device | None = None
    ) -> NDArray[np.float64]:
        """Return the probabilities (n, C) of preprocessed texts."""
        if not texts:
            return np.empty((0, len(self.labels)))
        device = device or torch.device("cpu")
        # Each distinct text is computed once: most texts of a registry are repeats.
        distinct = list(dict.fromkeys(texts))
        place = {text: row for row, text in enumerate(distinct)}
        corpus = Corpus(self.vocabulary.encode(distinct), self.vocabulary)
        logits = predict_logits(self.network.to(device), corpus, device).numpy()
        return apply_temperature(logits, self.temperature)[[place[text] for text in texts]]

    def save(self, folder: Path) -> None:
        """Write the bundle; the manifest comes last, so that a part of one is never taken for it.

        A bundle that is there already stays whole until all of the new one is on the disk, and is
        replaced at once where the folder holds nothing else and the system can (Linux).

        Raises
        ------
        InputError
            If another process writes a bundle there.
        OSError
            If the folder cannot be written.
        """
        weights = {name: w.cpu().contiguous() for name, w in self.network.state_dict().items()}
        calibration = {
            "method": "temperature",
            "temperature": self.temperature,
            "held_out": self.out_of_fold.to_dict(),
        }
        contents = {
            "model.safetensors": safetensors.torch.save(weights),
            "vocab.json": to_json(self.vocabulary.to_dict()),
            "labels.json": to_json(self.labels),
            "config.json": to_json({"recipe": self.recipe.to_dict(), "summary": self.summary}),
            "calibration.json": to_json(calibration),
            "README.md": self._card().encode("utf-8"),
        }
        manifest = {
            "format": FORMAT,
            "libraries": {name: version(name) for name in ("textlstm", "torch", "spacy")}
            | {"python": platform.python_version()},
            "sha256": {name: hashlib.sha256(contents[name]).hexdigest() for name in FILES},
        }
        write_folder(folder, contents | {"manifest.json": to_json(manifest)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the bundle in a folder, after checking it against its manifest.

        Raises
        ------
        InputError
            If a file is missing, differs from the manifest, or is of another format.
        """
        verify(folder)
        try:
            config = read_json(folder / "config.json")
            recipe = Recipe.from_dict(config["recipe"])
            vocabulary = Vocabulary.from_dict(read_json(folder / "vocab.json"))
            labels = checked_labels(read_json(folder / "labels.json"))
            network = read_network(
                folder / "model.safetensors", recipe.network, vocabulary, len(labels)
            )
            calibration = read_json(folder / "calibration.json")
            temperature = checked_temperature(calibration["temperature"])
            out_of_fold = OutOfFold.from_dict(calibration["held_out"])
            summary = checked_summary(config["summary"], vocabulary)
            bundle = cls(recipe, vocabulary, labels, network, temperature, out_of_fold, summary)
            bundle.require_finite()
        except MemoryError:
            raise
        # A manifest vouches for what its author wrote, which may be anything: whatever goes wrong
        # in making sense of it, these are not the parts of a bundle.
        except Exception as error:
            raise InputError(
                f"{folder}: the bundle's parts do not fit together; train it again"
            ) from error
        return bundle

    def require_finite(self) -> None:
        """Try one short text, of known words and an unknown one.

        Raises
        ------
        InputError
            If what comes out are no probabilities.
        """
        tried = " ".join([*self.vocabulary.known_words[:2], "untold"][: self.vocabulary.length])
        if not np.isfinite(self.predict_proba([tried])).all():
            raise InputError("the probabilities of a text are not finite")

    def _card(self) -> str:
        facts = "\n".join(
            f"- {plain_text(name)}: {in_words(name, value)}" for name, value in self.summary.items()
        )
        recipe = json.dumps(self.recipe.to_dict(), indent=2)
        return CARD.format(classes=len(self.labels), words=len(self.vocabulary.known_words),
                           length=self.vocabulary.length, temperature=self.temperature,
                           min_records=self.recipe.encoding.min_count,
                           facts=facts, recipe=recipe)  # fmt: skip
