"""The search of a recipe within a comparison, and its learning curve."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import compared_runs, progress
from pipelines.runs import Run
from textlstm.config import RunConfig
from textlstm.recipe import recipe_toml
from textlstm.storage.atomic import write_bytes

if TYPE_CHECKING:
    from textlstm.reporting.learning_curve import SearchResult

JOURNAL, RECIPE = "search.journal", "searched.toml"
"""Files of the trials, and of the recipe that is found."""

FOUND = "-searched"
"""Ending of the name of the recipe that is found."""


def with_found_recipe(
    out: Path, config: RunConfig, n_trials: int, device_name: str, *, overwrite: bool
) -> tuple[dict[str, RunConfig], "SearchResult"]:
    """Search a recipe on its training records; return its settings, those found, and the search.

    Parameters
    ----------
    out
        Folder of the comparison.
    config
        Settings of the recipe, with the seed 0.
    """
    name = Path(config.recipe_name).stem
    run = Run(out / compared_runs.RUNS / f"{name}-{config.seed}")
    with run.locked():
        compared_runs.preprocess_once(run, config, overwrite)
        with progress.working("compare", progress.LOADING):
            from textlstm.comparison.searching import InnerSplit, measure_learning_curve, search
            from textlstm.data.records import read_splits
            from textlstm.models.logits import resolve_device
            from textlstm.reporting.learning_curve import SearchResult
            from textlstm.storage.json_files import read_json
        splits, meanings = read_splits(run.records), read_json(run.records / "abbreviations.json")
        inner = InnerSplit.of(splits, meanings, config.data.split, config.seed)
    device = resolve_device(device_name)
    with progress.working("compare", "searching", n_trials, timely=True) as shown:

        def on_trial(number: int, loss: float, best: float) -> None:
            shown.done = number
            result = f"log loss {loss:.4f}, lowest {best:.4f}"
            shown.tell(f"compare: trial {number} of {n_trials}: {result}", result)

        fields = search(config.recipe, inner, n_trials, out / JOURNAL, device, on_trial)
    found = config.recipe.with_fields(**fields)
    sentence = f"{name}, with sizes, length and dropout that a search of {n_trials} trials found."
    write_bytes(out / RECIPE, recipe_toml(found, sentence).encode("utf-8"))
    with progress.working("compare", "drawing the learning curve") as shown:
        curve = measure_learning_curve(
            found, inner, device, lambda n: shown.at(f"learning from {n:,}")
        )
    searched = replace(config, recipe=found, recipe_name=str(out / RECIPE))
    result = SearchResult(config.recipe, found, n_trials, curve)
    return {name: config, f"{name}{FOUND}": searched}, result
