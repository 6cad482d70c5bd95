"""Runs that are compared: those trained for a comparison, and those that were made already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import encode, preprocess, progress, train
from pipelines.inputs import require_no_book
from pipelines.run_paths import require_outside_runs
from pipelines.runs import Run, versions
from pipelines.source import Source, digest
from textlstm.config import RunConfig
from textlstm.errors import InputError, counted
from textlstm.recipe import shipped_recipes

if TYPE_CHECKING:
    from textlstm.comparison.comparing import Comparison
    from textlstm.comparison.model_results import ModelResult

RUNS = "runs"
"""Folder within that of the comparison in which models are trained."""

OUTPUTS = (
    RUNS, "comparison.html", "comparison.csv", "differences.csv", "trade_offs.png",
    "search.journal", "searched.toml", "learning_curve.csv", "learning_curve.png",
)  # fmt: skip
"""What a comparison writes to its folder."""


@dataclass(frozen=True)
class ComparedRuns:
    """Models with their results, and what the page says about them.

    Attributes
    ----------
    configs
        The settings of each model, by its name.
    results
        Of each model on the holdouts of its seeds.
    about
        What each model is, in a sentence.
    made
        How the comparison was made, in sentences.
    """

    configs: dict[str, RunConfig]
    results: dict[str, list["ModelResult"]]
    about: dict[str, str]
    made: str

    def compare(self) -> "Comparison":
        """Compare the models on their common records."""
        from textlstm.comparison.comparing import Comparison
        from textlstm.data.splits import METHODS

        splits = [METHODS[config.data.split] for config in self.configs.values()]
        return Comparison.of(
            self.results,
            same_holdout=any(split.judged_by_latest for split in splits),
            grouped=any(split.keeps_texts_together for split in splits),
        )

    @property
    def subject(self) -> str:
        """Return what the models predict, and from which columns if all read the same."""
        columns = {config.data.text for config in self.configs.values()}
        label = next(iter(self.configs.values())).data.label
        return f"{label} from {', '.join(columns.pop())}" if len(columns) == 1 else label


def require_own_folder(out: Path) -> None:
    """Raise an :class:`InputError` if the folder holds other files than those of a comparison."""
    for path in (out, *out.parents):
        if path.is_file():
            raise InputError(f"--out {out}: {path} is a file; give a folder")
    require_outside_runs(out / RUNS, f"--out {out}")
    if out.is_dir() and {path.name for path in out.iterdir()} - set(OUTPUTS):
        raise InputError(f"--out {out}: this folder holds other files; give a new one")


def trained_runs(
    out: Path, configs: Mapping[str, RunConfig], seeds: Sequence[int], device: str, overwrite: bool
) -> ComparedRuns:
    """Train each recipe with each seed, as far as it is not trained yet, and measure it.

    Parameters
    ----------
    configs
        The settings of each recipe by its name; each has the same records.
    overwrite
        Whether models of other records or settings are replaced.
    """
    data = next(iter(configs.values())).data.data
    source, table = Source(data), digest(data)
    results: dict[str, list[ModelResult]] = {name: [] for name in configs}
    jobs = [
        (name, Run(out / RUNS / f"{name}-{seed}"), replace(config, seed=seed))
        for seed in seeds
        for name, config in configs.items()
    ]
    if not all(run.bundle.exists() for _, run, _ in jobs):
        _warm_up(device)
    # Lines about the records are the same for all runs, and are logged with the first one.
    _, first, config = jobs[0]
    with first.locked():
        preprocess_once(first, config, overwrite, table)
    with progress.overall("compare", len(jobs)) as shown:
        for name, run, config in jobs:
            shown.at(f"{name}, seed {config.seed}")
            with run.locked():
                _train(run, config, table, device, overwrite)
                result = _measured(run)
            results[name].append(result)
            shown.count()
            loss = f"log loss {result.measures.log_loss:.4f}"
            shown.tell(
                f"compare: {name}, seed {config.seed}: {loss}, trained in "
                f"{result.train_seconds:.1f} s ({shown.done} of {len(jobs)})",
                f"{name}, seed {config.seed}: {loss}",
            )
    source.require_unchanged()
    shipped = shipped_recipes()
    about = {name: shipped.get(config.recipe_name, "") for name, config in configs.items()}
    return ComparedRuns(dict(configs), results, about, _made(seeds))


def _warm_up(device: str) -> None:
    """Train on a few invented texts: the first training of a process also loads libraries.

    Its time would count for the recipe that happens to come first.
    """
    with progress.working("compare", progress.LOADING):
        from textlstm.classifier import TextLSTMClassifier

        texts, labels = ["fall", "acute stroke", "asthma", "fall from ladder"] * 5, [0, 1, 1, 0] * 5
        TextLSTMClassifier(epochs=1, device=device).fit(texts, labels)


def _made(seeds: Sequence[int]) -> str:
    used = ", ".join(f"{name} {release}" for name, release in versions().items())
    return f"Seeds: {', '.join(map(str, seeds))}. Made with {used}."


def preprocess_once(run: Run, config: RunConfig, overwrite: bool, table: str | None = None) -> None:
    """Preprocess and split the records of a run, unless this was done before.

    ``table`` is the digest of its table, where it is known already.
    """
    table = digest(config.data.data) if table is None else table
    if not (run.is_made_of(config, table) and run.records.exists()):
        preprocess.preprocess(run, config, overwrite=overwrite)


def _train(run: Run, config: RunConfig, table: str, device: str, overwrite: bool) -> None:
    """Train the model of a run, unless this was done before."""
    preprocess_once(run, config, overwrite, table)
    if not run.bundle.exists():
        encode.encode(run)
        train.train(run, device)


def _measured(run: Run) -> "ModelResult":
    """Measure the model of a run on its holdout."""
    from textlstm.comparison.measuring import measure_model
    from textlstm.data.records import read_splits
    from textlstm.inference.bundle import Bundle

    seconds = float(run.timing().get("train", 0.0))
    return measure_model(Bundle.load(run.bundle), read_splits(run.records), seconds)


def finished_runs(folders: Mapping[str, Path]) -> ComparedRuns:
    """Measure runs that were made already, by their names.

    Raises
    ------
    InputError
        If a run is not trained, or the runs are not of the same records and labels.
    """
    runs = {name: Run(path) for name, path in folders.items()}
    configs = {name: run.config() for name, run in runs.items()}
    for name, run in runs.items():
        require_no_book(configs[name].data, "compare")
        run.require(run.bundle, "train")
    _require_same_records(runs, configs)
    results = {}
    with progress.steps("compare", len(runs)) as step:
        for name, run in runs.items():
            step(f"measuring {name}")
            results[name] = [_measured(run)]
    about = {
        name: f"{config.recipe_name}, seed {config.seed}, from {', '.join(config.data.text)}"
        for name, config in configs.items()
    }
    return ComparedRuns(configs, results, about, f"{counted(len(runs), 'run')} made before.")


def _require_same_records(runs: Mapping[str, Run], configs: Mapping[str, RunConfig]) -> None:
    """Raise an :class:`InputError` if runs are of another table, or other labels or ids."""
    (first, run), *others = runs.items()
    for name, other in others:
        ours, theirs = configs[first].data, configs[name].data
        same_table = run.table() == other.table() and (run.table() or ours.data == theirs.data)
        for same, what in (
            (same_table, "tables"),
            (ours.label == theirs.label, "labels"),
            (ours.id == theirs.id, "columns of ids"),
        ):
            if not same:
                raise InputError(
                    f"--runs: {first} and {name} are of different {what}; models can be compared "
                    "on the same labelled records only"
                )
