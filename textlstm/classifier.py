"""TextLSTMClassifier: the pipeline as a scikit-learn classifier over raw texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from textlstm.arguments import (
    OWN_PARAMETERS,
    given_fields,
    in_parameters,
    require_fields,
    text_fields,
)
from textlstm.config import DataConfig
from textlstm.data.cells import as_records, as_text
from textlstm.data.distinct import Distinct
from textlstm.data.labels import require_short
from textlstm.data.splits import split_off
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError, counted
from textlstm.fitting import train_bundle
from textlstm.inference.bundle import Bundle
from textlstm.inference.bundle_files import TEXT_FIELDS
from textlstm.models.logits import resolve_device
from textlstm.recipe import Recipe, load_recipe
from textlstm.text.tokenizing import preprocess
from textlstm.training.folds import as_examples
from textlstm.training.state import Epoch


class TextLSTMClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An embedding + LSTM classifier of short texts.

    Parameters
    ----------
    recipe
        The name of a shipped recipe, the path of a TOML file, or a :class:`~textlstm.Recipe`.
    random_state
        Seed of the weights, the order of records, dropout and the validation part; also a
        ``numpy.random.RandomState``, or None for another one each time.
    device
        ``auto``, ``cpu``, ``cuda`` or another device of torch.
    abbreviations
        What words that are not in the vocabulary stand for, such as ``{"etoh": "alcohol"}``.
    **fields
        Any field of the recipe by its name, such as ``epochs=3``; it wins over the recipe.

    Attributes
    ----------
    classes_
        (C,) the labels, sorted.
    n_fields_
        F, the number of text fields of a record.
    history_
        The training's :class:`~textlstm.training.state.Epoch` objects.
    bundle_
        The trained :class:`~textlstm.inference.bundle.Bundle`.

    Notes
    -----
    Each network leaves a tenth of the records given to :meth:`fit` out of its training, the next
    one another tenth: they are what it is calibrated on, and stopped by where the recipe says so.
    """

    classes_: NDArray[Any]
    n_fields_: int
    history_: list[Epoch]
    bundle_: Bundle

    def __init__(
        self,
        recipe: str | Path | Recipe = "default",
        *,
        random_state: int | np.random.RandomState | None = 0,
        device: str = "auto",
        abbreviations: Mapping[str, str] | None = None,
        **fields: Any,
    ) -> None:
        require_fields(fields)
        self.recipe = recipe
        self.random_state = random_state
        self.device = device
        self.abbreviations = abbreviations
        self.fields = fields

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        return tags

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, those of the recipe's fields that were given included."""
        return {name: getattr(self, name) for name in OWN_PARAMETERS} | self.fields

    def set_params(self, **params: Any) -> Self:
        """Set parameters, any field of the recipe among them.

        Raises
        ------
        InputError
            If there is no such parameter.
        """
        fields = {name: value for name, value in params.items() if name not in OWN_PARAMETERS}
        require_fields(fields)
        for name in params.keys() - fields:
            setattr(self, name, params[name])
        self.fields = {**self.fields, **fields}
        return self

    @in_parameters()
    def fit(self, texts: Any, labels: Any, sample_weight: Any = None) -> Self:
        """Train on raw texts. If they are refused, the estimator stays as it was.

        Parameters
        ----------
        texts
            A sequence of n strings, or a DataFrame or array (n, F) of F text fields in reading
            order. Texts without a word are left out.
        labels
            (n,) labels of any sortable type.
        sample_weight
            (n,) weights of the records, at least 0, or one for all; by default all are 1. Only
            their proportions count.

        Raises
        ------
        InputError
            If the lengths differ, a label is missing, there are too few records or classes, an
            abbreviation or its meaning is none, or scikit-learn refuses the weights: they are not
            finite, negative, all 0, or not (n,).
        """
        recipe = load_recipe(self.recipe).with_fields(**self.fields)
        given = given_fields(self.abbreviations or {})
        device, seed = resolve_device(self.device), self._seed()
        records, classes, n_fields = text_fields(texts, labels, sample_weight)
        names = tuple(as_text(label) for label in classes.tolist())
        require_short(names)
        if len(classes) < 2:
            raise InputError("texts with words of at least two classes are needed")
        train, validation = split_off(records, DataConfig().validation, "stratified", seed)
        learned = Distinct[str].of(train["text"])
        vocabulary = Vocabulary.fit(learned.values, recipe.encoding, learned.counts, given)
        history: list[Epoch] = []
        examples = as_examples(
            vocabulary.encode(Distinct[str].of(records["text"])),
            records["label"].to_numpy(),
            vocabulary,
            records.index.isin(validation.index),
            records["weight"].to_numpy(),
        )
        bundle = train_bundle(
            recipe,
            vocabulary,
            names,
            examples,
            seed=seed,
            device=device,
            on_epoch=history.append,
            summary={
                TEXT_FIELDS: n_fields,
                "training records": len(train),
                "validation records": len(validation),
            },
        )
        # All at once, at the end: until then it predicts as it did before.
        self.bundle_, self.classes_, self.n_fields_ = bundle, classes, n_fields
        self.history_ = history
        return self

    def _seed(self) -> int:
        """Return the seed that ``random_state`` stands for."""
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    @in_parameters()
    def predict_proba(self, texts: Any) -> NDArray[np.float64]:
        """Return the probabilities (n, C), columns in the order of ``classes_``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit` or :meth:`load`.
        """
        check_is_fitted(self, "bundle_")
        records = Distinct.of(as_records(texts))
        if records and (n_fields := len(records.values[0])) != self.n_fields_:
            raise InputError(
                f"texts of {counted(n_fields, 'field')} are given; the model reads {self.n_fields_}"
            )
        device = resolve_device(self.device)
        probabilities = self.bundle_.predict_proba(preprocess(records.values), device)
        return np.asarray(probabilities[records.inverse])

    def predict(self, texts: Any) -> NDArray[Any]:
        """Return the most probable label of each text (n,)."""
        # Asked first: an unfitted estimator has no classes_ yet.
        best = self.predict_proba(texts).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def save(self, folder: str | Path) -> None:
        """Write the bundle to a folder."""
        check_is_fitted(self, "bundle_")
        self.bundle_.save(Path(folder))

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> Self:
        """Return the classifier of a bundle; its labels are text.

        Raises
        ------
        InputError
            If the folder holds no whole bundle.
        """
        bundle = Bundle.load(Path(folder))
        given = bundle.vocabulary.abbreviations.meanings
        # Its parameters, and what it prints of itself, are those that differ from the default ones.
        usual = load_recipe("default")
        changed = dict(setting for setting in bundle.recipe.items() if setting not in usual.items())
        classifier = cls(device=device, abbreviations=given or None, **changed)
        classifier.bundle_ = bundle
        classifier.classes_ = np.array(bundle.labels)
        classifier.n_fields_ = bundle.summary[TEXT_FIELDS]
        return classifier
