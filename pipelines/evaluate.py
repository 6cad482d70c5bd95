r"""Measure the model of a run on other labelled records, such as those of a later year.

Nothing is trained. Each promise of the run is kept or broken on the new records; records with a
label that the model cannot give count as errors. The report compares the accuracy with that on the
holdout of the run, and the records with the training records. Give other records than those of the
training: the stage says so if the table is the one that the run was trained on.

Reads:  RUN/config.json, RUN/bundle/, the table given by --data; if they are there, RUN/records/ (to
        tell new texts from texts that were trained on) and RUN/metrics.json
Writes: FOLDER/report.html (made to be shown; small counts are suppressed),
        FOLDER/metrics.json (as that of a run, without simpler models),
        FOLDER/predictions.csv (ids, labels, decisions; no texts)

For example:
    python -m pipelines.evaluate --run runs/manner --data deaths-2025.csv --out runs/manner-2025
    python -m pipelines.evaluate --run runs/manner --data other.csv --text cause_of_death \
        --label manner_of_death --max-error 2% --out runs/manner-other
"""

from collections.abc import Sequence
from pathlib import Path

from pipelines import console, flags, inputs, interrupts, labelled_inputs, progress, shell
from pipelines.runs import Run
from pipelines.source import unchanged
from textlstm.inference.rules import DecisionRequest

OUTPUTS = "metrics.json", "predictions.csv", "report.html"
"""Files of the folder, of which one is private: the predictions."""

N_STEPS = 5
"""Steps of the stage that its progress bar counts."""


def evaluate(
    run: Run, data: str, label: str, out: Path, table_format: inputs.TableFormat,
    max_error: float | None,
) -> None:  # fmt: skip
    """Measure the model of a run on a table of labelled records."""
    DecisionRequest(max_error=max_error).require_shares()
    inputs.require_no_book(run.config().data, "evaluate")
    inputs.require_own_folder(out, OUTPUTS, data)
    source = labelled_inputs.labelled_source(run, "evaluate", data, label, table_format)
    with progress.working("evaluate", progress.LOADING):
        from textlstm.data.preprocessing import read_labelled
        from textlstm.evaluation.new_records import NewRecords
        from textlstm.reporting.evaluated_report import evaluated_report
        from textlstm.storage.swap import write_folder

    bundle, monitor = inputs.load_bundle(run, "evaluate"), progress.StageMonitor("evaluate")
    with unchanged(data):
        new = NewRecords.of(read_labelled(source, monitor), source.label, bundle.labels)
    for line in new.messages():
        monitor.log(line)
    with progress.steps("evaluate", N_STEPS) as step:
        step("reading the run")
        training, holdout = (
            labelled_inputs.training_records(run),
            labelled_inputs.holdout_measures(run),
        )
        report = evaluated_report(
            bundle, run.config(), new, data, training, holdout, max_error, step
        )
        step("writing the page")
        files = report.files(run.origin())
        write_folder(out, files, private=["predictions.csv"], at_once=True)
    for sentence in report.sentences:
        monitor.log(sentence)
    console.print_path(out / "report.html")


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and run the stage."""
    parser = flags.parser("evaluate", __doc__)
    flags.add_run(parser)
    parser.add_argument("--data", required=True, metavar="LABELLED", help="table of new records")
    parser.add_argument("--label", default="", metavar="COL",
                        help="column of the true labels (default: as in training)")  # fmt: skip
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER",
                        help="folder to write")  # fmt: skip
    parser.add_argument("--max-error", type=flags.parse_number, default=None, metavar="E",
                        help="the promised error to measure, such as 0.02 (default: those of the "
                        "report, 1, 2 and 5 %%)")  # fmt: skip
    flags.add_table_format(parser, "--data")
    given = parser.parse_args(argv)
    table_format = inputs.TableFormat.of(given)
    with interrupts.on_interrupt(interrupts.NOTHING_TO_RESUME):
        evaluate(Run(given.run), given.data, given.label, given.out, table_format, given.max_error)


if __name__ == "__main__":
    shell.run_and_exit(main)
