"""Files of a bundle: their manifest, and checks of all that is read from them."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast

import safetensors.torch
import torch
from safetensors import safe_open
from torch.overrides import TorchFunctionMode

from textlstm.data.labels import require_short
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.models.ensemble import Ensemble
from textlstm.network_config import NetworkConfig
from textlstm.storage.atomic import sha256
from textlstm.storage.json_files import is_unicode, read_json
from textlstm.summaries import TrainingSummary
from textlstm.uncertainty.calibration import TEMPERATURE_RANGE

FORMAT = 2
"""Version of the bundle's layout. Format 1 had other names of settings and weights."""

FILES = (
    "model.safetensors",
    "vocab.json",
    "labels.json",
    "config.json",
    "calibration.json",
    "README.md",
)
"""What the manifest vouches for."""

UNKNOWN_WORDS: Final = "share of unknown words"
MEAN_PROBABILITY: Final = "mean probability"
"""What the summary says of records like those trained on: new ones can be held against it."""

TEXT_FIELDS: Final = "text fields"
"""What the summary calls the number of text fields of a record."""

PLAIN = re.compile(r"\w([\w ,.%-]*\w)?")
"""What has no meaning in Markdown but itself."""

MAX_WEIGHT = 1e9
"""No trained weight is larger; of weights up to this one, no sum of a prediction is infinite."""

UNCODABLE: Final = "share of records whose class the model cannot give"
"""What the summary says of rare classes: those of the table that were dropped or merged."""


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
    if found < FORMAT:
        raise InputError(
            f"{folder}: bundle format {found} is older than {FORMAT}; train the model again with "
            "this textlstm"
        )
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


def checked_labels(values: Any) -> tuple[str, ...]:
    """Return the labels; raise an :class:`InputError` unless they are distinct texts."""
    texts = isinstance(values, list) and all(isinstance(one, str) for one in values)
    if not texts or len(set(values)) != len(values) or not all(map(is_unicode, values)):
        raise InputError("the labels of a bundle are distinct texts")
    if len(values) < 2:
        raise InputError("a bundle has two labels at least")
    require_short(values)
    return tuple(values)


def checked_temperature(value: Any) -> float:
    """Return the temperature of a bundle; raise an :class:`InputError` if it is out of range."""
    low, high = TEMPERATURE_RANGE
    if type(value) not in (int, float) or not low <= value <= high:
        raise InputError(f"a temperature is a number from {low} to {high}")
    return float(value)


def checked_summary(values: Any, vocabulary: Vocabulary) -> TrainingSummary:
    """Return the summary of a bundle; raise an :class:`InputError` if a share or count is wrong."""
    shares = {name: float(values[name]) for name in (UNKNOWN_WORDS, MEAN_PROBABILITY, UNCODABLE)}
    for name, share in shares.items():
        if not 0.0 <= share <= 1.0:
            raise InputError(f"{name} is a share, from 0 to 1")
    if type(values[TEXT_FIELDS]) is not int or values[TEXT_FIELDS] != vocabulary.n_fields:
        raise InputError(f"{TEXT_FIELDS} is the number of those of the vocabulary")
    return cast(TrainingSummary, {**values, **shares})


def read_network(
    path: Path, config: NetworkConfig, vocabulary: Vocabulary, n_classes: int
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
        network = Ensemble(config, vocabulary, n_classes)
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
    if not 0.0 <= float(network.linear_weight) <= 1.0:
        raise InputError("the share of the linear branch lies between 0 and 1")
    return network


class _Unset(TorchFunctionMode):
    """Within it, weights are not set at random: on "meta" that takes longer than all the rest."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func is not torch.Tensor.normal_ and getattr(func, "__module__", "") != "torch.nn.init":
            return func(*args, **given)
        # The tensor is returned, as it is: some releases of torch go on to compute with it.
        return args[0] if args else given["tensor"]


def _series(release: str) -> list[str]:
    """Return the part of a version within which a library's behaviour stays."""
    return release.split(".")[:2]
