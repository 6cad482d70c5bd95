"""Recipes: the settings of a model and of its training, read from TOML files."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, Self

from textlstm.errors import InputError, missing, near, quoted
from textlstm.settings import Settings, setting

MAX_LENGTH = 4096
"""Tokens of a text, at most: of each distinct text as many are kept in memory."""


@dataclass(frozen=True)
class EncodingConfig(Settings):
    """From words to ids."""

    max_length: int = setting(
        0,
        "tokens a text is padded or cut to (0: the 99th percentile of the training texts)",
        low=0,
        high=MAX_LENGTH,
    )
    padding: str = setting(
        "right",
        "side that is padded; left-padded texts are read whole, padding included, as MATLAB does, "
        "right-padded ones only to their last word",
        choices=("left", "right"),
    )
    min_count: int = setting(
        5,
        "training records a word needs to enter the vocabulary; rarer ones are known by their hash "
        "alone, and by n-grams of that many records",
        low=1,
    )
    initials: bool = setting(
        False,
        "read a short word outside the vocabulary as the phrase of the training texts that it can "
        "only be short for, letter by letter: a phrase of at least ten records",
    )
    max_ngrams: int = setting(
        0, "character n-grams kept, the most frequent ones (0: whole words only)", low=0
    )


@dataclass(frozen=True)
class NetworkConfig(Settings):
    """The network."""

    ensemble_size: int = setting(
        1, "networks trained alike from other seeds, whose log probabilities are averaged",
        low=1, high=1000,
    )  # fmt: skip
    embedding_size: int = setting(64, "dimensions of the word embedding", low=1, high=100_000)
    cell: str = setting(
        "lstm",
        "recurrent cell: long short-term memory (Hochreiter and Schmidhuber 1997)",
        choices=("lstm",),
    )
    hidden_units: int = setting(64, "hidden units of the LSTM, per direction", low=1, high=100_000)
    bidirectional: bool = setting(True, "read the text in both directions")
    pooling: str = setting(
        "max_mean",
        "what is classified: the LSTM's last step, or the maximum and mean over all steps",
        choices=("last", "max_mean"),
    )
    embedding_init: str = setting(
        "narrow-normal",
        "how embeddings start: near zero, or by latent semantic analysis of the training texts",
        choices=("narrow-normal", "lsa"),
    )
    word_dropout: float = setting(
        0.0, "share of words read as unknown words in training", low=0.0, high=0.95
    )
    rare_word_dropout: float = setting(
        0.0, "with the value k, a word that occurs n times is read as unknown k / (k + n) more "
        "often", low=0.0,
    )  # fmt: skip
    embedding_dropout: float = setting(
        0.0, "share of embedding dimensions dropped throughout a text", low=0.0, high=0.95
    )
    dropout: float = setting(0.0, "share of the pooled features dropped", low=0.0, high=0.95)
    linear_c: float = setting(
        0.0,
        "strength of a linear branch beside the networks, a logistic regression on TF-IDF of words "
        "and character n-grams: its C, the inverse of the penalty (0: no such branch)",
        low=0.0,
    )


@dataclass(frozen=True)
class TrainingConfig(Settings):
    """The optimisation."""

    epochs: int = setting(6, "passes over the training records", low=1)
    batch_size: int = setting(64, "records per step, at most", low=1)
    min_steps: int = setting(
        0, "steps per epoch, at least: fewer records are taken in smaller batches", low=0
    )
    drop_last: bool = setting(False, "leave out an epoch's last, incomplete batch, as MATLAB does")
    optimizer: str = setting(
        "adamw", "Adam with L2 in the gradient, or decoupled from it", choices=("adam", "adamw")
    )
    learning_rate: float = setting(1e-3, "step size of Adam, at its highest", low=0.0)
    schedule: str = setting(
        "constant", "course of the learning rate", choices=("constant", "one_cycle")
    )
    weight_decay: float = setting(0.0, "decay of weight matrices per step; biases are free", low=0)
    max_grad_norm: float = setting(0.0, "largest L2 norm of a gradient (0: not clipped)", low=0.0)
    clip_scope: str = setting(
        "global",
        "what the norm is taken of: each parameter by itself, as MATLAB does, or all together",
        choices=("global", "parameter"),
    )
    label_smoothing: float = setting(0.0, "share of the target spread over all classes",
                                     low=0.0, high=0.5)  # fmt: skip
    class_weight: str = setting(
        "none",
        "what a record weighs in training: all alike, or in inverse proportion to its class",
        choices=("none", "balanced"),
    )
    logit_adjustment: float = setting(
        0.0, "share of the logarithm of its frequency that a class's log probability loses: rare "
        "classes are named more often", low=0.0, high=1.0,
    )  # fmt: skip
    patience: int = setting(
        0, "epochs without a lower validation loss before stopping (0: never)", low=0
    )
    restore_best: bool = setting(
        True, "keep the weights of the epoch with the lowest validation loss"
    )


def section_settings(section: Any) -> type[Settings]:
    """Return the class of a recipe's section."""
    kind: type[Settings] = section.type
    return kind


