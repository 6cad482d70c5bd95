"""Linear branches: one logistic regression for each member of an ensemble."""

from textlstm.models.linear import LinearBranch
from textlstm.models.linear_fit import fit_linear
from textlstm.network_config import NetworkConfig
from textlstm.training.folds import Examples

MAX_LINEAR_RECORDS = 1 << 19
"""Records the linear branch is fitted on, at most (drawn at random): its solver holds them all."""


def fit_branches(
    config: NetworkConfig,
    examples: Examples,
    n_classes: int,
    seed: int,
    max_records: int = MAX_LINEAR_RECORDS,
) -> list[LinearBranch]:
    """Fit a linear branch for each member, on the records outside its validation fold.

    Returns
    -------
    list
        A branch for each member; none if the recipe has no linear branch.
    """
    if not config.linear_c:
        return []
    sample = examples.sample(max_records, seed)
    rows = [sample.training_rows(member) for member in range(config.ensemble_size)]
    # A label at an inner code of a book names no class: it teaches the networks alone.
    rows = [of_member[sample.targets[of_member] < n_classes] for of_member in rows]
    records = sample.corpus, sample.targets, sample.weights
    dropped = config.covariate_dropout
    return fit_linear(*records, n_classes, config.linear_c, rows, dropped)
