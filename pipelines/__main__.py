"""Run a stage by its name: ``textlstm STAGE ...``, or ``python -m pipelines STAGE ...``."""

import sys
from collections.abc import Sequence
from importlib import import_module

from pipelines import flags, shell
from textlstm.errors import InputError, did_you_mean, quoted

STAGES = {
    "run": "preprocess, encode, train and report; without flags, on invented records",
    "preprocess": "read a table, clean and tokenize its texts, and split its records",
    "encode": "build the vocabulary from the training records, and turn words into ids",
    "train": "train and calibrate the model",
    "report": "measure the model on the holdout, and write the report",
    "predict": "code new records, and mark those that a person should review",
    "evaluate": "measure the model of a run on other labelled records, without any training",
    "explain": "show word by word why records get their label",
    "compare": "compare recipes on a table, or runs already made",
    "review": "send records to a person for review, and read the codes back",
}
"""What each stage does, in the order of work."""

DESCRIPTION = """Train a classifier on a table of short medical texts, and code new records with it.

Stages, each with a --help of its own:
{stages}

For example:
    python -m pipelines.run
    python -m pipelines.run --data deaths.csv --text cause --label manner --run runs/manner
    python -m pipelines.predict --run runs/manner --data new.csv --out coded.csv
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage that the first argument names; without arguments, list the stages."""
    stage, *rest = (sys.argv[1:] if argv is None else list(argv)) or ["--help"]
    if stage in STAGES:
        import_module(f"pipelines.{stage}").main(rest)
    elif stage.startswith("-"):
        stages = "\n".join(f"    {name:12}{sentence}" for name, sentence in STAGES.items())
        parser = flags.parser("STAGE", DESCRIPTION.format(stages=stages), "[flags]")
        parser.parse_args([stage, *rest])
    else:
        raise InputError(
            f"there is no stage {quoted(stage)}{did_you_mean(stage, STAGES) or '.'} The stages are "
            f"{', '.join(STAGES)}"
        )


def console() -> None:
    """Run the console command ``textlstm``."""
    shell.run_and_exit(main)


if __name__ == "__main__":
    console()