@dataclass(frozen=True)
class Recipe:
    """A model and how it is trained, apart from any data."""

    encoding: EncodingConfig = field(default_factory=EncodingConfig)
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of all fields of all sections; no two sections share one."""
        return [item.name for section in fields(cls) for item in fields(section_settings(section))]

    @classmethod
    def from_dict(cls, sections: Mapping[str, Any]) -> Self:
        """Build from ``{section: {field: value}}``.

        Raises
        ------
        InputError
            If a section or field is unknown or a value is out of range.
        """
        known = {section.name: section_settings(section) for section in fields(cls)}
        for name, values in sections.items():
            if name not in known:
                raise InputError(f"a recipe has {missing('section', name, known)}")
            if not isinstance(values, Mapping):
                raise InputError(f"[{name}] of a recipe must be a section, not {quoted(values)}")
            if unknown := sorted(set(values) - set(known[name].names())):
                raise InputError(
                    f"section [{name}] of a recipe has "
                    f"{missing('field', unknown[0], known[name].names())}"
                )
        built: dict[str, Any] = {name: known[name](**values) for name, values in sections.items()}
        return cls(**built)

    def with_fields(self, **values: Any) -> Self:
        """Return a copy with some fields, of any section, replaced.

        >>> Recipe().with_fields(epochs=3, hidden_units=32).network.hidden_units
        32
        """
        if unknown := sorted(set(values) - set(self.names())):
            raise InputError(f"a recipe has {missing('field', unknown[0], self.names())}")
        for item in fields(self):
            section = getattr(self, item.name)
            mine = {name: value for name, value in values.items() if name in section.names()}
            self = replace(self, **{item.name: replace(section, **mine)})
        return self

    def items(self) -> list[tuple[str, Any]]:
        """Return the name and the value of each field of all sections.

        >>> dict(Recipe().with_fields(epochs=3).items())["epochs"]
        3
        """
        sections = (getattr(self, section.name) for section in fields(self))
        return [(name, getattr(one, name)) for one in sections for name in one.names()]

    def to_dict(self) -> dict[str, Any]:
        """Return ``{section: {field: value}}``, fit for TOML or JSON."""
        return asdict(self)


def shipped_recipes() -> list[str]:
    """Return the names of the recipes in the package."""
    folder = resources.files("textlstm") / "recipes"
    return sorted(item.name[:-5] for item in folder.iterdir() if item.name.endswith(".toml"))


def as_fields(message: str) -> str:
    """Return a message about flags in the words of who gives no flags: by the names of fields.

    >>> as_fields("--learning-rate must be at least 0.0, not -1.0")
    'learning_rate must be at least 0.0, not -1.0'
    """
    return re.sub(r"--([a-z]+(-[a-z]+)*)", lambda flag: flag[1].replace("-", "_"), message)


def load_recipe(source: str | Path | Recipe) -> Recipe:
    """Return the recipe of that name, or of that TOML file.

    Raises
    ------
    InputError
        If there is no such recipe, or the file is not one.

    >>> load_recipe("okut-table2").network.hidden_units
    200
    """
    if isinstance(source, Recipe):
        return source
    if str(source) in shipped_recipes():
        text = (resources.files("textlstm") / "recipes" / f"{source}.toml").read_text("utf-8")
    else:
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            meant = near(str(source), shipped_recipes()) or "."
            raise InputError(
                f"no recipe {str(source)!r}{meant} Give one of "
                f"{', '.join(shipped_recipes())}, or a readable .toml file"
            ) from error
    try:
        return Recipe.from_dict(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, InputError) as error:
        raise InputError(f"recipe {str(source)!r}: {as_fields(str(error))}") from error
