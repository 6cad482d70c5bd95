"""Find the stage that is wanted: ``textlstm STAGE ...``, or ``python -m pipelines STAGE ...``."""

import sys
from collections.abc import Sequence
from importlib import import_module

from pipelines import flags, shell
from textlstm.errors import InputError, near, quoted

STAGES = {
    "run": "carry out preprocess, encode, train and report; without flags, on invented records",
    "preprocess": "read a table, clean and tokenize its texts, and split it",
    "encode": "take the vocabulary from the training part, and turn texts into word ids",
    "train": "train and calibrate the network",
    "report": "measure the model on the holdout, and write the report",
    "predict": "code new records, and mark those that a person should see",
    "explain": "say word by word why records get their label",
    "review": "send doubtful records to a person, and take the codes back",
}
"""Each stage in a sentence, in the order of work."""

DESCRIPTION = """Turn a table of short medical texts into a classifier, and code new records by it.

Stages, each with a --help of its own:
{stages}

For example:
    python -m pipelines.run
    python -m pipelines.run --data deaths.csv --text cause --label manner --run runs/manner
    python -m pipelines.predict --run runs/manner --data new.csv --out coded.csv
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Carry out the stage that the first argument names; without any, list the stages."""
    stage, *rest = (sys.argv[1:] if argv is None else list(argv)) or ["--help"]
    if stage in STAGES:
        import_module(f"pipelines.{stage}").main(rest)
    elif stage.startswith("-"):
        stages = "\n".join(f"    {name:12}{sentence}" for name, sentence in STAGES.items())
        parser = flags.parser("STAGE", DESCRIPTION.format(stages=stages), "[flags]")
        parser.parse_args([stage, *rest])
    else:
        raise InputError(
            f"there is no stage {quoted(stage)}{near(stage, STAGES) or '.'} The stages are "
            f"{', '.join(STAGES)}"
        )


def console() -> None:
    """Be the console command."""
    shell.run_and_exit(main)


if __name__ == "__main__":
    console()
