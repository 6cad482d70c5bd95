"""The network: embedding, LSTM, pooling, classes.

Shapes: R records, B distinct texts, T tokens, U distinct words, E embedding dimensions, H hidden
units, P pooled features, C classes.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from textlstm.batches import Batch, Corpus
from textlstm.config import NetworkConfig
from textlstm.encoding import PAD, UNKNOWN, WordEncoding
from textlstm.errors import InputError
from textlstm.linear import LinearBranch
from textlstm.parts import in_order, processors
from textlstm.prefixes import Readings, enough, read, reversed_within

PREDICTION_BATCH = 8192
"""Texts a batch in prediction."""


class TextLSTM(nn.Module):
    """An embedding, an LSTM in one or two directions, and a linear layer over its pooled steps.

    The softmax is left to the loss and to the calibrated prediction. Hochreiter and Schmidhuber
    1997 (LSTM), Schuster and Paliwal 1997 (two directions).

    Parameters
    ----------
    config
        The recipe's ``[network]``.
    n_words
        Ids of the vocabulary, padding and unknown word included.
    n_classes
        C.
    """

    def __init__(self, config: NetworkConfig, n_words: int, n_classes: int) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(n_words, config.embedding, padding_idx=PAD)
        self.forward_lstm = nn.LSTM(config.embedding, config.hidden_units, batch_first=True)
        self.backward_lstm = (
            nn.LSTM(config.embedding, config.hidden_units, batch_first=True)
            if config.bidirectional
            else None
        )
        features = config.hidden_units * (1 + config.bidirectional)
        features *= 2 if config.pooling == "max_mean" else 1
        self.output = nn.Linear(features, n_classes)
        self.reset_parameters()

    @property
    def n_classes(self) -> int:
        """Return C."""
        return self.output.out_features

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the weights as MATLAB R2020b's layers do by default.

        Narrow-normal embeddings (standard deviation 0.01), Glorot-uniform input and output weights,
        orthogonal recurrent weights, and one bias of zeros per LSTM with the forget gate at one;
        torch has a second LSTM bias, which is held at zero.
        """
        self.embedding.weight.normal_(std=0.01)
        self.embedding.weight[PAD] = 0.0
        for lstm in (self.forward_lstm, self.backward_lstm):
            if lstm is None:
                continue
            nn.init.xavier_uniform_(lstm.get_parameter("weight_ih_l0"))
            nn.init.orthogonal_(lstm.get_parameter("weight_hh_l0"))
            bias = lstm.get_parameter("bias_ih_l0").zero_()
            bias[lstm.hidden_size : 2 * lstm.hidden_size] = 1.0  # input, forget, cell, output
            lstm.get_parameter("bias_hh_l0").zero_().requires_grad_(False)
        nn.init.xavier_uniform_(self.output.weight)
        self.output.bias.zero_()

    def forward(
        self, batch: Batch, spelt: Tensor | None = None, chance: torch.Generator | None = None
    ) -> Tensor:
        """Return the logits (R, C).

        Parameters
        ----------
        batch
            The records.
        spelt
            What the spelling of the batch's distinct words adds to their vectors (U, E).
        chance
            Of what is dropped in training; without it nothing is.
        """
        if batch.readings is None:
            features = self.features(self.embed(batch, spelt, chance), batch.lengths)  # (B, P)
        else:
            features = self.features_by_prefixes(batch, batch.readings, spelt)
        if chance is not None:
            features = features * kept(features, self.config.dropout, chance)
        logits: Tensor = self.output(enough(features))  # (B, C) or more
        return logits[batch.places]  # (R, C)

    def embed(self, batch: Batch, spelt: Tensor | None, chance: torch.Generator | None) -> Tensor:
        """Return the vectors of the texts' words (B, T, E).

        In training, a word now and then stands for the unknown word, a rare one more often, so that
        the network learns to read by the spelling alone; and some dimensions are dropped, the same
        ones throughout a text (Gal and Ghahramani 2016).
        """
        vectors = functional.embedding(batch.ids, self.embedding(batch.words))  # (B, T, E)
        if chance is not None and (self.config.word_dropout or self.config.rare_word_dropout):
            rare = self.config.rare_word_dropout
            shares = self.config.word_dropout + rare / (rare + batch.counts)  # (U,)
            shares = shares * (batch.words != PAD)
            read = kept(batch.ids, shares[batch.ids], chance) > 0  # (B, T)
            vectors = vectors.where(read[:, :, None], self.embedding.weight[UNKNOWN])
        if spelt is not None:
            vectors = vectors + functional.embedding(batch.ids, spelt)
        if chance is not None:
            vectors = vectors * kept(vectors[:, :1], self.config.embedding_dropout, chance)
        return vectors

    def features(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Return what is classified (B, P): the pooled steps of texts of word vectors (B, T, E)."""
        pooled = [self.pool(self.forward_lstm(embedded)[0], lengths)]
        if self.backward_lstm is not None:
            reverse = reversed_within(lengths, embedded.shape[1])  # (B, T)
            backward = embedded.gather(1, reverse[:, :, None].expand_as(embedded))  # (B, T, E)
            # Steps need not be put back in reading order: pooling does not see their order.
            pooled.append(self.pool(self.backward_lstm(backward)[0], lengths))
        return torch.cat(pooled, dim=1)

    def features_by_prefixes(
        self, batch: Batch, readings: Readings, spelt: Tensor | None
    ) -> Tensor:
        """Return the same (B, P), sooner, where neither chance nor gradients are wanted."""
        vectors = self.embedding(batch.words)  # (U, E)
        if spelt is not None:
            vectors = vectors + spelt
        directions = [(self.forward_lstm, readings.forward)]
        if self.backward_lstm is not None:
            directions.append((self.backward_lstm, readings.backward))
        pooled = [
            read(lstm, vectors, steps, batch.lengths, self.config.pooling)
            for lstm, steps in directions
        ]
        return torch.cat(pooled, dim=1)

    def pool(self, steps: Tensor, lengths: Tensor) -> Tensor:
        """Return (B, P) of the LSTM's steps (B, T, H), those after a text's end left out."""
        if self.config.pooling == "last":
            last = (lengths - 1)[:, None, None].expand(-1, 1, steps.shape[2])  # (B, 1, H)
            return steps.gather(1, last).squeeze(1)
        inside = torch.arange(steps.shape[1], device=steps.device) < lengths[:, None]  # (B, T)
        # An LSTM's output lies within -1...1, so what is filled in can never be the maximum.
        maximum = steps.masked_fill(~inside[:, :, None], -2.0).amax(dim=1)
        mean = (steps * inside[:, :, None]).sum(dim=1) / lengths[:, None]
        return torch.cat([maximum, mean], dim=1)


def kept(values: Tensor, shares: float | Tensor, chance: torch.Generator) -> Tensor:
    """Return by what dropout multiplies values: 0 for the shares that go, 1 / (1 - share) else."""
    drawn = torch.rand(values.shape, generator=chance, device=values.device)
    return (drawn >= shares) / (1 - torch.as_tensor(shares, device=values.device))


class Ensemble(nn.Module):
    """Networks of one recipe that start and drop at random apart, and answer together.

    Averaging smooths out what each learned by chance from few records (Lakshminarayanan et al.
    2017); of log probabilities, so that one temperature calibrates the whole. They share what is
    not trained: the vectors of character n-grams, whose mean is a part of each word's vector
    (Bojanowski et al. 2017), placed once from all training texts and not moved by single records.
    A linear branch, where the recipe has one, has its share in the mean. To the mean is added what
    the recipe gives rare classes.

    Parameters
    ----------
    config
        The recipe's ``[network]``.
    encoding
        Of the texts.
    n_classes
        C.
    """

    linear_share: Tensor  # (), from 0 to 1
    adjustment: Tensor  # (C,), added to the logits

    def __init__(self, config: NetworkConfig, encoding: WordEncoding, n_classes: int) -> None:
        super().__init__()
        n_words, n_subwords = len(encoding.words), len(encoding.subwords)
        self.members = nn.ModuleList(
            TextLSTM(config, n_words, n_classes) for _ in range(config.members)
        )
        self.subword_embedding = (
            nn.EmbeddingBag(n_subwords, config.embedding, mode="mean").requires_grad_(False)
            if n_subwords
            else None
        )
        self.linear = None
        if config.linear:
            sizes = n_words, n_subwords, n_classes
            self.linear = LinearBranch(encoding.n_fields, *sizes, encoding.separator)
        self.register_buffer("linear_share", torch.tensor(0.0))
        self.register_buffer("adjustment", torch.zeros(n_classes))

    @torch.no_grad()
    def place(self, words: Tensor, subwords: Tensor) -> None:
        """Start from these vectors of words (n_words, E) and subwords (n_subwords, E)."""
        for member in self.networks:
            member.embedding.weight.copy_(words)
            member.embedding.weight[PAD] = 0.0
        if self.subword_embedding is not None:
            self.subword_embedding.weight.copy_(subwords)

    @property
    def networks(self) -> list[TextLSTM]:
        """Return the members."""
        return [member for member in self.members if isinstance(member, TextLSTM)]

    def spelt(self, batch: Batch) -> Tensor | None:
        """Return what their spelling adds to the vectors of the distinct words (U, E)."""
        if self.subword_embedding is None:
            return None
        vectors: Tensor = self.subword_embedding(batch.subwords, batch.offsets)
        return vectors

    def answer(self, member: int) -> Callable[[Batch], Tensor]:
        """Return what gives the log probabilities (R, C) of one member alone."""

        def log_probabilities(batch: Batch) -> Tensor:
            logits: Tensor = self.networks[member](batch, self.spelt(batch))
            return logits.log_softmax(dim=1)

        return log_probabilities

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits (R, C)."""
        spelt = self.spelt(batch)
        logits = [network(batch, spelt) for network in self.networks]
        return self.together(logits, None if self.linear is None else self.linear(batch))

    def together(self, members: Sequence[Tensor], linear: Tensor | None) -> Tensor:
        """Return the logits (R, C) of all: mean log probabilities, rare classes seen to.

        Parameters
        ----------
        members
            The logits (R, C) of each member.
        linear
            Those of the linear branch, if there is one.
        """
        mean = torch.stack([logits.log_softmax(dim=1) for logits in members]).mean(0)
        if linear is not None:
            mean = torch.lerp(mean, linear.log_softmax(dim=1), self.linear_share)
        return mean + self.adjustment


def predict_logits(
    answer: Callable[[Batch], Tensor], corpus: Corpus, device: torch.device
) -> Tensor:
    """Return the logits (n, C) that a network gives all texts, in their order, on the CPU."""

    @torch.inference_mode()
    def logits(texts: Tensor) -> Tensor:
        return answer(corpus.batch_to_classify(texts).to(device)).cpu()

    # Texts stand in the order of their words: those that begin alike come together. A batch has one
    # thread, as sums depend on how many there are.
    batches = torch.arange(len(corpus.forms)).split(PREDICTION_BATCH)
    workers = processors() if device.type == "cpu" else 1
    found = in_order(logits, batches, workers, partial(torch.set_num_threads, 1))
    return torch.cat(list(found))[corpus.places]


def resolve_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is the GPU where there is one.

    Raises
    ------
    InputError
        If this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, TypeError) as error:  # torch raises any, by build
        here = "auto, cpu or cuda" if torch.cuda.is_available() else "auto or cpu"
        raise InputError(f"--device {name}: this machine has no such device; use {here}") from error
    return device
