"""Read long documents piece by piece, the recurrent state carried on from piece to piece.

A classifier reads as many tokens of a text as its recipe says, and cuts the rest off. Where
documents are longer, or grow while they are written, a network of one direction can resume from the
state that it reached: the probabilities after the last piece are those of the whole document.
MATLAB calls this ``predictAndUpdateState`` and ``resetState``.

Training never carries a state on: it reads at most ``max_length`` tokens of a text, and the
gradient flows through all of them. How far a network can be trusted behind that length has to be
measured.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from textlstm.encoding.corpus import Corpus
from textlstm.errors import InputError
from textlstm.inference.bundle import Bundle
from textlstm.models.cells.cell import State
from textlstm.models.network import Network
from textlstm.models.pooling import Memory
from textlstm.uncertainty.calibration import apply_temperature


class StatefulClassifier:
    """Classifies a document after each of its pieces.

    Parameters
    ----------
    bundle
        Of a recipe with one recurrent layer in one direction, and no linear model beside it.

    Raises
    ------
    InputError
        If the bundle is of another recipe: its predictions need the whole text.
    """

    def __init__(self, bundle: Bundle) -> None:
        if bundle.tree is not None:
            raise InputError("a model with a code book is not read piece by piece")
        network = bundle.recipe.network
        for needs_whole_texts, flag in (
            (network.bidirectional, "--no-bidirectional"),
            (bool(network.linear_c), "--linear-c 0"),
            (bool(network.lower_layers), "no --lower-layers"),
            (bool(network.convolution_width), "--convolution-width 0"),
            (bundle.vocabulary.padding == "left", "--padding right"),
        ):
            if needs_whole_texts:
                raise InputError(
                    "this model needs whole texts; one that is read piece by piece has "
                    f"{flag} in its recipe"
                )
        self._bundle = bundle
        self._members = [_Reader(network) for network in bundle.network.networks]

    def reset_state(self) -> None:
        """Forget what was read: the next piece begins a document."""
        self._members = [_Reader(network) for network in self._bundle.network.networks]

    @torch.no_grad()
    def predict_and_update_state(self, piece: str) -> NDArray[np.float64]:
        """Read a piece, and return the probabilities (C,) of the document so far.

        Parameters
        ----------
        piece
            Preprocessed text, of any length. A document without a word so far has the
            probabilities of an empty text.
        """
        bundle, ensemble = self._bundle, self._bundle.network
        tokens = bundle.vocabulary.expand_abbreviations(piece).split()
        if not tokens and not self._members[0].n_tokens:
            probabilities: NDArray[np.float64] = bundle.predict_proba([""])[0]
            return probabilities
        if tokens:
            # A vocabulary of the piece's own length cuts nothing off.
            vocabulary = replace(bundle.vocabulary, length=len(tokens))
            corpus = Corpus(vocabulary.encode([" ".join(tokens)]), vocabulary)
            batch = corpus.batch_of_texts(corpus.inverse.long()).to(ensemble.device)
            subword_vectors = ensemble.subword_vectors(batch)
            for member in self._members:
                member.read(member.network.embed(batch, subword_vectors, None))
        logits = ensemble.combine([member.logits() for member in self._members], None)
        documents = apply_temperature(logits.cpu().numpy(), bundle.temperature)
        of_document: NDArray[np.float64] = documents[0]
        return of_document


class _Reader:
    """A network, and the state and pooled memory that it has reached in a document."""

    def __init__(self, network: Network) -> None:
        self.network, self.n_tokens = network, 0
        self._direction = network.encoder.forward_direction
        self._state: State = ()
        self._memory: Memory = ()

    def read(self, vectors: Tensor) -> None:
        """Read the word vectors of a piece (1, T, E)."""
        cell, pooling = self._direction.cell, self._direction.pooling
        for projected in cell.project(vectors).unbind(dim=1):
            state = self._state or cell.initial_state(vectors)
            self._state = cell.step(projected, state)
            hidden = self._state[0]
            if self._memory:
                self._memory = pooling.add(self._memory, hidden)
            else:
                one = torch.ones(1, dtype=torch.int64, device=hidden.device)
                self._memory = pooling.start(hidden[:, None], one)
            self.n_tokens += 1

    def logits(self) -> Tensor:
        """Return the logits (1, C) of what was read."""
        lengths = torch.tensor([self.n_tokens], device=self._memory[0].device)
        return self.network.classify(self._direction.pooling.finish(self._memory, lengths))
