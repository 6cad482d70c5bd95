"""Settings in the sections [encoding] and [training] of a recipe."""

from dataclasses import dataclass

from textlstm.errors import InputError
from textlstm.settings import Settings, setting

MAX_LENGTH = 4096
"""Tokens of a text, at most; as many of each distinct text are kept in memory."""


@dataclass(frozen=True)
class EncodingConfig(Settings):
    """Settings of the vocabulary: from words to ids."""

    max_length: int = setting(
        0,
        "tokens (words) read of a text, at most; longer texts are cut (0: by length_percentile)",
        low=0,
        high=MAX_LENGTH,
    )
    length_percentile: float = setting(
        99.0,
        "percentage of the training texts that are read whole if max_length is 0 (0: the length of "
        "the shortest text, 100: of the longest)",
        low=0.0,
        high=100.0,
    )
    truncation: str = setting(
        "right",
        "side on which longer texts are cut: their beginning (left), where all texts are of one "
        "column, or their end (right)",
        choices=("left", "right"),
    )
    padding: str = setting(
        "right",
        "side on which short texts are filled up: before their words, where the network reads the "
        "filling too, as in MATLAB (left), or behind them, where it reads the words only (right)",
        choices=("left", "right"),
    )
    min_count: int = setting(
        5,
        "training records that must contain a word for it to enter the vocabulary; a rarer word is "
        "kept as a hash (a number from which the word cannot be read back) and as character "
        "n-grams (pieces of words) that occur in as many records",
        low=1,
    )
    initials: bool = setting(
        False,
        "read a short word that is not in the vocabulary as the phrase whose initials it is, if "
        "exactly one phrase of the training texts fits and occurs in at least ten records",
    )
    max_ngrams: int = setting(
        0,
        "character n-grams (pieces of words) that give misspelt words a meaning: number kept, the "
        "most frequent first (0: whole words only)",
        low=0,
    )


@dataclass(frozen=True)
class TrainingConfig(Settings):
    """Settings of the optimisation."""

    epochs: int = setting(6, "passes over all training records", low=1)
    batch_size: int = setting(64, "training records of one optimizer step, at most", low=1)
    min_steps: int = setting(
        0, "optimizer steps of an epoch, at least; few records are divided into smaller batches",
        low=0,
    )  # fmt: skip
    drop_last: bool = setting(
        False, "skip the last batch of an epoch if it is not full, as MATLAB does"
    )
    optimizer: str = setting(
        "adamw",
        "optimizer: Adam with weight decay in the gradient (adam), or apart from it (adamw)",
        choices=("adam", "adamw"),
    )
    learning_rate: float = setting(1e-3, "highest learning rate (step size of Adam)", low=0.0)
    schedule: str = setting(
        "constant",
        "learning rate over time: the same throughout (constant), rising and then falling to zero "
        "(one_cycle), or multiplied by drop_factor every drop_period epochs (piecewise)",
        choices=("constant", "one_cycle", "piecewise"),
    )
    drop_period: int = setting(
        10, "epochs after which a piecewise learning rate is multiplied by drop_factor", low=1
    )
    drop_factor: float = setting(0.1, "factor of a piecewise learning rate", low=0.0, high=1.0)
    weight_decay: float = setting(
        0.0, "L2 regularisation of the weight matrices; biases have none", low=0
    )
    bayesian_regularisation: bool = setting(
        False,
        "re-estimate the weight decay after each epoch by the evidence of the training records "
        "(MacKay 1992), in place of early stopping; needs the optimizer adam",
    )
    max_grad_norm: float = setting(
        0.0, "L2 norm of a gradient, at most; longer gradients are clipped (0: never)", low=0.0
    )
    clip_scope: str = setting(
        "global",
        "gradient whose norm is limited: that of all parameters together (global), or that of each "
        "parameter by itself, as MATLAB does (parameter)",
        choices=("global", "parameter"),
    )
    label_smoothing: float = setting(
        0.0, "share of each training label that is spread evenly over all classes",
        low=0.0, high=0.5,
    )  # fmt: skip
    class_weight: str = setting(
        "none",
        "weight of a training record: the same for all (none), or inversely proportional to the "
        "number of records of its class (balanced)",
        choices=("none", "balanced"),
    )
    logit_adjustment: float = setting(
        0.0,
        "share of the logarithm of its frequency that is subtracted from a class's log "
        "probability; a larger share predicts rare classes more often",
        low=0.0,
        high=1.0,
    )
    patience: int = setting(
        0,
        "early stopping: epochs without a lower validation loss after which training ends (0: "
        "never)",
        low=0,
    )
    restore_best: bool = setting(
        True, "keep the weights of the epoch with the lowest validation loss, not of the last one"
    )

    def require_consistent(self) -> None:
        """Raise an :class:`InputError` if two settings contradict each other."""
        if self.bayesian_regularisation and self.optimizer != "adam":
            raise InputError("--bayesian-regularisation needs --optimizer adam")
