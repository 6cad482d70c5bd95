"""Measure the model on the holdout beside simpler ones, draw, and write the report.

Reads:  RUN/config.json, RUN/records/, RUN/bundle/, RUN/history.csv
Writes: RUN/metrics.json, RUN/report.html,
        RUN/predictions.csv (of the holdout; the decision is that of the promise of 2 % error),
        RUN/figures/ (the pictures, and the numbers behind them as CSV),
        RUN/tables/{class_words,label_suspects,conflicting_labels}.csv (words, ids, labels; with a
        byte order mark, for spreadsheets)

For example:
    python -m pipelines.report --run runs/manner
"""

from collections.abc import Sequence

from pipelines import console, flags, progress, shell
from pipelines.runs import Run
from textlstm.errors import InputError

N_STEPS = 15
"""Steps of the stage that its progress bar counts."""


def report(run: Run) -> None:
    """Carry out the stage."""
    config = run.config()
    with progress.working("report", progress.LOADING):
        import pandas as pd

        from textlstm.data import records
        from textlstm.inference.bundle import Bundle
        from textlstm.reporting.report import measured_report
        from textlstm.storage.damage import damage_explained

    run.require(run.history, "train")
    for name in records.SPLITS:
        run.require(run.records / f"{name}.parquet", "preprocess")
    console.log("report: measuring the model and, for comparison, simpler ones")
    with shell.timed() as seconds, progress.steps("report", N_STEPS) as step:
        step("loading the model")
        bundle, splits = Bundle.load(run.bundle), records.read_splits(run.records)
        if not bundle.task.learns(records.learned_labels(splits)):
            raise InputError(
                f"{run.bundle}: this bundle is of other classes than the records of this run; "
                "run the train stage"
            )
        summary, rare = records.read_summary(run.records), records.read_rare(run.records)
        rare = rare[rare[records.SPLIT_COLUMN] == "holdout"]
        with damage_explained(run.history):
            history = pd.read_csv(run.history).astype({"validation_loss": float})
        result = measured_report(bundle, config, splits, rare, summary, history, step)
        with run.staged_outputs("report") as new:
            result.write(
                new.folder, lambda: {**run.timing(), "report": seconds()}, run.origin(), step
            )
        run.record_time("report", seconds())
    for sentence in result.sentences:
        console.log(f"report: {sentence}")
    console.print_path(run.page)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = flags.parser("report", __doc__)
    flags.add_run(parser)
    run = Run(parser.parse_args(argv).run)
    with run.locked():
        report(run)


if __name__ == "__main__":
    shell.run_and_exit(main)
