"""Train and calibrate the network.

Reads:  RUN/config.json, RUN/encoded/
Writes: RUN/bundle/ (the model and all it needs to predict), RUN/history.csv (a row an epoch);
        until they are there RUN/checkpoint/, from which an interrupted training goes on

For example:
    python -m pipelines.train --run runs/manner
    python -m pipelines.train --run runs/manner --device cuda
"""

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines import console, flags, interrupts, progress, shell
from pipelines.runs import Run, versions
from textlstm.config import RunConfig
from textlstm.errors import counted

if TYPE_CHECKING:
    from textlstm.encoding.vocabulary import Vocabulary
    from textlstm.training.folds import Examples
    from textlstm.training.rare_classes import RareClasses
    from textlstm.training.state import Epoch


def train(run: Run, device_name: str) -> None:
    """Carry out the stage."""
    config = run.config()
    with progress.working("train", progress.LOADING):
        from textlstm.encoding.vocabulary import Vocabulary
        from textlstm.fitting import train_bundle
        from textlstm.models.logits import resolve_device
        from textlstm.storage.json_files import read_json
        from textlstm.training.checkpoint import Checkpoint

    run.require(run.encoded / "vocab.json", "encode")
    device = resolve_device(device_name)
    with shell.timed() as seconds:
        vocabulary = Vocabulary.from_dict(read_json(run.encoded / "vocab.json"))
        labels = tuple(read_json(run.encoded / "labels.json"))
        examples = _examples(run, vocabulary, config.data.split)
        epochs: list[Epoch] = []
        n_epochs = config.recipe.training.epochs
        checkpoint = Checkpoint(run.checkpoint, _inputs(run, config, device.type))
        if checkpoint.start is not None:
            console.log("train: going on from where the training was interrupted")
        elif checkpoint.unfit:
            console.log(
                f"train: {run.folder} held an unfinished training of other records or settings, or "
                "by another device or release; it is replaced"
            )
        with (
            progress.working("train", "preparing", n_epochs, timely=True) as shown,
            interrupts.interruptible(checkpoint.stop),
        ):

            def on_epoch(epoch: "Epoch") -> None:
                epochs.append(epoch)
                shown.count()
                shown.tell(_line(epoch, n_epochs), _short(epoch))

            bundle = train_bundle(
                config.recipe,
                vocabulary,
                labels,
                examples,
                seed=config.seed,
                device=device,
                on_epoch=on_epoch,
                on_step=shown.at,
                summary={
                    "text fields": len(config.data.text),
                    "text columns": list(config.data.text),
                    "label column": config.data.label,
                    "recipe": config.recipe_name,
                    "seed": config.seed,
                    "device": device.type,
                    "training records": int((examples.folds != 0).sum()),
                    "validation records": int((examples.folds == 0).sum()),
                },
                checkpoint=checkpoint,
                rare=_rare(run),
            )
        with run.staged_outputs("train") as new:
            bundle.save(new.bundle)
            _write_history(new, epochs)
        run.add_facts(device=device.type)
        run.record_time("train", round(checkpoint.before + seconds(), 3))
        checkpoint.remove()
    console.log(
        f"train: {counted(len(epochs), 'epoch')} on {device.type} in "
        f"{checkpoint.before + seconds():.1f} s; "
        f"temperature {bundle.temperature:.2f}"
    )


def _inputs(run: Run, config: RunConfig, device: str) -> str:
    """Return a digest of all that the weights follow from."""
    from textlstm.storage.atomic import sha256

    names = (
        "vocab.json",
        "labels.json",
        "train.arrow",
        "validation.arrow",
        "rare.arrow",
        "rare.json",
    )
    inputs = {
        "encoded": [sha256(run.encoded / name) for name in names],
        "recipe": config.recipe.to_dict(),
        "seed": config.seed,
        "device": device,
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def _examples(run: Run, vocabulary: "Vocabulary", split: str) -> "Examples":
    """Return texts and class numbers of the training and the validation part."""
    import numpy as np

    from textlstm.encoding.encoded import count_encoded, read_encoded
    from textlstm.training.folds import as_examples

    train, validation = (run.encoded / f"{name}.arrow" for name in ("train", "validation"))
    texts, numbers = read_encoded(train, validation)
    out_of_fold = np.zeros(len(texts), dtype=bool)
    out_of_fold[count_encoded(train) :] = True
    return as_examples(texts, numbers, vocabulary, out_of_fold, split=split)


def _rare(run: Run) -> "RareClasses":
    """Return the records of classes that no model learns, and what is known of these classes."""
    from textlstm.encoding.encoded import read_encoded
    from textlstm.storage.json_files import read_json
    from textlstm.training.rare_classes import RareClasses

    texts, in_validation = read_encoded(run.encoded / "rare.arrow")
    facts = read_json(run.encoded / "rare.json")
    return RareClasses(texts, in_validation > 0, facts["share"], tuple(facts["borderline"]))


def _line(epoch: "Epoch", n_epochs: int) -> str:
    return (
        f"train: epoch {epoch.number} of {n_epochs}: "
        f"loss {epoch.train_loss:.3f}, validation loss {epoch.validation_loss:.3f}, "
        f"validation accuracy {epoch.validation_accuracy:.3f}"
    )


def _short(epoch: "Epoch") -> str:
    """Return what fits beside a bar."""
    return f"loss {epoch.validation_loss:.3f}, accuracy {epoch.validation_accuracy:.3f}"


def _write_history(run: Run, epochs: "list[Epoch]") -> None:
    from dataclasses import asdict

    from textlstm.storage.spreadsheet import write_csv

    rows = [asdict(epoch) for epoch in epochs]
    write_csv(run.history, {name: [row[name] for row in rows] for name in rows[0]})


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = flags.parser("train", __doc__)
    flags.add_run(parser)
    flags.add_device(parser)
    given = parser.parse_args(argv)
    flags.require_device(given.device)
    run = Run(given.run)
    with run.locked():
        train(run, given.device)


if __name__ == "__main__":
    shell.run_and_exit(main)
