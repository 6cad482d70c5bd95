"""Types of NumPy arrays that several wings share.

A type says what the numbers of an array are; its shape stands in the docstring of whatever takes or
holds it, as (n,) or (B, C): n records, B distinct inputs, C classes.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Probabilities, losses, shares."""

Flags = NDArray[np.bool_]
"""Truth values: whether something holds of each record, or of each class."""

Counts = NDArray[np.int64]
"""Numbers of records, and other counts."""

Labels = NDArray[np.int64]
"""Class numbers; -1 stands for a class that the model does not know."""

Integers = NDArray[np.integer[Any]]
"""Row numbers and class numbers, in whatever precision."""

Numbers = NDArray[np.floating[Any]]
"""Logits and weights of records, in whatever precision the training keeps them."""
