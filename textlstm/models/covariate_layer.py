"""The covariate layer: what numbers and categories beside the text add to the logits.

Sums of logits are products of odds: where text and covariates are independent within each class,
the class follows from both by the sum of what each says (naive Bayes). So the layer is linear,
behind the network that reads the text; where all covariates are missing, it adds nothing.

Shapes: R records, K features, C classes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from textlstm.models.dropout import dropout_mask


class CovariateLayer(nn.Module):
    """A linear layer over the features of covariates, which starts at zero.

    In training, all covariates of a record are dropped now and then, and single ones as often, so
    that records without them are predicted as well as by a model that never read any.

    Parameters
    ----------
    sizes
        Features of each covariate; they sum to K.
    n_classes
        C.
    dropped
        Share of the records that are read without any covariate, and of those that are read
        without a single one.
    """

    def __init__(self, sizes: Sequence[int], n_classes: int, dropped: float) -> None:
        super().__init__()
        self.sizes, self.dropped = tuple(sizes), dropped
        self.weight = nn.Parameter(torch.zeros(n_classes, sum(sizes)))

    def forward(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return what the features (R, K) add to the logits (R, C); a generator drops some."""
        if generator is not None and self.dropped:
            features = features * self._kept(features, generator)
        return features @ self.weight.T

    def _kept(self, features: Tensor, generator: torch.Generator) -> Tensor:
        """Draw which features are read (R, K): 1, or 0 for all features of a covariate."""
        n_records, n_covariates = len(features), len(self.sizes)
        shape = features.new_empty(n_records, 1 + n_covariates)
        kept = (dropout_mask(shape, self.dropped, generator) > 0).to(features.dtype)
        sizes = torch.tensor(self.sizes, device=features.device)
        return kept[:, :1] * kept[:, 1:].repeat_interleave(sizes, dim=1)
