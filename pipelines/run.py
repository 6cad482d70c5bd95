"""Carry out all stages: preprocess, encode, train, report. Without arguments: the demo.

Reads:  the table given by --data
Writes: RUN/, at its end RUN/report.html
"""

from collections.abc import Sequence

from pipelines import encode, preprocess, report, shell, train
from pipelines.runs import Run


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stages."""
    parser = shell.parser(__doc__)
    shell.add_run(parser, default=shell.DEMO_RUN)
    shell.add_run_config(parser)
    shell.add_device(parser)
    given = parser.parse_args(argv)
    run, config = Run(given.run), shell.run_config(given)
    with run.held():
        preprocess.preprocess(run, config)
        encode.encode(run)
        train.train(run, given.device)
        report.report(run)


if __name__ == "__main__":
    shell.leave(main)
