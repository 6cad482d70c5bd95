"""Measure the model on the holdout beside simpler ones, draw, and write the report.

Reads:  RUN/config.json, RUN/records/, RUN/bundle/, RUN/history.csv
Writes: RUN/metrics.json, RUN/predictions.csv, RUN/figures/, RUN/report.html
"""

from collections.abc import Sequence

from pipelines import shell
from pipelines.runs import Run


def report(run: Run) -> None:
    """Carry out the stage."""
    import pandas as pd

    from textlstm import reporting
    from textlstm.bundle import Bundle
    from textlstm.figures import save_png
    from textlstm.files import read_json, replacing, spreadsheet_safe, write_bytes, write_json
    from textlstm.page import render
    from textlstm.records import PARTS

    config = run.config()
    run.require(run.history, "train")
    for name in PARTS:
        run.require(run.records / f"{name}.parquet", "preprocess")
    shell.say("report: measuring the model and, for comparison, simpler ones")
    with shell.timed() as seconds:
        bundle = Bundle.load(run.bundle)
        parts = {name: pd.read_parquet(run.records / f"{name}.parquet") for name in PARTS}
        evaluation = reporting.evaluate(
            bundle, parts, read_json(run.records / "summary.json"), config.seed
        )
        with run.writing("report") as new:
            with replacing(new.predictions) as path:
                table = evaluation.predictions
                names = table.select_dtypes(exclude="number").columns
                safe = table.assign(**{name: table[name].map(spreadsheet_safe) for name in names})
                safe.to_csv(path, index=False, lineterminator="\n")
            figures = reporting.draw(evaluation, pd.read_csv(run.history), parts, config.seed)
            for name, figure in figures.items():
                save_png(figure, new.figures / f"{name}.png")
            metrics = evaluation.metrics | {"timing": {**run.timing(), "report": seconds()}}
            write_json(new.metrics, metrics)
            pictures = {name: (new.figures / f"{name}.png").read_bytes() for name in figures}
            verdict = reporting.verdict(metrics)
            shown = reporting.published(evaluation) | {"timing": metrics["timing"]}
            write_bytes(new.page, render(config, shown, pictures, verdict).encode("utf-8"))
        run.end("report", seconds())
    for sentence in verdict:
        shell.say(f"report: {sentence}")
    print(run.page)


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = shell.parser(__doc__)
    shell.add_run(parser)
    run = Run(parser.parse_args(argv).run)
    with run.held():
        report(run)


if __name__ == "__main__":
    shell.leave(main)
