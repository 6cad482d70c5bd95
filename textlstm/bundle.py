"""The bundle: everything that predicts together, in one folder of safetensors and JSON."""

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from textlstm.batches import Corpus
from textlstm.calibration import calibrated, fit_linear_share, fit_temperature, mixed
from textlstm.checkpoint import Checkpoint
from textlstm.config import Recipe
from textlstm.decisions import HeldOut
from textlstm.encoding import EncodedTexts, WordEncoding
from textlstm.errors import InputError
from textlstm.files import read_json, sha256, write_bytes, write_json
from textlstm.linear import fit_linear, mean_branch
from textlstm.model import Ensemble, predict_logits
from textlstm.training import (
    Epoch,
    Examples,
    fit,
    held_out_logits,
    held_out_truth,
    new_ensemble,
    one_thread,
    weighted_by_class,
    with_parts,
)

FORMAT = 1
"""Version of the bundle's layout; a newer one than this is refused."""

FILES = (
    "model.safetensors",
    "vocab.json",
    "labels.json",
    "config.json",
    "calibration.json",
    "README.md",
)
"""What the manifest vouches for."""

UNKNOWN_WORDS, MEAN_PROBABILITY = "share of unknown words", "mean probability"
"""What the summary says of records like those trained on: new ones can be held against it."""


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
    encoding: WordEncoding
    labels: tuple[str, ...]
    network: Ensemble
    temperature: float
    held_out: HeldOut
    summary: dict[str, Any]

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
        corpus = Corpus(self.encoding.encode(distinct), self.encoding)
        logits = predict_logits(self.network.to(device), corpus, device).numpy()
        return calibrated(logits, self.temperature)[[place[text] for text in texts]]

    def save(self, folder: Path) -> None:
        """Write the bundle; the manifest comes last, so that a part of one is never taken for it.

        Raises
        ------
        OSError
            If the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").unlink(missing_ok=True)
        weights = {name: w.cpu().contiguous() for name, w in self.network.state_dict().items()}
        write_bytes(folder / "model.safetensors", safetensors.torch.save(weights))
        write_json(folder / "vocab.json", self.encoding.to_dict())
        write_json(folder / "labels.json", self.labels)
        write_json(folder / "config.json", {"recipe": self.recipe.to_dict(),
                                            "summary": self.summary})  # fmt: skip
        calibration = {
            "method": "temperature",
            "temperature": self.temperature,
            "held_out": self.held_out.to_dict(),
        }
        write_json(folder / "calibration.json", calibration)
        write_bytes(folder / "README.md", self._card().encode("utf-8"))
        write_json(
            folder / "manifest.json",
            {
                "format": FORMAT,
                "libraries": {name: version(name) for name in ("textlstm", "torch", "spacy")}
                | {"python": platform.python_version()},
                "sha256": {name: sha256(folder / name) for name in FILES},
            },
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the bundle in a folder, after checking it against its manifest.

        Raises
        ------
        InputError
            If a file is missing, differs from the manifest, or is of a newer format.
        """
        verify(folder)
        try:
            config = read_json(folder / "config.json")
            recipe = Recipe.from_dict(config["recipe"])
            encoding = WordEncoding.from_dict(read_json(folder / "vocab.json"))
            labels = tuple(read_json(folder / "labels.json"))
            network = Ensemble(recipe.network, encoding, len(labels))
            network.load_state_dict(safetensors.torch.load_file(folder / "model.safetensors"))
            calibration = read_json(folder / "calibration.json")
            temperature = float(calibration["temperature"])
            held_out = HeldOut.from_dict(calibration["held_out"])
            summary = dict(config["summary"])
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
            raise InputError(
                f"{folder}: the bundle's parts do not fit together; train it again"
            ) from error
        return cls(recipe, encoding, labels, network, temperature, held_out, summary)

    def _card(self) -> str:
        facts = "\n".join(f"- {name}: {value}" for name, value in self.summary.items())
        recipe = json.dumps(self.recipe.to_dict(), indent=2)
        return CARD.format(classes=len(self.labels), words=len(self.encoding.words), facts=facts,
                           length=self.encoding.length, temperature=self.temperature,
                           recipe=recipe)  # fmt: skip


