"""The ensemble: networks of one recipe, with a linear branch beside them."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from textlstm.encoding.batching import Batch
from textlstm.encoding.encoded import PAD
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.models.heads import Softmax
from textlstm.models.linear import LinearBranch
from textlstm.models.network import Network
from textlstm.models.prefix_tree import PrefixTrees
from textlstm.network_config import NetworkConfig


class Ensemble(nn.Module):
    """Networks of one recipe, trained from other seeds, and a linear branch: their mixture.

    Averaging evens out what each network learns by chance from few records (Lakshminarayanan et al.
    2017). The networks share the part that is not trained: the vectors of character n-grams, whose
    mean is a part of each word's vector (Bojanowski et al. 2017), set once from all training texts.

    Parameters
    ----------
    config
        The recipe's ``[network]``.
    vocabulary
        Of the texts, with the covariates beside them.
    n_classes
        C.
    """

    head = Softmax()
    linear_weight: Tensor  # (), from 0 to 1
    logit_adjustment: Tensor  # (C,), added to the logits

    def __init__(self, config: NetworkConfig, vocabulary: Vocabulary, n_classes: int) -> None:
        super().__init__()
        n_words, n_subwords = len(vocabulary.words), len(vocabulary.subwords)
        self.members = nn.ModuleList(
            Network(config, n_words, n_classes, vocabulary.covariates.sizes)
            for _ in range(config.ensemble_size)
        )
        self.subword_embedding = (
            nn.EmbeddingBag(n_subwords, config.embedding_size, mode="mean").requires_grad_(False)
            if n_subwords
            else None
        )
        self.linear = None
        if config.linear_c:
            sizes = n_words, n_subwords, n_classes
            n_features = sum(vocabulary.covariates.sizes)
            self.linear = LinearBranch(
                vocabulary.n_fields, *sizes, vocabulary.separator, n_features
            )
        self.register_buffer("linear_weight", torch.tensor(0.0))
        self.register_buffer("logit_adjustment", torch.zeros(n_classes))

    @torch.no_grad()
    def set_word_vectors(self, words: Tensor, subwords: Tensor) -> None:
        """Start from these vectors of words (n_words, E) and subwords (n_subwords, E)."""
        for member in self.networks:
            member.embedding.weight.copy_(words)
            member.embedding.weight[PAD] = 0.0
        if self.subword_embedding is not None:
            self.subword_embedding.weight.copy_(subwords)

    @property
    def device(self) -> torch.device:
        """Return the device of the weights."""
        return self.logit_adjustment.device

    @property
    def networks(self) -> list[Network]:
        """Return the members."""
        return [member for member in self.members if isinstance(member, Network)]

    def subword_vectors(self, batch: Batch) -> Tensor | None:
        """Return the part of the distinct words' vectors that their spelling makes (U, E)."""
        if self.subword_embedding is None:
            return None
        vectors: Tensor = self.subword_embedding(batch.subwords, batch.offsets)
        return vectors

    def member_log_probs(self, member: int) -> Callable[[Batch], Tensor]:
        """Return the function that gives the log probabilities (R, C) of one member alone."""

        def log_probabilities(batch: Batch) -> Tensor:
            return self.head.log_probs(self.networks[member](batch, self.subword_vectors(batch)))

        return log_probabilities

    def forward(self, batch: Batch) -> Tensor:
        """Return the logits (R, C)."""
        subword_vectors = self.subword_vectors(batch)
        trees = PrefixTrees(batch.ids, batch.lengths)  # built once, if the networks read them
        logits = [network(batch, subword_vectors, trees=trees) for network in self.networks]
        return self.combine(logits, None if self.linear is None else self.linear(batch))

    def combine(self, members: Sequence[Tensor], linear: Tensor | None) -> Tensor:
        """Return the logits (R, C) of the whole, of the logits (R, C) of its parts.

        Parameters
        ----------
        members
            Of each network.
        linear
            Of the linear branch, if there is one.
        """
        log_probs = [self.head.log_probs(logits) for logits in members]
        linear = None if linear is None else self.head.log_probs(linear)
        return self.head.combine(log_probs, linear, self.linear_weight, self.logit_adjustment)
