"""TextLSTMClassifier: the pipeline as a scikit-learn classifier over raw texts."""

from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from textlstm.bundle import Bundle, examples, train_bundle
from textlstm.config import DataConfig, Recipe, load_recipe
from textlstm.encoding import WordEncoding
from textlstm.errors import InputError
from textlstm.records import as_records, as_text, divide
from textlstm.text import preprocess
from textlstm.training import Epoch, resolve_device


class TextLSTMClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """An embedding + LSTM classifier of short texts.

    Parameters
    ----------
    recipe
        The name of a shipped recipe, the path of a TOML file, or a :class:`~textlstm.Recipe`.
    random_state
        Seed of the weights, the order of records, dropout and the validation part.
    device
        ``auto``, ``cpu``, ``cuda`` or another device of torch.
    **fields
        Any field of the recipe by its name, such as ``epochs=3``; it wins over the recipe.

    Attributes
    ----------
    classes_
        (C,) the labels, sorted.
    history_
        The training's :class:`~textlstm.training.Epoch` objects.
    bundle_
        The trained :class:`~textlstm.bundle.Bundle`.

    Notes
    -----
    A tenth of the records given to :meth:`fit` is kept for early stopping and calibration.
    """

    classes_: NDArray[Any]
    history_: list[Epoch]
    bundle_: Bundle

    def __init__(
        self,
        recipe: str | Path | Recipe = "default",
        *,
        random_state: int = 0,
        device: str = "auto",
        **fields: Any,
    ) -> None:
        self.recipe = recipe
        self.random_state = random_state
        self.device = device
        self.fields = fields

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters, those of the recipe's fields that were given included."""
        names = ("recipe", "random_state", "device")
        return {name: getattr(self, name) for name in names} | self.fields

    def set_params(self, **params: Any) -> Self:
        """Set parameters, any field of the recipe among them.

        Raises
        ------
        InputError
            If there is no such parameter.
        """
        for name, value in params.items():
            if name in ("recipe", "random_state", "device"):
                setattr(self, name, value)
            elif name in Recipe.names():
                self.fields = {**self.fields, name: value}
            else:
                raise InputError(f"TextLSTMClassifier has no parameter {name!r}")
        return self

    def fit(self, texts: Any, labels: Any, sample_weight: Any = None) -> Self:
        """Train on raw texts.

        Parameters
        ----------
        texts
            A sequence of n strings, or a DataFrame or array (n, F) of F text fields in reading
            order. Texts without a word are left out.
        labels
            (n,) labels of any sortable type.
        sample_weight
            (n,) weights of the records, at least 0; by default all are 1.

        Raises
        ------
        InputError
            If the lengths differ, a weight is negative, or there are too few records or classes.
        """
        recipe = load_recipe(self.recipe).with_fields(**self.fields)
        device = resolve_device(self.device)
        classes, codes = np.unique(np.asarray(labels), return_inverse=True)
        records = self._records(texts, codes, sample_weight)
        if len(set(records["label"])) < 2:
            raise InputError("texts with words of at least two classes are needed")
        train, validation = divide(
            records, DataConfig().validation, "stratified", self.random_state
        )
        encoding = WordEncoding.fit(train["text"].tolist(), recipe.encoding)
        self.history_ = []
        parts = [
            examples(
                encoding.encode(part["text"].tolist()),
                part["label"].to_numpy(),
                encoding,
                part["weight"].to_numpy(),
            )
            for part in (train, validation)
        ]
        self.bundle_ = train_bundle(
            recipe,
            encoding,
            tuple(as_text(label) for label in classes.tolist()),
            *parts,
            seed=self.random_state,
            device=device,
            on_epoch=self.history_.append,
            summary={"training records": len(train), "validation records": len(validation)},
        )
        self.classes_ = classes
        return self

    @staticmethod
    def _records(texts: Any, codes: NDArray[np.int64], sample_weight: Any) -> pd.DataFrame:
        """Return the records with words: text, label (class number), weight."""
        cleaned = preprocess(as_records(texts))
        weights = np.ones(len(codes)) if sample_weight is None else np.asarray(sample_weight)
        if not len(cleaned) == len(codes) == len(weights):
            raise InputError(
                f"{len(cleaned)} texts, {len(codes)} labels and {len(weights)} weights do not match"
            )
        if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
            raise InputError("sample_weight must be finite, at least 0, and not 0 throughout")
        frame = pd.DataFrame({"text": cleaned, "label": codes, "weight": weights.astype(float)})
        return frame[frame["text"] != ""]

    def predict_proba(self, texts: Any) -> NDArray[np.float64]:
        """Return the probabilities (n, C), columns in the order of ``classes_``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit` or :meth:`load`.
        """
        check_is_fitted(self, "bundle_")
        return self.bundle_.predict_proba(
            preprocess(as_records(texts)), resolve_device(self.device)
        )

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
        classifier = cls(bundle.recipe, device=device)
        classifier.bundle_ = bundle
        classifier.classes_ = np.array(bundle.labels)
        return classifier
