"""Take the vocabulary from the training part, and turn every text into a row of word ids.

Reads:  RUN/config.json, RUN/records/
Writes: RUN/encoded/vocab.json, RUN/encoded/labels.json,
        RUN/encoded/{train,validation,holdout}.arrow (text: ids and unknown words; label),
        RUN/encoded/rare.arrow (the same of dropped classes on the training side; the label is 1
        in the validation part, else 0), RUN/encoded/rare.json (what is said of rare classes)

For example:
    python -m pipelines.encode --run runs/manner
"""

from collections.abc import Sequence

from pipelines import console, flags, progress, shell
from pipelines.runs import Run
from textlstm.errors import counted


def encode(run: Run) -> None:
    """Carry out the stage."""
    config = run.config()
    with progress.working("encode", progress.LOADING):
        import numpy as np
        import pandas as pd

        from textlstm.data.distinct import distinct
        from textlstm.data.records import SPLIT, SPLITS, learned_labels, read_records
        from textlstm.encoding.encoded import write_encoded
        from textlstm.encoding.vocabulary import Vocabulary
        from textlstm.storage.json_files import read_json, write_json

    run.require(run.records / "summary.json", "preprocess")
    with shell.timed() as seconds, progress.steps("encode", 2 + len(SPLITS)) as step:
        step("reading the records")
        columns = ["text", "label"]
        parts = {name: read_records(run.records / f"{name}.parquet", columns) for name in SPLITS}
        given = read_json(run.records / "abbreviations.json")
        step("taking the vocabulary")
        texts, places = distinct(parts["train"]["text"])
        vocabulary = Vocabulary.fit(texts, config.recipe.encoding, np.bincount(places), given)
        labels = learned_labels(parts)
        rare = read_records(run.records / "rare.parquet", ["text", SPLIT])
        rare = rare[rare[SPLIT] != "holdout"]
        summary = read_json(run.records / "summary.json")
        # Without its only record, a class would not be known: left out, that record shows it.
        counts = pd.concat([parts["train"]["label"], parts["validation"]["label"]]).value_counts()
        alone = {str(label) for label in counts.index[counts == 1]}
        borderline = np.flatnonzero(np.isin(labels, [*summary["borderline"], *alone]))
        with run.staged_outputs("encode") as new:
            abbreviated = 0
            for name, part in parts.items():
                step(f"encoding {name}")
                texts, places = distinct(part["text"])
                changed = [vocabulary.written_out(text) != text for text in texts]
                abbreviated += int(np.array(changed, dtype=bool)[places].sum())
                numbers = pd.Index(labels).get_indexer(pd.Index(part["label"]))
                encoded = vocabulary.encode(texts)[places]
                write_encoded(new.encoded / f"{name}.arrow", encoded, numbers)
            texts, places = distinct(rare["text"])
            in_validation = (rare[SPLIT] == "validation").to_numpy().astype(np.int32)
            write_encoded(
                new.encoded / "rare.arrow", vocabulary.encode(texts)[places], in_validation
            )
            facts = {**summary["uncodable"], "borderline": borderline.tolist()}
            write_json(new.encoded / "rare.json", facts)
            write_json(new.encoded / "labels.json", labels)
            write_json(new.encoded / "vocab.json", vocabulary.to_dict())
        run.record_time("encode", seconds())
    console.log(
        f"encode: {len(vocabulary.known_words)} words, {vocabulary.length} tokens a text, "
        f"{len(labels)} classes"
    )
    if abbreviated:
        console.log(
            f"encode: {counted(abbreviated, 'record has', 'records have')} abbreviations that are "
            "not in the vocabulary; "
            "written out"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = flags.parser("encode", __doc__)
    flags.add_run(parser)
    run = Run(parser.parse_args(argv).run)
    with run.locked():
        encode(run)


if __name__ == "__main__":
    shell.run_and_exit(main)
