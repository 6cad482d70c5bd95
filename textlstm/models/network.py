"""The network: embedding, LSTM, pooling, classes.

Shapes: R records, B distinct texts, T tokens, U distinct words, E embedding dimensions, H hidden
units, P pooled features, C classes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from textlstm.encoding.batching import Batch
from textlstm.encoding.encoded import PAD, UNKNOWN
from textlstm.encoding.prefixes import PrefixTrees, reverse_index
from textlstm.models.dropout import dropout_mask
from textlstm.models.prefix_tree import pad_rows, run_tree
from textlstm.recipe import NetworkConfig


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
        self.embedding = nn.Embedding(n_words, config.embedding_size, padding_idx=PAD)
        self.forward_lstm = nn.LSTM(config.embedding_size, config.hidden_units, batch_first=True)
        self.backward_lstm = (
            nn.LSTM(config.embedding_size, config.hidden_units, batch_first=True)
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
        self,
        batch: Batch,
        subword_vectors: Tensor | None = None,
        chance: torch.Generator | None = None,
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
            features = self.features(
                self.embed(batch, subword_vectors, chance), batch.lengths
            )  # (B, P)
        else:
            features = self.features_by_prefixes(batch, batch.readings, subword_vectors)
        if chance is not None:
            features = features * dropout_mask(features, self.config.dropout, chance)
        logits: Tensor = self.output(pad_rows(features))  # (B, C) or more
        return logits[batch.places]  # (R, C)

    def embed(
        self, batch: Batch, subword_vectors: Tensor | None, chance: torch.Generator | None
    ) -> Tensor:
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
            read = dropout_mask(batch.ids, shares[batch.ids], chance) > 0  # (B, T)
            vectors = vectors.where(read[:, :, None], self.embedding.weight[UNKNOWN])
        if subword_vectors is not None:
            vectors = vectors + functional.embedding(batch.ids, subword_vectors)
        if chance is not None:
            vectors = vectors * dropout_mask(vectors[:, :1], self.config.embedding_dropout, chance)
        return vectors

    def features(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Return what is classified (B, P): the pooled steps of texts of word vectors (B, T, E)."""
        pooled = [self.pool(self.forward_lstm(embedded)[0], lengths)]
        if self.backward_lstm is not None:
            reverse = reverse_index(lengths, embedded.shape[1])  # (B, T)
            backward = embedded.gather(1, reverse[:, :, None].expand_as(embedded))  # (B, T, E)
            # Steps need not be put back in reading order: pooling does not see their order.
            pooled.append(self.pool(self.backward_lstm(backward)[0], lengths))
        return torch.cat(pooled, dim=1)

    def features_by_prefixes(
        self, batch: Batch, readings: PrefixTrees, subword_vectors: Tensor | None
    ) -> Tensor:
        """Return the same (B, P), sooner, where neither chance nor gradients are wanted."""
        vectors = self.embedding(batch.words)  # (U, E)
        if subword_vectors is not None:
            vectors = vectors + subword_vectors
        directions = [(self.forward_lstm, readings.forward)]
        if self.backward_lstm is not None:
            directions.append((self.backward_lstm, readings.backward))
        pooled = [
            run_tree(lstm, vectors, steps, batch.lengths, self.config.pooling)
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
