"""The encoder: a cell reads word vectors, forward or in both directions, and its states are pooled.

Shapes: B texts, T tokens, U distinct words, E embedding dimensions, P pooled features.
"""

from typing import ClassVar

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import Trace
from textlstm.models.cells.table import CELLS
from textlstm.models.pooling import POOLINGS
from textlstm.models.prefix_tree import PrefixTrees, reverse_index, run_tree
from textlstm.network_config import NetworkConfig


class Direction(nn.Module):
    """A cell and the pooling of its states; both see texts in the order they are given in."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.cell = CELLS[config.cell].of_config(config.embedding_size, config.hidden_units, config)
        self.pooling = POOLINGS[config.pooling](config.hidden_units)

    def reset_parameters(self) -> None:
        """Set the starting weights."""
        self.cell.reset_parameters()
        self.pooling.reset_parameters()

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Return the features (B, P) of texts of word vectors (B, T, E)."""
        features: Tensor = self.pooling(self.cell(embedded), lengths)
        return features


class Encoder(nn.Module):
    """One layer of a cell in one or two directions (Schuster and Paliwal 1997).

    Parameters
    ----------
    config
        The recipe's ``[network]``.

    Attributes
    ----------
    shares_prefixes
        Whether a state depends on the words before it alone, so that texts which begin alike can be
        read as one. That is not so for a layer above a bidirectional one.
    """

    shares_prefixes: ClassVar[bool] = True

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.forward_direction = Direction(config)
        self.backward_direction = Direction(config) if config.bidirectional else None

    @property
    def directions(self) -> dict[str, Direction]:
        """Return the directions by name: ``forward``, and ``backward`` if there is one."""
        directions = {"forward": self.forward_direction, "backward": self.backward_direction}
        return {name: one for name, one in directions.items() if one is not None}

    @property
    def size(self) -> int:
        """Return P, over all directions."""
        return sum(direction.pooling.size for direction in self.directions.values())

    def reset_parameters(self) -> None:
        """Set the starting weights."""
        for direction in self.directions.values():
            direction.reset_parameters()

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Return the features (B, P) of texts of word vectors (B, T, E)."""
        features = [self.forward_direction(embedded, lengths)]
        if self.backward_direction is not None:
            # States need not be put back in reading order: pooling does not see their order.
            features.append(self.backward_direction(_reversed(embedded, lengths), lengths))
        return torch.cat(features, dim=1)

    def run_trees(self, vectors: Tensor, trees: PrefixTrees, lengths: Tensor) -> Tensor:
        """Return the same features (B, P), sooner and without gradients.

        Parameters
        ----------
        vectors
            (U, E), of the distinct words.
        trees
            Of the texts.
        lengths
            (B,) int64, of the texts.
        """
        features = [
            run_tree(direction.cell, direction.pooling, vectors, getattr(trees, name), lengths)
            for name, direction in self.directions.items()
        ]
        return torch.cat(features, dim=1)

    def trace(self, embedded: Tensor, lengths: Tensor) -> dict[str, Trace]:
        """Return the gates and states (B, T, H) by direction, in reading order.

        The backward cell begins at the end of each text. Values behind a text's end mean nothing.
        """
        traces = {"forward": self.forward_direction.cell.trace(embedded)}
        if self.backward_direction is not None:
            backward = self.backward_direction.cell.trace(_reversed(embedded, lengths))
            traces["backward"] = {
                name: _reversed(values, lengths) for name, values in backward.items()
            }
        return traces


def _reversed(values: Tensor, lengths: Tensor) -> Tensor:
    """Return the values (B, T, ...) of texts against reading order, padding left in place."""
    positions = reverse_index(lengths, values.shape[1])  # (B, T), its own inverse
    return values.gather(1, positions[:, :, None].expand_as(values))
