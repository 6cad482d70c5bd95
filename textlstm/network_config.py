"""Settings in the section [network] of a recipe."""

import re
from dataclasses import dataclass

from textlstm.errors import InputError
from textlstm.network_choices import CELL_CLASSES, POOLING_CLASSES
from textlstm.settings import Settings, setting


@dataclass(frozen=True)
class NetworkConfig(Settings):
    """Settings of the network."""

    ensemble_size: int = setting(
        1,
        "networks that are trained from different seeds; their log probabilities are averaged",
        low=1,
        high=1000,
    )
    embedding_size: int = setting(
        64, "numbers that describe a word (dimensions of its embedding)", low=1, high=100_000
    )
    cell: str = setting(
        "lstm",
        "recurrent cell that reads the words (docs/recipes.md describes each)",
        choices=tuple(CELL_CLASSES),
    )
    qrnn_window: int = setting(
        2, "words of a QRNN's convolution: a word and those before it", low=1, high=64
    )
    recurrence_depth: int = setting(
        3, "highway layers that the state of a recurrent-highway cell passes at each word",
        low=1, high=64,
    )  # fmt: skip
    hidden_units: int = setting(
        64, "hidden units of the recurrent cell in each direction", low=1, high=100_000
    )
    bidirectional: bool = setting(True, "read the text forwards and backwards")
    pooling: str = setting(
        "max_mean",
        "what the output layer sees: the hidden state after the last word (last), the maximum of "
        "the hidden states after each word (max), their mean (mean), both (max_mean), their mean "
        "weighted by a learned query (attention), or by a query of each class (label-attention)",
        choices=tuple(POOLING_CLASSES),
    )
    lower_layers: tuple[int, ...] = setting(
        (),
        "hidden units of the recurrent layers below the last one, the first layer first",
        low=1,
        high=100_000,
    )
    layer_dropout: float = setting(
        0.0,
        "share of the outputs of each lower layer set to zero in training, at random",
        low=0.0,
        high=0.95,
    )
    layer_connection: str = setting(
        "none",
        "what leads past each lower recurrent layer: nothing (none), the sum with its input "
        "(residual), or a mixture with it by a learned gate (highway)",
        choices=("none", "residual", "highway"),
    )
    convolution_width: int = setting(
        0,
        "words of a convolution over the word vectors, before the first recurrent layer (0: none)",
        low=0,
        high=64,
    )
    dense_layers: tuple[int, ...] = setting(
        (),
        "units of the dense (feed-forward) layers between the pooling and the output layer",
        low=1,
        high=100_000,
    )
    dense_connection: str = setting(
        "none",
        "what leads past each dense layer: nothing (none), or a mixture with its input by a "
        "learned gate (highway)",
        choices=("none", "highway"),
    )
    embedding_init: str = setting(
        "narrow-normal",
        "starting values of word embeddings: small random numbers (narrow-normal), or latent "
        "semantic analysis of the training texts (lsa), by which words of similar use start close "
        "to each other",
        choices=("narrow-normal", "lsa"),
    )
    input_init: str = setting(
        "glorot",
        "starting values of the cells' input weights: Glorot (uniform), He (normal), orthogonal, "
        "or small random numbers (narrow-normal)",
        choices=("glorot", "he", "orthogonal", "narrow-normal"),
    )
    recurrent_init: str = setting(
        "orthogonal",
        "starting values of the cells' recurrent weights; choices as for input_init",
        choices=("glorot", "he", "orthogonal", "narrow-normal"),
    )
    word_dropout: float = setting(
        0.0,
        "share of words replaced by the unknown word in training, at random",
        low=0.0,
        high=0.95,
    )
    rare_word_dropout: float = setting(
        0.0,
        "additional word dropout of rare words: with the value k, a word in n training records is "
        "replaced with probability k / (k + n)",
        low=0.0,
    )
    embedding_dropout: float = setting(
        0.0,
        "share of embedding dimensions set to zero in training, the same ones in all words of a "
        "text",
        low=0.0,
        high=0.95,
    )
    dropout: float = setting(
        0.0,
        "share of the output layer's inputs set to zero in training, at random",
        low=0.0,
        high=0.95,
    )
    covariate_dropout: float = setting(
        0.2,
        "share of the training records that are read without the numbers and categories beside "
        "their text, and share read without a single one of these",
        low=0.0,
        high=0.95,
    )
    linear_c: float = setting(
        0.0,
        "inverse of the L2 penalty (C) of a logistic regression on TF-IDF of words and character "
        "n-grams, whose logits are mixed with those of the networks (0: no logistic regression)",
        low=0.0,
    )

    @property
    def cell_name(self) -> str:
        """Return the name of the cell as a sentence has it.

        >>> NetworkConfig(cell="peephole-lstm").cell_name
        'peephole-LSTM'
        >>> NetworkConfig(cell="recurrent-highway").cell_name
        'recurrent-highway cell'
        """
        if self.cell == "bag-of-words":
            return "bag-of-words"
        name = re.sub("lstm|q?rnn|gru|sru", lambda match: match[0].upper(), self.cell)
        return name if name != self.cell else f"{name} cell"

    def require_length(self, length: int) -> None:
        """Check that the settings suit the texts, if ``length`` tokens of each are read.

        Raises
        ------
        InputError
            If a window or a convolution is longer than the texts, or attention has one token to
            weigh.
        """
        if self.cell.startswith("qrnn") and self.qrnn_window > length:
            raise InputError(
                f"--qrnn-window {self.qrnn_window} is longer than the texts, of which "
                f"{length} tokens are read; choose a shorter one"
            )
        if self.convolution_width > length:
            raise InputError(
                f"--convolution-width {self.convolution_width} is wider than the texts, of which "
                f"{length} tokens are read; choose a smaller one"
            )
        if self.pooling.endswith("attention") and length == 1:
            raise InputError(
                f"--pooling {self.pooling} weighs the tokens of a text, but only one is read; "
                "choose last, or a larger --max-length"
            )
