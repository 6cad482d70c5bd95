"""Decision rules: which predictions are accepted, and which records a person reviews (abstention).

A request is what the user asks for, such as an error of 2 % at most; a rule is the thresholds that
follow from it for one bundle. Neither needs torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

from textlstm.config import MIN_PROBABILITY
from textlstm.errors import InputError, listed, quoted

if TYPE_CHECKING:
    import pyarrow as pa

    from textlstm.uncertainty.out_of_fold import OutOfFold

ACCEPT, REVIEW = "accept", "review"
"""Values of the column ``decision``."""

ADDED_COLUMNS = ("predicted_label", "probability", "second_label", "decision")
"""Columns added to a table; ``second_label`` is empty where a model knows a single label."""

LEVEL_COLUMN = "predicted_level"
"""Column added where the labels are codes of a book: the level of the code, 1 being the top."""

SET_COLUMN = "prediction_set"
"""Column added to a table where prediction sets are asked for."""


@dataclass(frozen=True)
class DecisionRule:
    """Thresholds that turn probabilities into decisions and prediction sets.

    Attributes
    ----------
    min_probability
        A less probable label is for review.
    set_probability
        A label at least as probable belongs to the prediction set; None gives no sets.
    levels
        Whether the labels are codes of a book, whose levels are told.
    backs_off
        Whether a record gets the deepest code that is probable enough.
    """

    min_probability: float = MIN_PROBABILITY
    set_probability: float | None = None
    levels: bool = False
    backs_off: bool = False

    def stricter(self, other: Self) -> Self:
        """Return the rule that accepts what both accept, and whose sets hold those of both."""
        sets = [one for one in (self.set_probability, other.set_probability) if one is not None]
        lowest = max(self.min_probability, other.min_probability)
        return replace(self, min_probability=lowest, set_probability=min(sets) if sets else None)

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that the rule adds to a table."""
        sets = () if self.set_probability is None else (SET_COLUMN,)
        return (*ADDED_COLUMNS, *((LEVEL_COLUMN,) if self.levels else ()), *sets)


class DecisionRequest(NamedTuple):
    """What a user asks of the decisions; None stands for a flag that was not given.

    At most one of ``min_probability`` and ``max_error`` is given. ``levels`` says whether the
    labels are codes of a book.
    """

    min_probability: float | None = None
    max_error: float | None = None
    coverage: float | None = None
    levels: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that will be added to a table."""
        sets = () if self.coverage is None else (SET_COLUMN,)
        return (*ADDED_COLUMNS, *((LEVEL_COLUMN,) if self.levels else ()), *sets)

    @property
    def backs_off(self) -> bool:
        """Tell whether records get the deepest code of a book whose promise holds."""
        return self.levels and self.max_error is not None

    def require_shares(self) -> None:
        """Raise an :class:`InputError` if a value lies outside its range."""
        if self.levels and self.coverage is not None:
            raise InputError("--coverage gives no prediction sets where there is a code book")
        lowest = self.min_probability
        if lowest is not None and not 0.0 <= lowest <= 1.0:
            raise InputError(
                f"--min-probability must lie between 0 and 1, not {lowest:g}"
                f"{_percentage_hint(lowest)}"
            )
        for flag, share in (("--max-error", self.max_error), ("--coverage", self.coverage)):
            if share is not None and not 0.0 < share < 1.0:
                raise InputError(
                    f"{flag} must lie between 0 and 1, such as 0.02 or 0.95, not {share:g}"
                    f"{_percentage_hint(share)}"
                )

    def rule(self, out_of_fold: "OutOfFold", log: Callable[[str], object] = str) -> DecisionRule:
        """Choose the thresholds by a model's out-of-fold predictions.

        Parameters
        ----------
        log
            Receives the promise in words, and the reason where every prediction set is full.
        """
        from textlstm.uncertainty.conformal import conformal_threshold, why_sets_are_full
        from textlstm.uncertainty.risk_control import promise

        lowest = MIN_PROBABILITY if self.min_probability is None else self.min_probability
        if self.max_error is not None:
            promised = promise(out_of_fold, self.max_error)
            log(promised.sentence())
            lowest = promised.threshold
        if self.coverage is None:
            return DecisionRule(lowest, levels=self.levels, backs_off=self.backs_off)
        if reason := why_sets_are_full(out_of_fold, self.coverage):
            log(reason)
        return DecisionRule(lowest, conformal_threshold(out_of_fold, self.coverage))

    def rule_without(
        self,
        absent: Sequence[str],
        out_of_fold: "OutOfFold",
        text_alone: "OutOfFold | None",
        log: Callable[[str], object] = str,
    ) -> DecisionRule:
        """Choose the thresholds for records that lack some covariates of the model.

        They hold for predictions from the texts alone, and for those with all covariates.

        Parameters
        ----------
        absent
            Names of the columns of covariates that no record has; empty if all are there.
        out_of_fold, text_alone
            The model's out-of-fold predictions with and without covariates, as a bundle has them.
        log
            Receives what :meth:`rule` says, and what the records lack.
        """
        if not absent or text_alone is None:
            return self.rule(out_of_fold, log)
        log(
            f"the table lacks {listed(absent)}, which the model reads beside the text: coded "
            "without, and what is promised holds for that"
        )
        return self.rule(text_alone, log).stricter(self.rule(out_of_fold))


def require_free_columns(table: "pa.Table", added: Sequence[str]) -> None:
    """Raise an :class:`InputError` if the table already has one of the columns to be added."""
    for name in added:
        if name in table.column_names:
            raise InputError(f"the table has a column {quoted(name)} already; rename it first")


def _percentage_hint(number: float) -> str:
    """Return how to write a number that was probably meant in percent; otherwise nothing."""
    is_percentage = 1 < number < 100
    return f"; for {number:g} % write {number / 100:g} or {number:g}%" if is_percentage else ""
