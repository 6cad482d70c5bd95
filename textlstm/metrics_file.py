"""The schema of ``metrics.json``, which sections of the report read and a type checker knows.

The dataclasses of :mod:`textlstm.evaluation.results` give it; they tell the meaning of each entry.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Compared = Literal["accuracy", "macro_f1", "log_loss"]
"""Measures by which models are compared."""

CURVE_COLUMNS: tuple[Literal["share", "error", "low", "high"], ...] = (
    "share", "error", "low", "high",
)  # fmt: skip
"""Entries of a :class:`CurveJson`, in their order."""


class IntervalJson(TypedDict):
    """The ends of a 95 % confidence interval."""

    low: float
    high: float


class EstimateJson(IntervalJson):
    """An estimate with its interval."""

    estimate: float


class ProportionJson(IntervalJson):
    """A share of records with its interval; the share of no records is None."""

    share: float | None
    records: int


class MeasuresJson(TypedDict):
    """Measures of a model."""

    accuracy: float
    macro_f1: float
    weighted_f1: float
    log_loss: float
    ece: float
    brier: float
    auroc: float | None
    auprc: float | None
    accuracy_unseen_text: float | None


class DifferencesJson(TypedDict):
    """Differences of the model and a baseline."""

    accuracy: EstimateJson
    macro_f1: EstimateJson
    log_loss: EstimateJson


class CodingJson(TypedDict):
    """The share of some records that is coded automatically, and the error of it."""

    coded: ProportionJson
    error: ProportionJson


class PromiseJson(CodingJson):
    """A promise, and what became of it."""

    max_error: float
    promised_share: float
    threshold: float | None
    sentence: str
    kept: str
    per_class: dict[str, CodingJson]


class SetsJson(TypedDict):
    """Prediction sets of a coverage."""

    coverage: float
    labels: float
    single: ProportionJson
    covered: ProportionJson
    outcome: str
    every_label: str
    covered_unseen_text: ProportionJson
    per_class: dict[str, ProportionJson]


class CurveJson(TypedDict):
    """A risk-coverage curve."""

    share: list[float]
    error: list[float]
    low: list[float]
    high: list[float]


class DecisionsJson(TypedDict):
    """Promises, curves and prediction sets."""

    held_out: int
    held_out_effective: float
    promises: list[PromiseJson]
    workload: CurveJson
    workload_per_class: dict[str, CurveJson]
    sets: list[SetsJson]


class CalibrationJson(TypedDict):
    """The temperature, and log loss and ECE before and after it."""

    temperature: float
    before: dict[str, float]
    after: dict[str, float]


class GroupJson(CodingJson):
    """Measures of a group of records."""

    records: int
    accuracy: ProportionJson
    log_loss: EstimateJson


class UncodableJson(TypedDict):
    """Records whose class the model cannot give; a share that would tell their number is None."""

    records: int
    share: float | None


class DataJson(TypedDict):
    """Facts about the records."""

    rows: int
    train: int
    validation: int
    holdout: int
    distinct_texts: int
    dropped: dict[str, int]
    truncated_share: float
    unknown_token_share: float
    length: int
    handled: dict[str, int]
    uncodable: UncodableJson


class AllRecordsJson(TypedDict):
    """Accuracy on all records."""

    accuracy: ProportionJson


class ConfusionJson(TypedDict):
    """The confusion matrix, rows true."""

    labels: list[str]
    counts: list[list[int]]


class FaithfulnessJson(TypedDict):
    """The deletion test: mean probabilities without 0, 1 ... words, and what they say."""

    records: int
    highest: list[float]
    random: list[float]
    difference: EstimateJson
    sentence: NotRequired[str]


class HiddenUnitsJson(TypedDict):
    """Hidden units in use, by network and direction, and a sentence."""

    size: int
    unused: list[list[int]]
    size_to_try: int
    sentence: str


class BesideHoldoutJson(TypedDict):
    """Accuracy on new records beside that on the holdout of the run, and a sentence."""

    accuracy: ProportionJson
    holdout: ProportionJson | None
    difference: EstimateJson | None
    sentence: str


class DriftJson(TypedDict):
    """Statistics of new records and of the training records, and differences in words."""

    unknown_words: float
    unknown_words_in_training: float
    mean_probability: float
    mean_probability_in_training: float
    abbreviated: int
    warnings: list[str]


class LevelJson(TypedDict):
    """Measures of a level of a code book."""

    accuracy: float
    macro_f1: float
    coded: float
    error: float | None


class SectionsJson(TypedDict, total=False):
    """Entries that some files lack: what sections measure, and what needs a linear baseline."""

    faithfulness: FaithfulnessJson | None
    deciding_words: dict[str, list[tuple[str, float]]]
    robustness: dict[str, dict[str, float]]
    hidden_units: HiddenUnitsJson
    doubtful_labels: dict[str, int]
    difference: DifferencesJson
    model_intervals: dict[str, IntervalJson]
    beside_holdout: BesideHoldoutJson
    drift: DriftJson
    levels: dict[str, LevelJson]


class MetricsJson(SectionsJson):
    """``metrics.json`` without the timing."""

    model: MeasuresJson
    baselines: dict[str, MeasuresJson]
    differences: dict[str, DifferencesJson]
    learned: bool
    all_records: AllRecordsJson
    never_predicted: list[str]
    per_class: dict[str, dict[str, float]]
    per_class_intervals: dict[str, dict[str, IntervalJson]]
    confusion: ConfusionJson
    calibration: CalibrationJson
    decisions: DecisionsJson
    subgroups: dict[str, dict[str, GroupJson]]
    seen: dict[str, GroupJson]
    data: DataJson


def as_json(result: "DataclassInstance") -> Any:
    """Return the fields of a dataclass as a dictionary: an entry of ``metrics.json``."""
    return asdict(result)
