"""Take the vocabulary from the training part, and turn every text into a row of word ids.

Reads:  RUN/config.json, RUN/records/
Writes: RUN/encoded/vocab.json, RUN/encoded/labels.json,
        RUN/encoded/{train,validation,holdout}.arrow (text: ids and unknown words; label)

For example:
    python -m pipelines.encode --run runs/manner
"""

from collections.abc import Sequence

from pipelines import flags, progress, shell
from pipelines.runs import Run


def encode(run: Run) -> None:
    """Carry out the stage."""
    with progress.working("encode", progress.LOADING):
        import numpy as np
        import pandas as pd

        from textlstm.encoding import WordEncoding, write_encoded
        from textlstm.files import write_json
        from textlstm.records import PARTS, distinct, read_records

    config = run.config()
    run.require(run.records / "summary.json", "preprocess")
    with shell.timed() as seconds, progress.steps("encode", 2 + len(PARTS)) as step:
        step("reading the records")
        columns = ["text", "label"]
        parts = {name: read_records(run.records / f"{name}.parquet", columns) for name in PARTS}
        step("taking the vocabulary")
        texts, places = distinct(parts["train"]["text"])
        encoding = WordEncoding.fit(texts, config.recipe.encoding, np.bincount(places))
        labels = sorted(parts["train"]["label"].unique())
        with run.writing("encode") as new:
            for name, part in parts.items():
                step(f"encoding {name}")
                texts, places = distinct(part["text"])
                numbers = pd.Index(labels).get_indexer(part["label"])
                encoded = encoding.encode(texts)[places]
                write_encoded(new.encoded / f"{name}.arrow", encoded, numbers)
            write_json(new.encoded / "labels.json", labels)
            write_json(new.encoded / "vocab.json", encoding.to_dict())
        run.end("encode", seconds())
    shell.say(
        f"encode: {len(encoding.vocabulary)} words, {encoding.length} tokens a text, "
        f"{len(labels)} classes"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = flags.parser("encode", __doc__)
    flags.add_run(parser)
    run = Run(parser.parse_args(argv).run)
    with run.held():
        encode(run)


if __name__ == "__main__":
    shell.leave(main)
