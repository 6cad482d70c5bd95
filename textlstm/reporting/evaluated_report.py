"""The report of a model on labelled records of another table: sections that need no training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from textlstm.config import RunConfig
from textlstm.evaluation.outcomes import NEW_RECORDS
from textlstm.metrics_file import MeasuresJson
from textlstm.reporting.page import Chapter
from textlstm.reporting.report import Report
from textlstm.reporting.sections.confusion import Confusion
from textlstm.reporting.sections.drift import Drift
from textlstm.reporting.sections.evaluated_data import EvaluatedData
from textlstm.reporting.sections.evaluated_header import EvaluatedHeader
from textlstm.reporting.sections.evaluated_measures import EvaluatedMeasures
from textlstm.reporting.sections.groups import Groups
from textlstm.reporting.sections.headline import Headline
from textlstm.reporting.sections.per_class import PerClass
from textlstm.reporting.sections.prediction_sets import PredictionSets
from textlstm.reporting.sections.reliability import Reliability
from textlstm.reporting.sections.section import OnStep, ReportInput
from textlstm.reporting.sections.workload import Workload
from textlstm.reporting.sections.workload_by_class import WorkloadByClass
from textlstm.reporting.sections.workload_curves import WorkloadCurves
from textlstm.uncertainty.risk_control import PROMISED_ERRORS

if TYPE_CHECKING:
    from textlstm.evaluation.new_evaluation import HoldoutMeasures
    from textlstm.evaluation.new_records import NewRecords
    from textlstm.inference.bundle import Bundle


def evaluated_report(
    bundle: "Bundle",
    config: RunConfig,
    new: "NewRecords",
    table: str,
    training: Mapping[str, pd.DataFrame],
    holdout: "HoldoutMeasures | None",
    max_error: float | None = None,
    on_step: OnStep = str,
) -> Report:
    """Measure a model on labelled records of another table, and the sections of the report.

    Parameters
    ----------
    config
        The settings of the run that the model is of.
    table
        Path of the table of the records.
    training
        ``train`` and ``validation`` of the run, as far as they are at hand.
    holdout
        Measures on the holdout of the run, if it has a report.
    max_error
        The error rate that is promised; None for those of a run's report.
    on_step
        Called with the name of each step before it begins.
    """
    # Imported late, since it loads torch.
    from textlstm.evaluation.new_evaluation import evaluate_new

    max_errors = PROMISED_ERRORS if max_error is None else (max_error,)
    measured = evaluate_new(bundle, new, training, config.seed, max_errors, on_step)
    metrics = measured.to_dict(holdout)
    source = ReportInput(config, measured.evaluation, {}, pd.DataFrame(), metrics, NEW_RECORDS)
    first_screen = EvaluatedHeader(table), Headline()
    return Report(source, bundle, on_step, first_screen, _chapters(holdout and holdout.measures))


def _chapters(holdout: MeasuresJson | None) -> tuple[Chapter, ...]:
    """Return the chapters of the report with their sections, in their order."""
    return (
        Chapter("measures", "All measures, beside those on the holdout of the run",
                (EvaluatedMeasures(holdout),)),
        Chapter("workload", "Workload and risk-coverage curve: are promises kept?",
                (Workload(), WorkloadCurves(), WorkloadByClass())),
        Chapter("drift", "Drift: are the records like those of the training?",
                (Drift(),)),
        Chapter("classes", "Precision, recall and F1, class by class", (PerClass(),)),
        Chapter("confusion", "Confusion matrix: what is taken for what", (Confusion(),)),
        Chapter("calibration", "Calibration and reliability: can the probabilities be believed?",
                (Reliability(),)),
        Chapter("subgroups", "Subgroups: for whom, and for which texts, does it work?",
                (Groups(),)),
        Chapter("sets", "Prediction sets (conformal): which labels are possible?",
                (PredictionSets(),)),
        Chapter("records", "Data: the records", (EvaluatedData(),)),
    )  # fmt: skip
