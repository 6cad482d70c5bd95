"""The tree of a code book: probabilities of leaves give those of all codes.

Leaves are numbered first, in depth-first order, so that the leaves of each code are neighbours: a
span. The probability of a code is the sum over its span. Level 1 is the top.

Shapes: B records or texts, C leaves, N codes, L levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from textlstm.array_types import Floats, Integers
from textlstm.errors import InputError, quoted

MAX_LEVELS = 20
"""Levels of a book, at most: a deeper tree is a mistake in the column of parents."""


class Paths(NamedTuple):
    """The most probable path from the top to a leaf of B records.

    Attributes
    ----------
    codes
        (B, L) number of the code at each level; a leaf above the last level is repeated.
    probabilities
        (B, L) of these codes; they never rise from level to level.
    """

    codes: NDArray[np.int64]
    probabilities: Floats

    def take(self, rows: Integers) -> Self:
        """Select records."""
        return self._replace(codes=self.codes[rows], probabilities=self.probabilities[rows])


@dataclass(frozen=True)
class CodeTree:
    """Codes and their parents.

    Attributes
    ----------
    codes
        N names, the C leaves first.
    parents
        N numbers of the codes above; -1 at the top.
    descriptions
        N descriptions, empty where the book has none.
    """

    codes: tuple[str, ...]
    parents: tuple[int, ...]
    descriptions: tuple[str, ...]

    @classmethod
    def of(cls, parents: Mapping[str, str], descriptions: Mapping[str, str], source: str) -> Self:
        """Build from the parent of each code, which is empty at the top.

        Parameters
        ----------
        source
            Name of the book, for messages.

        Raises
        ------
        InputError
            If a parent is no code of the book, codes are above each other in a circle, or there
            are fewer than two leaves.

        >>> tree = CodeTree.of({"I": "", "I21": "I", "J": "", "I50": "I"}, {}, "book.csv")
        >>> tree.codes, tree.spans.tolist()
        (('I21', 'I50', 'J', 'I'), [[0, 1], [1, 2], [2, 3], [0, 2]])
        """
        children: dict[str, list[str]] = {"": []}
        for code, parent in parents.items():
            if parent and parent not in parents:
                raise InputError(
                    f"{source}: the parent {quoted(parent)} of code {quoted(code)} is no code of "
                    "the book"
                )
            children.setdefault(parent, []).append(code)
        leaves, inner, waiting = list[str](), list[str](), children[""][::-1]
        while waiting:
            code = waiting.pop()
            below = children.get(code, [])
            (inner if below else leaves).append(code)
            waiting += below[::-1]
        if len(leaves) + len(inner) < len(parents):
            lost = sorted(parents.keys() - {*leaves, *inner})
            raise InputError(f"{source}: code {quoted(lost[0])} is above itself, in a circle")
        if len(leaves) < 2:
            raise InputError(f"{source}: a book needs two codes at least")
        codes = (*leaves, *inner)
        numbers = {code: number for number, code in enumerate(codes)}
        above = tuple(numbers.get(parents[code], -1) for code in codes)
        tree = cls(codes, above, tuple(descriptions.get(code, "") for code in codes))
        if tree.n_levels > MAX_LEVELS:
            raise InputError(f"{source}: the book has more than {MAX_LEVELS} levels")
        return tree

    @property
    def n_leaves(self) -> int:
        """Return C."""
        return len(self.codes) - len(set(self.parents) - {-1})

    @property
    def leaves(self) -> tuple[str, ...]:
        """Return the C leaves."""
        return self.codes[: self.n_leaves]

    @property
    def n_levels(self) -> int:
        """Return L."""
        return int(self.levels.max())

    @cached_property
    def levels(self) -> NDArray[np.int64]:
        """Return the level of each code (N,); 1 is the top."""
        levels = np.zeros(len(self.codes), dtype=np.int64)
        above = np.arange(len(self.codes))
        while (above >= 0).any():
            levels += above >= 0
            above = np.where(above >= 0, np.array(self.parents)[above], -1)
        return levels

    @cached_property
    def spans(self) -> NDArray[np.int64]:
        """Return the first leaf of each code, and the one behind its last (N, 2)."""
        numbers = np.arange(self.n_leaves)
        spans = np.full((len(self.codes), 2), (self.n_leaves, 0), dtype=np.int64)
        above = numbers.copy()
        while (above >= 0).any():
            reached = above >= 0
            np.minimum.at(spans[:, 0], above[reached], numbers[reached])
            np.maximum.at(spans[:, 1], above[reached], numbers[reached] + 1)
            above = np.where(reached, np.array(self.parents)[above], -1)
        return spans

    def at_level(self, codes: Integers, level: int) -> NDArray[np.int64]:
        """Return the code at a level above each code (n,), or the code itself if it is higher."""
        found, parents = np.asarray(codes, dtype=np.int64).copy(), np.array(self.parents)
        while (deeper := self.levels[found] > level).any():
            found[deeper] = parents[found[deeper]]
        return found

    def codes_of_level(self, level: int) -> NDArray[np.int64]:
        """Return the numbers of the codes at a level (n,), leaves above it included, in order."""
        of_leaves = self.at_level(np.arange(self.n_leaves), level)
        return of_leaves[np.flatnonzero(np.diff(of_leaves, prepend=-1))]

    def of_level(self, probabilities: Floats, level: int) -> Floats:
        """Return the probabilities (B, n) of the codes of a level, given those of leaves (B, C)."""
        sums: Floats = np.add.reduceat(
            probabilities, self.spans[self.codes_of_level(level), 0], axis=1
        )
        return sums

    def best_paths(self, probabilities: Floats) -> Paths:
        """Return the most probable path of each record, from the top down.

        Parameters
        ----------
        probabilities
            (B, C) of the leaves.
        """
        paths, values = [], []
        chosen = np.full(len(probabilities), -1)
        for level in range(1, self.n_levels + 1):
            codes, sums = self.codes_of_level(level), self.of_level(probabilities, level)
            if level > 1:
                above = self.at_level(codes, level - 1)
                sums = np.where(above[None, :] == chosen[:, None], sums, -1.0)
            best = sums.argmax(axis=1) if len(sums) else np.zeros(0, dtype=np.int64)
            chosen = codes[best]
            paths.append(chosen)
            values.append(sums[np.arange(len(sums)), best])
        return Paths(np.stack(paths, axis=1), np.stack(values, axis=1))

    def agree(self, codes: Integers, others: Integers) -> NDArray[np.bool_]:
        """Tell which codes (n,) lie on one path with others (n,): one is the other, or above it."""
        one, other = self.spans[codes], self.spans[others]
        overlap: NDArray[np.bool_] = (one[..., 0] < other[..., 1]) & (other[..., 0] < one[..., 1])
        return overlap

    def common(self, codes: Sequence[int]) -> int:
        """Return the deepest code that has all of these below it or is one of them; -1 if none."""
        levels = min(self.levels[list(codes)].tolist())
        for level in range(levels, 0, -1):
            above = {int(one) for one in self.at_level(np.array(codes), level)}
            if len(above) == 1:
                return above.pop()
        return -1

    def to_dict(self) -> dict[str, Any]:
        """Return lists for JSON."""
        return {
            "codes": list(self.codes),
            "parents": list(self.parents),
            "descriptions": list(self.descriptions),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str) -> Self:
        """Read what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If the lists do not make a tree in the order of this class.
        """
        codes, numbers, texts = (list(values[name]) for name in cls.__dataclass_fields__)
        whole = all(type(one) is int and -1 <= one < len(codes) for one in numbers)
        named = all(isinstance(one, str) for one in (*codes, *texts))
        if not (whole and named and len(codes) == len(numbers) == len(texts) == len(set(codes))):
            raise InputError(f"{source}: the code book does not fit together")
        names = ["" if one < 0 else codes[one] for one in numbers]
        # Of another order, codes would not have their own leaves as neighbours.
        cls.of(dict(zip(codes, names, strict=True)), {}, source)
        tree = cls(tuple(codes), tuple(numbers), tuple(texts))
        n_leaves, ends = tree.n_leaves, {*numbers} - {-1}
        if min(ends, default=n_leaves) < n_leaves or not tree.has_whole_spans():
            raise InputError(f"{source}: the codes of the book are in another order")
        return tree

    def has_whole_spans(self) -> bool:
        """Tell whether the leaves of each code are neighbours."""
        counts, parents = np.zeros(len(self.codes), dtype=np.int64), np.array(self.parents)
        above = np.arange(self.n_leaves)
        while len(above := above[above >= 0]):
            np.add.at(counts, above, 1)
            above = parents[above]
        return bool((np.diff(self.spans, axis=1)[:, 0] == counts).all())
