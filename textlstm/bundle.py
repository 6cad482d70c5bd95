"""The bundle: everything that predicts together, in one folder of safetensors and JSON."""

import hashlib
import json
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from torch.overrides import TorchFunctionMode

from textlstm.batches import Corpus
from textlstm.calibration import TEMPERATURE_RANGE, calibrated
from textlstm.config import RARE_LABEL, NetworkConfig, Recipe
from textlstm.decisions import HeldOut, tenths
from textlstm.encoding import WordEncoding
from textlstm.errors import InputError, visible
from textlstm.files import is_unicode, read_json, sha256, to_json
from textlstm.labels import require_short
from textlstm.model import Ensemble, predict_logits
from textlstm.swap import write_folder

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

TEXT_FIELDS = "text fields"
"""What the summary calls the number of text fields of a record."""

PLAIN = re.compile(r"\w([\w ,.%-]*\w)?")
"""What has no meaning in Markdown but itself."""

MAX_WEIGHT = 1e9
"""No trained weight is larger; of weights up to this one, no sum of a prediction is infinite."""

UNCODABLE = "share of records whose class the model cannot give"
"""What the summary says of rare classes: those of the table that were dropped or merged."""


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
        corpus = Corpus(self.encoding.encode(distinct), self.encoding)
        logits = predict_logits(self.network.to(device), corpus, device).numpy()
        return calibrated(logits, self.temperature)[[place[text] for text in texts]]

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
            "held_out": self.held_out.to_dict(),
        }
        contents = {
            "model.safetensors": safetensors.torch.save(weights),
            "vocab.json": to_json(self.encoding.to_dict()),
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
            If a file is missing, differs from the manifest, or is of a newer format.
        """
        verify(folder)
        try:
            config = read_json(folder / "config.json")
            recipe = Recipe.from_dict(config["recipe"])
            encoding = WordEncoding.from_dict(read_json(folder / "vocab.json"))
            labels = _checked_labels(read_json(folder / "labels.json"))
            network = _read_network(
                folder / "model.safetensors", recipe.network, encoding, len(labels)
            )
            calibration = read_json(folder / "calibration.json")
            temperature = _checked_temperature(calibration["temperature"])
            held_out = HeldOut.from_dict(calibration["held_out"])
            summary = _checked_summary(config["summary"], encoding)
            bundle = cls(recipe, encoding, labels, network, temperature, held_out, summary)
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
        tried = " ".join([*self.encoding.vocabulary[:2], "untold"][: self.encoding.length])
        if not np.isfinite(self.predict_proba([tried])).all():
            raise InputError("the probabilities of a text are not finite")

    def _card(self) -> str:
        facts = "\n".join(
            f"- {_plain(name)}: {_in_words(name, value)}" for name, value in self.summary.items()
        )
        recipe = json.dumps(self.recipe.to_dict(), indent=2)
        return CARD.format(classes=len(self.labels), words=len(self.encoding.vocabulary),
                           length=self.encoding.length, temperature=self.temperature,
                           min_records=self.recipe.encoding.min_records,
                           facts=facts, recipe=recipe)  # fmt: skip


def _in_words(name: str, value: Any) -> str:
    """Write a value of the summary for a reader: names in a row, shares in percent.

    >>> _in_words("text columns", ["cause", "other"]), _in_words(UNKNOWN_WORDS, 0.0625)
    ('cause, other', '6.2 %')
    """
    if isinstance(value, list):
        return ", ".join(map(_plain, value))
    return tenths(value) if name in (UNKNOWN_WORDS, UNCODABLE) else _plain(value)


def _plain(value: Any) -> str:
    """Return a value for the card: as code where it might be a link or HTML to Markdown.

    >>> _plain("year of death"), _plain("`![x](http://a)`"), _plain("")
    ('year of death', "`'![x](http://a)'`", '` `')
    """
    text = visible(str(value))
    words = bool(PLAIN.fullmatch(text))
    return text if words else f"`{text.replace('`', chr(39)) or ' '}`"


def verify(folder: Path) -> None:
    """Check a bundle's files against its manifest.

    Raises
    ------
    InputError
        If they do not match; nothing of the bundle has been interpreted then.
    """
    if not _is_plain_file(folder / "manifest.json"):
        inside = folder / "bundle"
        of_a_run = _is_plain_file(inside / "manifest.json")
        hint = f"did you mean {inside}?" if of_a_run else "run the train stage"
        raise InputError(f"{folder}: no complete bundle here; {hint}")
    try:
        manifest = read_json(folder / "manifest.json")
        found, hashes = manifest["format"], dict(manifest["sha256"])
        tokenizer = str(manifest["libraries"]["spacy"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise InputError(f"{folder}/manifest.json is not a bundle's manifest") from error
    if type(found) is not int or found < 1:
        raise InputError(f"{folder}/manifest.json is not a bundle's manifest")
    if found > FORMAT:
        raise InputError(f"{folder}: bundle format {found} is newer than {FORMAT}; update textlstm")
    if set(hashes) != set(FILES):
        raise InputError(f"{folder}/manifest.json names other files than those of a bundle")
    if _series(tokenizer) != _series(version("spacy")):
        raise InputError(
            f"{folder}: trained with the tokenizer of spaCy {tokenizer}, and this is "
            f"{version('spacy')}, which may split words otherwise; install that, or train again"
        )
    for name in FILES:
        path = folder / name
        if not _is_plain_file(path):
            raise InputError(f"{path}: missing from the bundle")
        if hashes[name] != sha256(path):
            raise InputError(f"{path}: differs from the manifest; the bundle is damaged")


def _is_plain_file(path: Path) -> bool:
    """Return whether it is a file in its own place, and no link to one elsewhere."""
    return path.is_file() and not path.is_symlink()


def _checked_labels(values: Any) -> tuple[str, ...]:
    texts = isinstance(values, list) and all(isinstance(one, str) for one in values)
    if not texts or len(set(values)) != len(values) or not all(map(is_unicode, values)):
        raise InputError("the labels of a bundle are distinct texts")
    if len(values) < 2:
        raise InputError("a bundle has two labels at least")
    require_short(values)
    return tuple(values)


def _checked_temperature(value: Any) -> float:
    low, high = TEMPERATURE_RANGE
    if type(value) not in (int, float) or not low <= value <= high:
        raise InputError(f"a temperature is a number from {low} to {high}")
    return float(value)


def _checked_summary(values: Any, encoding: WordEncoding) -> dict[str, Any]:
    summary = dict(values)
    for name in (UNKNOWN_WORDS, MEAN_PROBABILITY, UNCODABLE):
        summary[name] = float(summary[name])
        if not 0.0 <= summary[name] <= 1.0:
            raise InputError(f"{name} is a share, from 0 to 1")
    if type(summary[TEXT_FIELDS]) is not int or summary[TEXT_FIELDS] != encoding.n_fields:
        raise InputError(f"{TEXT_FIELDS} is the number of those of the vocabulary")
    return summary


def _read_network(
    path: Path, config: NetworkConfig, encoding: WordEncoding, n_classes: int
) -> Ensemble:
    """Return the network with the weights of a file.

    Raises
    ------
    InputError
        If the weights are others than the network's, before any are read; or not such as training
        makes.
    """
    # On the device "meta" tensors have a shape and take no memory.
    with torch.device("meta"), _Unset():
        network = Ensemble(config, encoding, n_classes)
    with safe_open(path, "pt") as file:
        parts = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        found = {name: (part.get_dtype(), *part.get_shape()) for name, part in parts.items()}
    if found != {name: ("F32", *weights.shape) for name, weights in network.state_dict().items()}:
        raise InputError("the weights are not those of the recipe's network")
    # Copies lie where torch puts them: what sums come to may depend on it.
    weights = {name: one.clone() for name, one in safetensors.torch.load_file(path).items()}
    network.load_state_dict(weights, assign=True)
    # Where one is no number, the comparison is false.
    if not all(bool((one.abs() <= MAX_WEIGHT).all()) for one in weights.values() if one.numel()):
        raise InputError("the weights are not such as training makes")
    if not 0.0 <= float(network.linear_share) <= 1.0:
        raise InputError("the share of the linear branch lies between 0 and 1")
    return network


class _Unset(TorchFunctionMode):
    """Within it, weights are not set at random: on "meta" that takes longer than all the rest."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        module = getattr(func, "__module__", None)
        at_random = func is torch.Tensor.normal_ or module == "torch.nn.init"
        return None if at_random else func(*args, **(kwargs or {}))


def _series(release: str) -> list[str]:
    """Return the part of a version within which a library's behaviour stays."""
    return release.split(".")[:2]


CARD = """# A textlstm classifier

Embedding + LSTM networks that give short medical texts one of {classes} classes, with
probabilities calibrated by a temperature of {temperature:.3f}. They read {length} tokens of a text
and know {words} words, each of at least {min_records} training records, rarer ones by hashes alone.

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
