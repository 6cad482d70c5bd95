"""Terms of texts as sparse rows, made some texts at a time and kept on the disk.

A text has some hundred character n-grams, and the features of many distinct texts may be larger
than memory. What learns from them goes through them row by row.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from textlstm.spill import nameless, some_of

if TYPE_CHECKING:  # imported where it is needed: prediction does without it
    from scipy import sparse


def stacked(blocks: "Iterable[sparse.csr_matrix]") -> "sparse.csr_matrix":
    """Return the rows of some blocks of floats, at least one, in their order.

    They are in files without a name, which are gone with them; the system keeps of these in memory
    what it has room for.
    """
    from scipy import sparse

    sizes, width = [np.zeros(1, dtype=np.int64)], 0
    with nameless() as values, nameless() as columns:
        for block in blocks:
            block.data.astype(np.float64).tofile(values)
            block.indices.astype(np.int32).tofile(columns)
            sizes.append(np.diff(block.indptr))
            width = block.shape[1]
        ends = np.cumsum(np.concatenate(sizes))
        if not ends[-1]:  # an empty file cannot be mapped
            return sparse.csr_matrix((len(ends) - 1, width))
        entries = np.memmap(values, np.float64, "r"), np.memmap(columns, np.int32, "r")
    return sparse.csr_matrix((*entries, ends), shape=(len(ends) - 1, width))


def frequencies(found: "sparse.csr_matrix", weights: NDArray[Any]) -> NDArray[Any]:
    """Return the weight (terms,) of the texts each term stands in.

    Parameters
    ----------
    found
        How often each term stands in each text (n, terms).
    weights
        (n,), of the texts.
    """
    total = np.zeros(found.shape[1], dtype=weights.dtype)
    for some in some_of(found.shape[0]):
        total += weights[some] @ (found[some] > 0)
    return total
