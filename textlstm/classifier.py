"""TextLSTMClassifier: the pipeline as a scikit-learn classifier over raw texts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from textlstm.arguments import (
    OWN_PARAMETERS,
    in_parameters,
    require_fields,
    training_inputs,
    validate_abbreviations,
    validate_training,
)
from textlstm.array_types import Floats
from textlstm.data.inputs import covariate_columns
from textlstm.deciding import DecisionMixin
from textlstm.errors import InputError
from textlstm.examining import ExaminationMixin
from textlstm.fitting import train_bundle
from textlstm.given_records import text_columns
from textlstm.inference.bundle import Bundle
from textlstm.inference.bundle_files import TEXT_FIELDS
from textlstm.models.logits import resolve_device
from textlstm.recipe import Recipe, load_recipe
from textlstm.training.state import Epoch
from textlstm.uncertainty.predictions import Predictions


class TextLSTMClassifier(
    DecisionMixin,
    ExaminationMixin,
    ClassifierMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """An embedding + LSTM classifier of short texts.

    Parameters
    ----------
    recipe
        The name of a shipped recipe, the path of a TOML file, or a :class:`~textlstm.Recipe`.
    random_state
        Seed of the starting weights, the order of records, dropout and the validation part; a
        ``numpy.random.RandomState`` draws a seed, and None a new one in each fit.
    device
        ``auto`` (the GPU if there is one), ``cpu``, ``cuda`` or another device of torch.
    abbreviations
        Meanings of abbreviations, such as ``{"etoh": "alcohol"}``; an abbreviation is replaced
        unless it is in the vocabulary.
    numbers, categories
        Names of columns of the DataFrames of texts that hold numbers and categories, such as age
        and sex, which the model reads beside the text fields. Records without them are predicted
        from their texts.
    **fields
        Settings by name, such as ``epochs=3``, which take precedence over the recipe.

    Attributes
    ----------
    classes_
        (C,) the labels, sorted.
    n_fields_
        F, the number of text fields of a record.
    feature_names_in_
        Names of the columns of the DataFrame that :meth:`fit` was given; only if all are texts.
        Text fields of later DataFrames must have the same names.
    history_
        The training's :class:`~textlstm.training.state.Epoch` objects.
    bundle_
        The trained :class:`~textlstm.inference.bundle.Bundle`.

    Notes
    -----
    Each network of the ensemble has a validation fold of its own, a tenth of the records: it is not
    trained on them, and they are used for its calibration and, if the recipe asks for it, for early
    stopping.
    """

    history_: list[Epoch]
    feature_names_in_: NDArray[Any]

    def __init__(
        self,
        recipe: str | Path | Recipe = "default",
        *,
        random_state: int | np.random.RandomState | None = 0,
        device: str = "auto",
        abbreviations: Mapping[str, str] | None = None,
        numbers: Sequence[str] = (),
        categories: Sequence[str] = (),
        **fields: Any,
    ) -> None:
        require_fields(fields)
        self.recipe = recipe
        self.random_state = random_state
        self.device = device
        self.abbreviations = abbreviations
        self.numbers = numbers
        self.categories = categories
        self.fields = fields

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array = True
        return tags

    def get_params(self, deep: bool = True) -> dict[str, object]:
        """Return the parameters, including the settings that were passed."""
        return {name: getattr(self, name) for name in OWN_PARAMETERS} | self.fields

    def set_params(self, **params: Any) -> Self:
        """Set parameters; any setting of the recipe is one.

        Raises
        ------
        InputError
            If a parameter does not exist.
        """
        fields = {name: value for name, value in params.items() if name not in OWN_PARAMETERS}
        require_fields(fields)
        for name in params.keys() - fields:
            setattr(self, name, params[name])
        self.fields = {**self.fields, **fields}
        return self

    @in_parameters()
    def fit(self, texts: Any, labels: Any, sample_weight: Any = None) -> Self:
        """Train on raw texts. An error leaves the estimator unchanged.

        Parameters
        ----------
        texts
            A sequence of n strings, or a DataFrame or array (n, F) of F text fields in reading
            order; a DataFrame may have ``numbers`` and ``categories`` beside them. Records without
            a word are dropped.
        labels
            (n,) labels of any sortable type.
        sample_weight
            (n,) weights of the records, at least 0, or one number for all; by default all are 1.
            Only their proportions matter, and records of weight 0 are dropped.

        Raises
        ------
        InputError
            If the lengths differ, a label is missing, there are too few records or classes, an
            abbreviation or its meaning is invalid, or scikit-learn rejects the weights: they are
            not finite, negative, all 0, or not (n,).
        """
        recipe = load_recipe(self.recipe).with_fields(**self.fields)
        abbreviations = validate_abbreviations(self.abbreviations or {})
        device, seed = resolve_device(self.device), self._seed()
        columns = covariate_columns(self.numbers, self.categories)
        arguments = validate_training(texts, labels, sample_weight, columns)
        inputs, n_validation = training_inputs(arguments, recipe, abbreviations, seed)
        history: list[Epoch] = []
        bundle = train_bundle(
            recipe,
            inputs,
            seed=seed,
            device=device,
            on_epoch=history.append,
            summary={
                TEXT_FIELDS: arguments.n_fields,
                "training records": len(arguments.records) - n_validation,
                "validation records": n_validation,
            },
        )
        # Set together at the end: until then the estimator predicts as it did before.
        self.bundle_, self.classes_ = bundle, arguments.classes
        self.n_fields_, self.history_ = arguments.n_fields, history
        self.__dict__.pop("feature_names_in_", None)
        if text_columns(texts, [*self.numbers, *self.categories]):
            self.feature_names_in_ = texts.columns.to_numpy(dtype=object)
        return self

    @in_parameters()
    def predict_proba(self, texts: Any) -> Floats:
        """Return the probabilities (n, C), columns in the order of ``classes_``.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before :meth:`fit` or :meth:`load`.
        InputError
            If the texts have other fields than those of the training.
        """
        inputs = self._given(texts, allow_none=True).inputs
        probabilities = self.bundle_.predict_proba(inputs.values, resolve_device(self.device))
        return np.asarray(probabilities[inputs.inverse])

    def predict(self, texts: Any) -> NDArray[Any]:
        """Return the most probable label of each text (n,)."""
        predictions = Predictions.of(self.predict_proba(texts))  # first: it needs no classes_
        labels: NDArray[Any] = self.classes_[predictions.predicted]
        return labels

    def save(self, folder: str | Path) -> None:
        """Save the bundle to a folder."""
        check_is_fitted(self, "bundle_")
        self.bundle_.save(Path(folder))

    @classmethod
    def load(cls, folder: str | Path, device: str = "auto") -> Self:
        """Load a classifier from the folder of a bundle; its labels are strings.

        Raises
        ------
        InputError
            If the folder does not hold a complete bundle.
        """
        bundle = Bundle.load(Path(folder))
        if bundle.tree is not None:
            raise InputError("the estimator takes no model with a code book; predict does")
        abbreviations = bundle.vocabulary.abbreviations.meanings
        # Its parameters are the settings that differ from the default recipe, as repr shows them.
        default = load_recipe("default").items()
        changed = dict(setting for setting in bundle.recipe.items() if setting not in default)
        covariates = bundle.vocabulary.covariates
        classifier = cls(
            device=device,
            abbreviations=abbreviations or None,
            numbers=tuple(covariates.knots),
            categories=tuple(covariates.categories),
            **changed,
        )
        classifier.bundle_ = bundle
        classifier.classes_ = np.array(bundle.labels)
        classifier.n_fields_ = bundle.summary[TEXT_FIELDS]
        return classifier
