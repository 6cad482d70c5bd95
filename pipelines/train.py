"""Train and calibrate the network.

Reads:  RUN/config.json, RUN/encoded/
Writes: RUN/bundle/ (the model and all it needs to predict), RUN/history.csv (a row an epoch);
        until they are there RUN/checkpoint/, from which an interrupted training is resumed

For example:
    python -m pipelines.train --run runs/manner
    python -m pipelines.train --run runs/manner --device cuda
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines import console, flags, interrupts, progress, shell
from pipelines.runs import Run, versions
from textlstm.errors import counted

if TYPE_CHECKING:
    from textlstm.training.state import Epoch


def train(run: Run, device_name: str) -> None:
    """Train the networks of a run, calibrate them and save the bundle."""
    config = run.config()
    with progress.working("train", progress.LOADING):
        from textlstm.fitting import train_bundle
        from textlstm.models.logits import resolve_device
        from textlstm.storage.spreadsheet import write_csv
        from textlstm.training.inputs import open_checkpoint, read_training_inputs
        from textlstm.training.state import history_columns

    run.require(run.encoded / "vocab.json", "encode")
    device = resolve_device(device_name)
    epochs: list[Epoch] = []
    with shell.timed() as seconds:
        inputs = read_training_inputs(run.encoded, config.data.split)
        checkpoint = open_checkpoint(run.checkpoint, run.encoded, config, device.type, versions())
        if notice := checkpoint.notice(run.folder):
            console.log(f"train: {notice}")
        total = config.recipe.training.epochs
        with (
            progress.working("train", "preparing", total, timely=True) as shown,
            interrupts.interruptible(checkpoint.stop),
        ):

            def on_epoch(epoch: "Epoch") -> None:
                epochs.append(epoch)
                shown.count()
                shown.tell(f"train: {epoch.describe(total)}", epoch.describe_validation())

            bundle = train_bundle(
                config.recipe, inputs, seed=config.seed, device=device,
                on_epoch=on_epoch, on_step=shown.at,
                summary=inputs.summary(config, device.type), checkpoint=checkpoint,
            )  # fmt: skip
        with run.staged_outputs("train") as new:
            bundle.save(new.bundle)
            write_csv(new.history, history_columns(epochs))
        run.add_facts(device=device.type)
        run.record_time("train", round(checkpoint.seconds_before + seconds(), 3))
        checkpoint.remove()
    console.log(
        f"train: {counted(len(epochs), 'epoch')} on {device.type} in "
        f"{checkpoint.seconds_before + seconds():.1f} s; temperature {bundle.temperature:.2f}"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and run the stage."""
    parser = flags.parser("train", __doc__)
    flags.add_run(parser)
    flags.add_device(parser)
    arguments = parser.parse_args(argv)
    flags.require_device(arguments.device)
    run = Run(arguments.run)
    with run.locked():
        train(run, arguments.device)


if __name__ == "__main__":
    shell.run_and_exit(main)
