"""The network: word vectors, an encoder that reads them, and classes.

Shapes: R records, B distinct texts, T tokens, U distinct words, E embedding dimensions, P pooled
features, K features of covariates, C classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from textlstm.encoding.batching import Batch
from textlstm.encoding.encoded import PAD, UNKNOWN
from textlstm.encoding.rare_words import replacement_shares
from textlstm.models.choices import POOLINGS
from textlstm.models.covariate_layer import CovariateLayer
from textlstm.models.dense import DenseStack
from textlstm.models.dropout import dropout_mask
from textlstm.models.encoder import Encoder
from textlstm.models.label_output import LabelOutput
from textlstm.models.prefix_tree import PrefixTrees, pad_rows
from textlstm.network_config import NetworkConfig


class Network(nn.Module):
    """An embedding, an encoder over it, and a linear layer from its features to the classes.

    The softmax is left to the loss and to the calibrated prediction.

    Parameters
    ----------
    config
        The recipe's ``[network]``.
    n_words
        Ids of the vocabulary, padding and unknown word included.
    n_classes
        C.
    covariate_sizes
        Features of each covariate; they sum to K.
    """

    def __init__(
        self,
        config: NetworkConfig,
        n_words: int,
        n_classes: int,
        covariate_sizes: Sequence[int] = (),
    ) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(n_words, config.embedding_size, padding_idx=PAD)
        self.encoder = Encoder(config, n_classes)
        highway = config.dense_connection == "highway"
        self.dense = DenseStack(self.encoder.size, config.dense_layers, highway=highway)
        self.output: nn.Linear | LabelOutput = nn.Linear(self.dense.size, n_classes)
        if POOLINGS[config.pooling].BY_CLASS and not config.dense_layers:
            n_directions = len(self.encoder.directions)
            self.output = LabelOutput(n_directions, n_classes, config.hidden_units)
        self.covariates = None
        if covariate_sizes:
            share = config.covariate_dropout
            self.covariates = CovariateLayer(covariate_sizes, n_classes, share)
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Set the starting weights as MATLAB R2020b's layers do by default.

        Narrow-normal embeddings (standard deviation 0.01) and Glorot-uniform output weights; those
        of the encoder are set by its cells.
        """
        self.embedding.weight.normal_(std=0.01)
        self.embedding.weight[PAD] = 0.0
        self.encoder.reset_parameters()
        self.dense.reset_parameters()
        nn.init.xavier_uniform_(self.output.weight)
        self.output.bias.zero_()

    def forward(
        self,
        batch: Batch,
        subword_vectors: Tensor | None = None,
        generator: torch.Generator | None = None,
        trees: PrefixTrees | None = None,
    ) -> Tensor:
        """Return the logits (R, C).

        Texts are read as prefix trees where neither dropout nor gradients are wanted, and token by
        token otherwise.

        Parameters
        ----------
        batch
            The records.
        subword_vectors
            (U, E) the part of the distinct words' vectors that their spelling makes.
        generator
            Random generator of the dropout masks; None turns dropout off.
        trees
            Of the batch's texts, where other networks read them too; by default, new ones.
        """
        if generator is None and not torch.is_grad_enabled() and self.encoder.shares_prefixes:
            trees = trees or PrefixTrees(batch.ids, batch.lengths)
            vectors = self.word_vectors(batch, subword_vectors)
            features = self.encoder.run_trees(vectors, trees, batch.lengths)  # (B, P)
        else:
            embedded = self.embed(batch, subword_vectors, generator)
            features = self.encoder(embedded, batch.lengths, generator)
        logits = self.classify(features, generator)[batch.inverse]  # (R, C)
        return self.with_covariates(logits, batch, slice(None), generator)

    def with_covariates(
        self,
        logits: Tensor,
        batch: Batch,
        records: Tensor | slice,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """Return the logits (N, C) of records of a batch with what their covariates add."""
        if self.covariates is None or batch.covariates is None:
            return logits
        added: Tensor = self.covariates(batch.covariates[records], generator)
        return logits + added

    def classify(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the logits (B, C) of pooled features (B, P), some of them dropped in training."""
        units = self.dense(pad_rows(features))[: len(features)]  # (B, O)
        if generator is not None:
            units = units * dropout_mask(units, self.config.dropout, generator)
        logits: Tensor = self.output(pad_rows(units))  # (B, C) or more
        return logits[: len(features)]

    def word_vectors(self, batch: Batch, subword_vectors: Tensor | None) -> Tensor:
        """Return the vectors of the batch's distinct words (U, E)."""
        vectors: Tensor = self.embedding(batch.words)
        return vectors if subword_vectors is None else vectors + subword_vectors

    def embed(
        self, batch: Batch, subword_vectors: Tensor | None, generator: torch.Generator | None
    ) -> Tensor:
        """Return the vectors of the texts' words (B, T, E), some dropped in training.

        In training, a word now and then stands for the unknown word, a rare one more often, so that
        the network learns to read by the spelling alone; and some dimensions are dropped, the same
        ones throughout a text (Gal and Ghahramani 2016).
        """
        vectors = functional.embedding(batch.ids, self.embedding(batch.words))  # (B, T, E)
        share, rare = self.config.word_dropout, self.config.rare_word_dropout
        if generator is not None and (share or rare):
            shares = replacement_shares(batch.counts, share, rare) * (batch.words != PAD)  # (U,)
            read = dropout_mask(batch.ids, shares[batch.ids], generator) > 0  # (B, T)
            vectors = vectors.where(read[:, :, None], self.embedding.weight[UNKNOWN])
        if subword_vectors is not None:
            vectors = vectors + functional.embedding(batch.ids, subword_vectors)
        if generator is not None:
            share = self.config.embedding_dropout
            vectors = vectors * dropout_mask(vectors[:, :1], share, generator)
        return vectors
