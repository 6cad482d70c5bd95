"""The encoder: layers read word vectors, and the states of the last one are pooled.

Shapes: B texts, T tokens, U distinct words, E embedding dimensions, P pooled features.
"""

import torch
from torch import Tensor, nn

from textlstm.models.cells.cell import Trace
from textlstm.models.choices import CELLS, POOLINGS
from textlstm.models.dropout import dropout_mask
from textlstm.models.initialisers import initialise
from textlstm.models.layers import Layer, against_reading, lower_layers
from textlstm.models.prefix_tree import PrefixTrees, run_tree
from textlstm.network_config import NetworkConfig


class Direction(nn.Module):
    """A cell and the pooling of its states; both see texts in the order they are given in."""

    def __init__(self, inputs: int, config: NetworkConfig, n_classes: int) -> None:
        super().__init__()
        self.config = config
        self.cell = CELLS[config.cell].of_config(inputs, config.hidden_units, config)
        self.pooling = POOLINGS[config.pooling](config.hidden_units, n_classes)

    def reset_parameters(self) -> None:
        """Set the starting weights."""
        self.cell.reset_parameters()
        initialise(self.cell, self.config.input_init, self.config.recurrent_init)
        self.pooling.reset_parameters()

    def forward(self, embedded: Tensor, lengths: Tensor) -> Tensor:
        """Return the features (B, P) of texts of word vectors (B, T, E)."""
        features: Tensor = self.pooling(self.cell(embedded), lengths)
        return features


class Encoder(nn.Module):
    """Layers of a cell in one or two directions (Schuster and Paliwal 1997).

    Texts that begin alike can be read as one where there is one layer: then a state depends on the
    words before it alone.

    Parameters
    ----------
    config
        The recipe's ``[network]``.
    n_classes
        C, which label attention needs.
    """

    def __init__(self, config: NetworkConfig, n_classes: int = 1) -> None:
        super().__init__()
        self.layer_dropout = config.layer_dropout
        self.lower = nn.ModuleList(lower_layers(config))
        inputs = next((layer.size for layer in reversed(self.layers)), config.embedding_size)
        self.forward_direction = Direction(inputs, config, n_classes)
        self.backward_direction = (
            Direction(inputs, config, n_classes) if config.bidirectional else None
        )

    @property
    def layers(self) -> list[Layer]:
        """Return the layers below the last one."""
        return [layer for layer in self.lower if isinstance(layer, Layer)]

    @property
    def shares_prefixes(self) -> bool:
        """Return whether texts that begin alike can be read as one."""
        return not self.layers

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
        for layer in self.layers:
            layer.reset_parameters()
        for direction in self.directions.values():
            direction.reset_parameters()

    def forward(
        self, embedded: Tensor, lengths: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return the features (B, P) of texts of word vectors (B, T, E).

        ``generator`` draws the outputs that are dropped between layers; None turns dropout off.
        """
        sequence = self._read_lower(embedded, lengths, generator)
        features = [self.forward_direction(sequence, lengths)]
        if self.backward_direction is not None:
            # States need not be put back in reading order: pooling does not see their order.
            features.append(self.backward_direction(against_reading(sequence, lengths), lengths))
        return torch.cat(features, dim=1)

    def _read_lower(
        self, embedded: Tensor, lengths: Tensor, generator: torch.Generator | None = None
    ) -> Tensor:
        """Return the input of the last layer (B, T, features)."""
        for layer in self.layers:
            embedded = layer(embedded, lengths)
            if generator is not None and self.layer_dropout:
                embedded = embedded * dropout_mask(embedded, self.layer_dropout, generator)
        return embedded

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
        """Return the gates and states (B, T, H) of the last layer by direction, in reading order.

        The backward cell begins at the end of each text. Values behind a text's end mean nothing.
        """
        sequence = self._read_lower(embedded, lengths)
        traces = {"forward": self.forward_direction.cell.trace(sequence)}
        if self.backward_direction is not None:
            backward = self.backward_direction.cell.trace(against_reading(sequence, lengths))
            traces["backward"] = {
                name: against_reading(values, lengths) for name, values in backward.items()
            }
        return traces
