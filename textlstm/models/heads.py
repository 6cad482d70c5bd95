"""The head: what the outputs of networks mean, the loss they are trained by, and their mixture.

Shapes: R records, C classes.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Values = TypeVar("Values", Tensor, NDArray[np.floating[Any]])
"""Log probabilities or logits (R, C): a tensor, or an array."""


class Softmax:
    """One class of C for each record."""

    @staticmethod
    def loss(logits: Tensor, labels: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Return the cross entropy (R,) of logits (R, C) and class numbers (R,), in nats."""
        return functional.cross_entropy(
            logits, labels, reduction="none", label_smoothing=label_smoothing
        )

    @staticmethod
    def log_probs(logits: Tensor, temperature: float = 1.0) -> Tensor:
        """Return the log probabilities (R, C) of logits divided by a temperature."""
        return (logits / temperature).log_softmax(dim=1)

    @staticmethod
    def combine(
        members: Sequence[Values],
        linear: Values | None,
        linear_weight: Any,
        logit_adjustment: Any = 0.0,
        *,
        mix: Callable[[Any, Any, Any], Any] = torch.lerp,
    ) -> Values:
        """Return the logits (R, C) of a model: the mean of its members, mixed and adjusted.

        Averaging log probabilities, one temperature calibrates the whole.

        Parameters
        ----------
        members
            Log probabilities of each network; arrays come from one network at a time.
        linear
            Log probabilities of the linear model, if there is one.
        linear_weight
            Its weight in the mean, from 0 to 1.
        logit_adjustment
            (C,) added to the mean, so that rare classes are named more often.
        mix
            Gives the weighted mean of the first two arguments, the weight of the second being the
            third: :func:`torch.lerp`, or for arrays :func:`.mix_log_probs`.
        """
        several: Any = members
        mean = torch.stack(tuple(several)).mean(0) if len(members) > 1 else several[0]
        if linear is not None:
            mean = mix(mean, linear, linear_weight)
        logits: Values = mean + logit_adjustment
        return logits


class LeafSoftmax(Softmax):
    """One leaf of C for each record, known by a span of leaves that the true one is among."""

    @staticmethod
    def span_loss(logits: Tensor, spans: Tensor, label_smoothing: float = 0.0) -> Tensor:
        """Return the cross entropy (R,) of logits (R, C) and spans (R, 2), in nats.

        The probability of a span is the sum over its leaves: a label at an inner code teaches all.
        """
        losses = Softmax.loss(logits, spans[:, 0], label_smoothing)
        wide = (spans[:, 1] - spans[:, 0] > 1).nonzero().squeeze(1)
        if not len(wide):
            return losses
        first, end = spans[wide].T.unsqueeze(2)  # (W, 1) each
        leaves = torch.arange(logits.shape[1], device=logits.device)
        log_probs = logits[wide].log_softmax(dim=1)  # (W, C)
        inside = (leaves >= first) & (leaves < end)
        own = -log_probs.masked_fill(~inside, -torch.inf).logsumexp(dim=1)
        evenly = -log_probs.mean(dim=1)
        return losses.index_copy(0, wide, torch.lerp(own, evenly, label_smoothing))
