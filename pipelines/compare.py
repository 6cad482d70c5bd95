r"""Compare recipes on a table, or runs already made: which is better, and which gap is chance.

Each recipe is trained on the training records of several seeds, and measured on their holdouts.
The same command resumes a comparison that was interrupted.

Reads:  the table given by --data, or the folders given by --runs
Writes: FOLDER/comparison.html, FOLDER/comparison.csv (a row a model),
        FOLDER/differences.csv (a row for each two models and each score), FOLDER/trade_offs.png,
        FOLDER/runs/RECIPE-SEED/ (each trained model, as `train` leaves it);
        with --search also FOLDER/searched.toml (the recipe that is found), FOLDER/search.journal
        (the trials), FOLDER/learning_curve.csv and .png

For example:
    python -m pipelines.compare --recipes default quick gru --data deaths.csv --text cause \
        --label manner --seeds 5 --out runs/compared
    python -m pipelines.compare --runs runs/manner runs/manner-gru --out runs/compared
    python -m pipelines.compare --search 30 --data deaths.csv --text cause --label manner \
        --out runs/searched
"""

from collections.abc import Sequence
from pathlib import Path

from pipelines import compare_flags, compared_runs, console, flags, progress, recipe_search, shell
from pipelines.inputs import require_no_book
from textlstm.models.memory import require_memory


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and compare."""
    given = compare_flags.compare_parser(__doc__).parse_args(argv)
    compare_flags.require_runs_alone(given)
    out, search = Path(given.out), None
    compared_runs.require_own_folder(out)
    if "runs" in given:
        models = compared_runs.finished_runs(compare_flags.run_names(given.runs))
    else:
        device = getattr(given, "device", "auto")
        flags.require_device(device)
        configs, seeds = compare_flags.recipes(given), compare_flags.seeds(given)
        for config in configs.values():
            require_no_book(config.data, "compare")
            require_memory(config.recipe.network)
        overwrite = getattr(given, "overwrite", False)
        if "search" in given:
            (config,) = configs.values()
            configs, search = recipe_search.with_found_recipe(
                out, config, given.search, device, overwrite=overwrite
            )
        models = compared_runs.trained_runs(out, configs, seeds, device, overwrite=overwrite)
    with progress.working("compare", "comparing"):
        from textlstm.reporting.comparison_page import sentences, write_comparison

        comparison = models.compare()
        write_comparison(out, comparison, models.subject, models.about, models.made, search)
    for sentence in sentences(comparison):
        console.log(f"compare: {sentence}")
    console.print_path(out / "comparison.html")


if __name__ == "__main__":
    shell.run_and_exit(main)
