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
"""Steps of a report that its progress tells."""


def report(run: Run) -> None:
    """Carry out the stage."""
    config = run.config()
    with progress.working("report", progress.LOADING):
        import pandas as pd

        from textlstm.data.records import SPLIT, SPLITS, learned_labels, read_parts, read_rare
        from textlstm.evaluation.evaluate import evaluate
        from textlstm.inference.bundle import Bundle
        from textlstm.reporting.examination import examine
        from textlstm.reporting.figures import save_png, single_clouds
        from textlstm.reporting.page import render
        from textlstm.reporting.published import public_metrics
        from textlstm.reporting.report import draw, full_tables, tabulate
        from textlstm.reporting.verdict import verdict
        from textlstm.storage.atomic import write_bytes
        from textlstm.storage.json_files import read_json, write_json
        from textlstm.storage.spreadsheet import write_csv
        from textlstm.uncertainty.out_of_fold import DECIMALS
        from textlstm.uncertainty.risk_control import main_promise

    run.require(run.history, "train")
    for name in SPLITS:
        run.require(run.records / f"{name}.parquet", "preprocess")
    console.log("report: measuring the model and, for comparison, simpler ones")
    with shell.timed() as seconds, progress.steps("report", N_STEPS) as step:
        step("loading the model")
        bundle = Bundle.load(run.bundle)
        parts = read_parts(run.records)
        if list(bundle.labels) != learned_labels(parts):
            raise InputError(
                f"{run.bundle}: this bundle is of other classes than the records of this run; "
                "run the train stage"
            )
        rare = read_rare(run.records)
        summary = read_json(run.records / "summary.json")
        evaluation = evaluate(
            bundle, parts, summary, config.seed, rare[rare[SPLIT] == "holdout"], step
        )
        examination = examine(
            bundle,
            parts,
            evaluation.truth,
            evaluation.models["model"],
            config.seed,
            step,
        )
        with run.staged_outputs("report") as new:
            step("writing tables")
            write_csv(new.predictions, evaluation.predictions)
            for name, table in (full_tables(evaluation) | examination.tables).items():
                write_csv(new.tables / f"{name}.csv", table, for_people=True)
            history = pd.read_csv(run.history)
            numbers = tabulate(evaluation, history, parts) | examination.tabulate()
            for name, table in numbers.items():
                write_csv(new.figures / f"{name}.csv", table.round(DECIMALS))
            step("drawing")
            figures = draw(evaluation, history, parts, config.seed)
            figures |= examination.draw()
            step("writing pictures")
            for name, figure in figures.items():
                save_png(figure, new.figures / f"{name}.png")
            step("writing the page")
            more = examination.metrics | {"timing": {**run.timing(), "report": seconds()}}
            metrics = evaluation.to_dict() | more
            write_json(new.metrics, metrics)
            pictures = {name: (new.figures / f"{name}.png").read_bytes() for name in figures}
            of_classes = figures.get("word_clouds_by_class")
            clouds = single_clouds(of_classes) if of_classes else {}
            lines = verdict(metrics)
            shown = public_metrics(evaluation) | more
            page = render(config, shown, pictures, lines, clouds, run.origin())
            write_bytes(new.page, page.encode("utf-8"))
        run.record_time("report", seconds())
    promised = main_promise(metrics["decisions"])
    said = promised["kept"] or promised["sentence"]
    for sentence in (*lines, said, *examination.sentences):
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
