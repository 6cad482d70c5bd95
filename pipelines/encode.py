"""Build the vocabulary from the training texts, and turn every text into a row of word ids.

Reads:  RUN/config.json, RUN/records/
Writes: RUN/encoded/vocab.json, RUN/encoded/labels.json,
        RUN/encoded/{train,validation,holdout}.arrow (text: ids and unknown words; label),
        RUN/encoded/rare.arrow (training and validation records of dropped classes; the label is
        1 for validation, else 0), RUN/encoded/rare.json (numbers of rare and borderline classes)

For example:
    python -m pipelines.encode --run runs/manner
"""

from collections.abc import Sequence

from pipelines import console, flags, progress, shell
from pipelines.runs import Run
from textlstm.errors import counted


def encode(run: Run) -> None:
    """Fit the vocabulary of a run and encode its records."""
    config = run.config()
    with progress.working("encode", progress.LOADING):
        from textlstm.data.inputs import covariate_columns
        from textlstm.encoding.encoded_splits import N_STEPS, encode_splits

    run.require(run.records / "summary.json", "preprocess")
    with shell.timed() as seconds, progress.steps("encode", N_STEPS) as step:
        with run.staged_outputs("encode") as new:
            beside = covariate_columns(config.data.number, config.data.category)
            encoded = encode_splits(run.records, config.recipe.encoding, new.encoded, step, beside)
        run.record_time("encode", seconds())
    vocabulary = encoded.vocabulary
    console.log(
        f"encode: {len(vocabulary.known_words)} words, {vocabulary.length} tokens a text, "
        f"{len(encoded.labels)} classes"
    )
    if encoded.abbreviated:
        records = counted(encoded.abbreviated, "record has", "records have")
        console.log(f"encode: {records} abbreviations that are not in the vocabulary; written out")


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and run the stage."""
    parser = flags.parser("encode", __doc__)
    flags.add_run(parser)
    run = Run(parser.parse_args(argv).run)
    with run.locked():
        encode(run)


if __name__ == "__main__":
    shell.run_and_exit(main)
