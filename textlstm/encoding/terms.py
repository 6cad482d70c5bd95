"""Terms of texts as sparse rows, made some texts at a time and kept on the disk.

A text has some hundred character n-grams, and the features of many distinct texts may be larger
than memory. What learns from them goes through them row by row.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from textlstm.storage.arrays import row_blocks

if TYPE_CHECKING:
    from scipy import sparse


def document_frequencies(found: "sparse.csr_matrix", weights: NDArray[Any]) -> NDArray[Any]:
    """Return the weight (terms,) of the texts each term stands in.

    Parameters
    ----------
    found
        How often each term stands in each text (n, terms).
    weights
        (n,), of the texts.
    """
    total = np.zeros(found.shape[1], dtype=weights.dtype)
    for some in row_blocks(found.shape[0]):
        total += weights[some] @ (found[some] > 0)
    return total


def field_numbers(ids: Tensor, separator: int, n_fields: int) -> Tensor:
    """Return in which field, from 0, each word of texts (B, T) stands.

    >>> import torch
    >>> field_numbers(torch.tensor([[5, 2, 6, 7]]), separator=2, n_fields=2)
    tensor([[0, 1, 1, 1]])
    """
    return (ids == separator).cumsum(dim=1).clamp(max=n_fields - 1)
