"""All measures of the model and the baselines: accuracy, F1, log loss, calibration error."""

from collections.abc import Mapping
from dataclasses import dataclass

from textlstm.evaluation.metrics import LINEAR, MODEL, SHARES
from textlstm.metrics_file import Compared, MeasuresJson
from textlstm.reporting.sections.section import ReportInput, Section
from textlstm.reporting.sections.verdict import COMPARED, winner

MEASURE_NAMES = {
    "accuracy": ("accuracy", "share of records given their true label"),
    "macro_f1": ("macro-F1", "F1 averaged over classes, rare ones counting as much as common ones"),
    "weighted_f1": ("weighted F1", "F1 averaged over classes by their number of records"),
    "log_loss": ("log loss", "mean of -log(probability given to the true label), in nats; lower is "
                 "better"),
    "ece": ("ECE", "expected calibration error: how far probabilities are off, on average"),
    "brier": ("Brier", "mean squared distance of the probabilities to the truth; lower is better"),
    "auroc": ("AUROC", "area under the ROC curve, each class against the rest: how often a record "
              "of a class is ranked before another record; 0.5 by chance"),
    "auprc": ("AUPRC", "area under the precision-recall curve, each class against the rest; by "
              "chance, the share of the class"),
    "accuracy_unseen_text": ("accuracy, unseen texts", "on texts that are not among the training "
                             "records"),
}  # fmt: skip
"""Name and explanation of each measure, in the order of the table."""


@dataclass(frozen=True)
class PublicMeasures:
    """The measures of all models.

    Attributes
    ----------
    models
        The values of each model, by its name and the key of the measure.
    winners
        The name of the clear winner by measure, or None.
    names
        Name and explanation by measure.
    """

    models: Mapping[str, MeasuresJson]
    winners: Mapping[Compared, str | None]
    names: Mapping[str, tuple[str, str]]


class AllMeasures(Section[PublicMeasures]):
    """The table of all measures."""

    def public(self, source: ReportInput) -> PublicMeasures:
        """Return measures of all records, which give away no small count."""
        metrics = source.metrics
        models = {
            MODEL: metrics["model"],
            LINEAR: metrics["baselines"]["tfidf_logreg"],
            SHARES: metrics["baselines"]["majority"],
        }
        return PublicMeasures(
            models, {key: winner(metrics, key) for key in COMPARED}, MEASURE_NAMES
        )
