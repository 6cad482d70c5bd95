"""Ablations of the default recipe: each ingredient is left out in turn, and the rest is measured.

    python -m benchmarks.ablations --data FILE --text COL [COL ...] --label COL [--seeds 0 1 2]
                                   [--models NAME ...] [--keep FILE]

Prints a table as `benchmarks.peers` does. Each difference is the whole recipe minus the recipe
without an ingredient. The ingredient earns its place if the differences are above zero in accuracy
and macro-F1, and below zero in log loss.
"""

from typing import Any

from benchmarks.comparison import Models, command, textlstm

WHOLE = "the whole recipe"

CHANGES: dict[str, dict[str, Any]] = {
    WHOLE: {},
    "without the linear branch": {"linear_c": 0.0},
    "one network instead of three": {"ensemble_size": 1},
    "without latent semantic analysis": {"embedding_init": "narrow-normal", "max_ngrams": 0},
    "without character n-grams": {"max_ngrams": 0},
    "with the words of every record": {"min_count": 1},
    "forwards only": {"bidirectional": False},
    "the last step instead of pooling": {"pooling": "last"},
    "without word dropout": {"word_dropout": 0.0, "rare_word_dropout": 0.0},
    "without embedding dropout": {"embedding_dropout": 0.0},
    "without dropout of features": {"dropout": 0.0},
    "without smaller batches for few records": {"min_steps": 0},
    "a constant learning rate of 0.003": {"schedule": "constant", "learning_rate": 3e-3},
    "without logit adjustment": {"logit_adjustment": 0.0},
    "without clipping": {"max_grad_norm": 0.0},
}
"""Fields of the recipe that each model replaces."""

MODELS: Models = {
    name: ("textlstm", textlstm("default", **fields)) for name, fields in CHANGES.items()
}

if __name__ == "__main__":
    command(__doc__, MODELS, WHOLE)
