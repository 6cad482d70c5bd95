"""The bundle: a trained model with all that prediction needs, as a folder of JSON and safetensors.

The recipe, the vocabulary, the labels, the weights, the calibration and the out-of-fold predictions
are saved and loaded together.
"""

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Self

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray

from textlstm.coded_task import CodedLabel, read_task
from textlstm.codes.tree import CodeTree
from textlstm.config import RARE_LABEL
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input, Values, as_inputs
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
from textlstm.models.logits import MapBatches, predict_logits
from textlstm.recipe import Recipe
from textlstm.storage.json_files import read_json, to_json
from textlstm.storage.swap import write_folder
from textlstm.summaries import TrainingSummary
from textlstm.tasks import SingleLabel
from textlstm.uncertainty.back_off import BackOff
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.predictions import Predictions


@dataclass(frozen=True)
class Bundle:
    """A trained, calibrated classifier of preprocessed texts, with covariates beside them.

    Attributes
    ----------
    recipe
        Settings that it was trained with.
    vocabulary
        Turns texts into ids.
    task
        The task, which has the labels and turns logits into predictions.
    network
        The ensemble, with its weights.
    temperature
        Divisor of the logits (calibration).
    out_of_fold
        Predictions of training records, from which promises are derived.
    summary
        Figures for the model card: numbers and column names, never text of records.
    text_alone
        The same as ``out_of_fold``, as predicted without the covariates: promises for tables
        that lack them are derived from it. None for a model without covariates.
    back_off
        The same along the levels of a code book. None for a model without one.
    """

    recipe: Recipe
    vocabulary: Vocabulary
    task: SingleLabel
    network: Ensemble
    temperature: float
    out_of_fold: OutOfFold
    summary: TrainingSummary
    text_alone: OutOfFold | None = None
    back_off: BackOff | None = None

    @property
    def tree(self) -> CodeTree | None:
        """Return the code book of the labels, if there is one."""
        return self.task.tree if isinstance(self.task, CodedLabel) else None

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the class names, in the order of the columns of the probabilities."""
        return self.task.labels

    @property
    def codable(self) -> NDArray[np.bool_]:
        """Return whether records may be given each class (C,); merged classes are no code."""
        return np.array([label != RARE_LABEL for label in self.labels], dtype=np.bool_)

    def predict(
        self,
        inputs: Distinct[Input] | Distinct[str],
        device: torch.device | None = None,
        map_batches: MapBatches | None = None,
    ) -> Predictions:
        """Predict n records by their inputs; a text is an input without covariates.

        Each distinct input is computed once. The network is moved to ``device``, if one is given.
        ``map_batches`` is as in :func:`.predict_logits`.
        """
        if not inputs.values:
            return Predictions(np.empty((0, len(self.labels))), inputs.inverse)
        device = device or self.network.device
        corpus = self.corpus(as_inputs(inputs.values))
        logits = predict_logits(self.network.to(device), corpus, device, map_batches).numpy()
        return self.task.predict(logits, self.temperature, inputs.inverse)

    def corpus(self, inputs: Sequence[Input]) -> Corpus:
        """Return n inputs as tensors that the network reads."""
        texts = Distinct[str].of(text for text, _ in inputs)
        values = None
        if self.vocabulary.covariates.names:
            values = Distinct[Values].of(of_input for _, of_input in inputs)
        return Corpus(self.vocabulary.encode(texts, values), self.vocabulary)

    def predict_proba(
        self, inputs: Sequence[Input | str], device: torch.device | None = None
    ) -> NDArray[np.float64]:
        """Return the probabilities (n, C) of n inputs."""
        predictions = self.predict(Distinct[Input].of(as_inputs(inputs)), device)
        probabilities: NDArray[np.float64] = predictions.probabilities[predictions.rows]
        return probabilities

    def save(self, folder: Path) -> None:
        """Write the bundle to a folder, whole or not at all (atomic write).

        The manifest is written last, so that an incomplete bundle is never read as one. An older
        bundle in the folder stays whole until the new one is on the disk; it is then replaced in
        one operation if the folder holds nothing else and the system is Linux.

        Raises
        ------
        InputError
            If another process writes a bundle to the folder.
        OSError
            If the folder cannot be written.
        """
        weights = {name: w.cpu().contiguous() for name, w in self.network.state_dict().items()}
        calibration = {
            "method": "temperature",
            "temperature": self.temperature,
            "held_out": self.out_of_fold.to_dict(),
        }
        if self.back_off is not None:
            calibration["back_off"] = self.back_off.to_dict()
        if self.text_alone is not None:
            calibration["text_alone"] = self.text_alone.to_dict()
        contents = {
            "model.safetensors": safetensors.torch.save(weights),
            "vocab.json": to_json(self.vocabulary.to_dict()),
            "labels.json": to_json(self.labels if self.tree is None else self.tree.to_dict()),
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
        """Load the bundle of a folder, after checking its files against the manifest.

        Raises
        ------
        InputError
            If a file is missing or differs from the manifest, or the format is another version.
        """
        verify(folder)
        try:
            config = read_json(folder / "config.json")
            recipe = Recipe.from_dict(config["recipe"])
            vocabulary = Vocabulary.from_dict(read_json(folder / "vocab.json"))
            labels = read_json(folder / "labels.json")
            task = read_task(labels, folder)
            task = replace(task, label_smoothing=recipe.training.label_smoothing)
            checked_labels(list(task.labels) if isinstance(labels, dict) else labels)
            network = read_network(
                folder / "model.safetensors", recipe.network, vocabulary, len(task.labels)
            )
            calibration = read_json(folder / "calibration.json")
            temperature = checked_temperature(calibration["temperature"])
            out_of_fold = OutOfFold.from_dict(calibration["held_out"])
            summary = checked_summary(config["summary"], vocabulary)
            text_alone = None
            if vocabulary.covariates.names:
                text_alone = OutOfFold.from_dict(calibration["text_alone"])
            back_off = None
            if isinstance(task, CodedLabel):
                back_off = BackOff.from_dict(calibration["back_off"])
            bundle = cls(recipe, vocabulary, task, network, temperature, out_of_fold, summary,
                         text_alone, back_off)  # fmt: skip
            bundle.require_finite()
        except MemoryError:
            raise
        # The manifest proves only that the files are those its author wrote. They may hold anything
        # and so fail in any way.
        except Exception as error:
            raise InputError(
                f"{folder}: the bundle's parts do not fit together; train it again"
            ) from error
        return bundle

    def require_finite(self) -> None:
        """Predict one short text, of two known words and an unknown one, as a check.

        Raises
        ------
        InputError
            If a probability is not finite.
        """
        words = [*self.vocabulary.known_words[:2], "untold"][: self.vocabulary.length]
        if not np.isfinite(self.predict_proba([Input(" ".join(words))])).all():
            raise InputError("the probabilities of a text are not finite")

    def _card(self) -> str:
        """Write the model card."""
        facts = "\n".join(
            f"- {plain_text(name)}: {in_words(name, value)}" for name, value in self.summary.items()
        )
        recipe = json.dumps(self.recipe.to_dict(), indent=2)
        return CARD.format(cell=self.recipe.network.cell_name, classes=len(self.labels),
                           words=len(self.vocabulary.known_words),
                           length=self.vocabulary.length, temperature=self.temperature,
                           min_records=self.recipe.encoding.min_count,
                           facts=facts, recipe=recipe)  # fmt: skip
