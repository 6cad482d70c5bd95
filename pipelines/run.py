r"""Run all stages: preprocess, encode, train, report. Without arguments: the demo.

The same command resumes a run that was interrupted.

Reads:  the table given by --data
Writes: RUN/, at its end RUN/report.html

For example:
    python -m pipelines.run
    python -m pipelines.run --data deaths.csv --text cause other_conditions --label manner \
        --run runs/manner
    python -m pipelines.run --data deaths.csv --text cause --label manner --id certificate \
        --split temporal --date date_of_death --by sex age --run runs/manner
"""

from collections.abc import Sequence

from pipelines import encode, flags, preprocess, report, run_flags, shell, train
from pipelines.runs import Run
from textlstm.models.memory import require_memory


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and run the stages."""
    parser = run_flags.run_parser("run", __doc__, default=run_flags.DEMO_RUN, device=True)
    given = parser.parse_args(argv)
    flags.require_device(given.device)
    run, config = Run(given.run), run_flags.run_config(given)
    require_memory(config.recipe.network)
    with run.locked():
        preprocess.preprocess(run, config, overwrite=given.overwrite)
        encode.encode(run)
        train.train(run, given.device)
        report.report(run)


if __name__ == "__main__":
    shell.run_and_exit(main)
