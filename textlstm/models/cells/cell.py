"""What a recurrent cell is: one step, and the same step over whole texts.

Shapes: B texts, T tokens, N texts or prefixes that are read side by side, E embedding dimensions,
H hidden units, W numbers that a word contributes to a step: H for each gate, or more.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Protocol, Self

import torch
from torch import Tensor, nn

from textlstm.network_config import NetworkConfig

State = tuple[Tensor, ...]
"""Tensors (N, ...) that a cell hands on from word to word; poolings read the first one, its hidden
state (N, H)."""

Trace = dict[str, Tensor]
"""Gates and states of a cell by name, ``hidden`` among them: (N, H), or (B, T, H) of texts."""


class Step(Protocol):
    """One step of a cell, for texts that are read side by side."""

    def project(self, vectors: Tensor) -> Tensor:
        """Return the part of a step that does not depend on the state (..., W).

        ``vectors`` (..., E) may be those of distinct words, so that each is projected once.
        """
        ...

    def initial_state(self, vectors: Tensor) -> State:
        """Return the state before the first word (1, H), with the type and device of vectors."""
        ...

    def step(self, projected: Tensor, state: State) -> State:
        """Return the state after a word: ``projected`` is (N, W), the state (N, H).

        A fused step may overwrite its arguments.
        """
        ...


class Cell(nn.Module, ABC):
    """A recurrent cell of one layer and one direction.

    A subclass defines ``reset_parameters`` and its equations: ``project`` and ``traced_step``. It
    may override ``fused`` and ``forward`` where a faster way gives the same.

    Parameters
    ----------
    inputs
        E.
    hidden_units
        H.

    Attributes
    ----------
    STATES
        Number of tensors (N, H) in the state.
    GATES
        What each gate in a trace does where it is near 1 (it lies between 0 and 1), by name; the
        last one keeps the memory. Empty for a cell without gates.
    MEMORY
        Name of the state in a trace that the gates write to.
    """

    STATES: ClassVar[int] = 1
    GATES: ClassVar[Mapping[str, str]] = MappingProxyType({})
    MEMORY: ClassVar[str] = "hidden"

    def __init__(self, inputs: int, hidden_units: int) -> None:
        super().__init__()
        self.inputs, self.hidden_units = inputs, hidden_units

    @classmethod
    def of_config(cls, inputs: int, hidden_units: int, config: NetworkConfig) -> Self:
        """Return a cell with a recipe's settings; by default, a cell has none but its sizes."""
        return cls(inputs, hidden_units)

    @abstractmethod
    def reset_parameters(self) -> None:
        """Set the starting weights."""

    @abstractmethod
    def project(self, vectors: Tensor) -> Tensor:
        """Return the part of a step that does not depend on the state (..., W)."""

    @abstractmethod
    def traced_step(self, projected: Tensor, state: State) -> tuple[State, Trace]:
        """Return the state after a word, and the gates and states by name."""

    def step(self, projected: Tensor, state: State) -> State:
        """Return the state after a word."""
        return self.traced_step(projected, state)[0]

    def initial_state(self, vectors: Tensor) -> State:
        """Return the state before the first word: zeros (1, H)."""
        return (vectors.new_zeros(1, self.hidden_units),) * self.STATES

    def fused(self) -> Step:
        """Return the step in its fastest form, without gradients; by default, the plain one."""
        return self

    def forward(self, embedded: Tensor) -> Tensor:
        """Return the hidden states (B, T, H) of texts of word vectors (B, T, E)."""
        state = self._expanded_start(embedded)
        hidden = []
        for projected in self.project(embedded).unbind(dim=1):
            state = self.step(projected, state)
            hidden.append(state[0])
        return torch.stack(hidden, dim=1)

    def trace(self, embedded: Tensor) -> Trace:
        """Return all gates and states (B, T, H) of texts of word vectors (B, T, E)."""
        state, traces = self._expanded_start(embedded), []
        for projected in self.project(embedded).unbind(dim=1):
            state, trace = self.traced_step(projected, state)
            traces.append(trace)
        return {name: torch.stack([one[name] for one in traces], dim=1) for name in traces[0]}

    def _expanded_start(self, embedded: Tensor) -> State:
        """Return the state before the first word of each text (B, ...)."""
        return tuple(part.expand(len(embedded), -1) for part in self.initial_state(embedded))