def verify(folder: Path) -> None:
    """Check a bundle's files against its manifest.

    Raises
    ------
    InputError
        If they do not match; nothing of the bundle has been interpreted then.
    """
    try:
        manifest = read_json(folder / "manifest.json")
        found, hashes = manifest["format"], dict(manifest["sha256"])
        tokenizer = str(manifest["libraries"]["spacy"])
    except FileNotFoundError as error:
        raise InputError(f"{folder}: no complete bundle here; run the train stage") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}/manifest.json is not a bundle's manifest") from error
    if not isinstance(found, int) or found > FORMAT:
        raise InputError(f"{folder}: bundle format {found} is newer than {FORMAT}; update textlstm")
    if _series(tokenizer) != _series(version("spacy")):
        raise InputError(
            f"{folder}: trained with the tokenizer of spaCy {tokenizer}, and this is "
            f"{version('spacy')}, which may split words otherwise; install that, or train again"
        )
    for name in FILES:
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise InputError(f"{path}: missing from the bundle")
        if hashes.get(name) != sha256(path):
            raise InputError(f"{path}: differs from the manifest; the bundle is damaged")


def _series(release: str) -> list[str]:
    """Return the part of a version within which a library's behaviour stays."""
    return release.split(".")[:2]


@one_thread()
def train_bundle(
    recipe: Recipe,
    encoding: WordEncoding,
    labels: tuple[str, ...],
    examples: Examples,
    *,
    seed: int,
    device: torch.device,
    on_epoch: Callable[[Epoch], None],
    summary: dict[str, Any] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Bundle:
    """Train the recipe's networks and calibrate them; ``on_epoch`` is told each epoch.

    With a checkpoint, the training of the networks goes on where an earlier one ended.

    What is left out by one member and known to the others cannot judge them all together: share and
    temperature are those of members by themselves, on the part that each left out.
    """
    members = range(recipe.network.members)
    examples = with_parts(examples, len(members), seed)
    truth = held_out_truth(examples, len(members))
    if recipe.training.class_weight == "balanced":
        examples = weighted_by_class(examples, len(labels))
    network = new_ensemble(recipe, encoding, examples.corpus, len(labels), seed)
    for epoch in fit(network, examples, recipe.training, seed, device, checkpoint):
        on_epoch(epoch)
    answers = [network.answer(member) for member in members]
    logits = held_out_logits(answers, examples, device).numpy()
    if recipe.network.linear:
        parts = [examples.trained_on(member) for member in members]
        branches = fit_linear(
            examples.corpus, examples.labels, examples.weights, len(labels), recipe.network.linear,
            parts,
        )  # fmt: skip
        linear_logits = held_out_logits(branches, examples, torch.device("cpu")).numpy()
        share = fit_linear_share(logits, linear_logits, *truth)
        logits = mixed(logits, linear_logits, share).astype(np.float32)
        network.linear = mean_branch(branches)
        network.linear_share.fill_(share)
        network.to(device)
    temperature = fit_temperature(logits, *truth)
    probabilities = calibrated(logits, temperature)
    held_out = HeldOut.of(probabilities, truth[0], seed)
    summary = (summary or {}) | {
        UNKNOWN_WORDS: round(examples.corpus.select(examples.left_out(0)).unknown_share(), 6),
        MEAN_PROBABILITY: round(float(probabilities.max(axis=1).mean()), 6),
    }
    return Bundle(recipe, encoding, labels, network, temperature, held_out, summary)


def as_examples(
    texts: EncodedTexts,
    labels: NDArray[np.int64],
    encoding: WordEncoding,
    validation: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> Examples:
    """Return encoded texts and class numbers as what the training loop takes.

    Weights are scaled to a mean of 1, which leaves the size of a training step as it is.
    """
    values = np.ones(len(labels)) if weights is None else weights / weights.mean()
    return Examples(
        Corpus(texts, encoding),
        torch.tensor(labels, dtype=torch.int64),
        torch.from_numpy(values.astype(np.float32)),
        torch.from_numpy(validation.astype(np.int64) - 1),
    )


CARD = """# A textlstm classifier

Embedding + LSTM networks that give short medical texts one of {classes} classes, with
probabilities calibrated by a temperature of {temperature:.3f}. They know {words} words and read
{length} tokens of a text.

## Made from

{facts}

## Use

Load it with `TextLSTMClassifier.load(folder)`, or give the run's folder to
`python -m pipelines.predict`. It codes texts like those it was trained on; records it is unsure of
belong before a person. How well it does is in the `metrics.json` of its run.

## Recipe

```json
{recipe}
```
"""
