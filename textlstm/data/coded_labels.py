"""Labels by a code book: spelled as the book has them, and mapped from another revision."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import pandas as pd

from textlstm.codes.shipped import LIBRARIES, spelled
from textlstm.codes.tree import CodeTree
from textlstm.data.code_books import MAX_DESCRIPTION, read_book, read_crosswalk
from textlstm.data.distinct import relabel
from textlstm.data.labels import plain_label
from textlstm.disclosure import SMALLEST_SHOWN
from textlstm.errors import counted, listed
from textlstm.uncertainty.intervals import tenths

MAIN_SHARE = 0.95
"""Share of an old code's records from which one new code stands for it alone."""


@dataclass(frozen=True)
class CodedLabels:
    """Labels of records in the codes of a book.

    Attributes
    ----------
    labels
        Of the records; those outside the book stay as they are.
    tree
        The book; None without one.
    lines
        What was mapped, cut or not found, in words.
    """

    labels: pd.Series
    tree: CodeTree | None
    lines: list[str]

    @property
    def codes(self) -> tuple[str, ...]:
        """Return the codes of the book; none without one."""
        return () if self.tree is None else self.tree.codes

    @classmethod
    def of(cls, labels: pd.Series, codes: str, crosswalk: str = "") -> Self:
        """Map the labels of records.

        Parameters
        ----------
        codes, crosswalk
            As in :class:`.DataConfig`.

        Raises
        ------
        InputError
            If the book or the crosswalk is not as it must be.
        """
        if not codes:
            return cls(labels, None, [])
        labels = relabel(labels, plain_label)
        counts = labels.value_counts()
        names = [str(name) for name in counts.index if name]
        table = read_crosswalk(crosswalk) if crosswalk else {}
        spellings = _spellings(
            codes, [*names, *(new for shares in table.values() for new in shares)]
        )
        tree, long = read_book(codes, list(spellings.values()))
        numbers = {code: number for number, code in enumerate(tree.codes)}
        new, lines = {name: spellings[name] for name in names}, list[str]()
        if long:
            cut = counted(long, "description", "descriptions")
            lines.append(f"{cut} of the book cut to {MAX_DESCRIPTION:,} characters")
        old = [name for name in names if name in table and new[name] not in numbers]
        for name in old:
            shares = {spellings[code]: share for code, share in table[name].items()}
            new[name] = _one_code(shares, tree, numbers) or name
        if crosswalk:
            lines += _crosswalk_lines([name for name in old if new[name] in numbers], old, counts)
        outside = [name for name in names if new[name] not in numbers]
        if outside:
            lines.append(_outside_line(outside, counts))
        inside = {numbers[code] for code in new.values() if code in numbers}
        levels = Counter(tree.levels[sorted(inside)].tolist())
        used = ", ".join(f"{levels[level]} at level {level}" for level in sorted(levels)) or "none"
        lines.append(f"codes in use: {used}; the book has {len(tree.leaves)} leaves")
        return cls(relabel(labels, lambda name: new.get(name, name)), tree, lines)


def _spellings(codes: str, names: Sequence[str]) -> dict[str, str]:
    """Return names as the book spells them: those of a shipped book may lack dots."""
    return dict(zip(names, spelled(codes, names) if codes in LIBRARIES else names, strict=True))


def _outside_line(outside: Sequence[str], counts: pd.Series) -> str:
    """Count the codes outside the book, and name some that many records have.

    In a wrong column the cells are texts of records, few of which stand in many.
    """
    n_records = int(counts[list(outside)].sum())
    named = [name for name in outside if counts[name] >= SMALLEST_SHOWN][:3]
    such = f", such as {listed(named)}" if named else ""
    return (
        f"{counted(n_records, 'record')} ({tenths(n_records / int(counts.sum()))}) of "
        f"{counted(len(outside), 'code')} outside the book{such}; promises count them as errors"
    )


def _crosswalk_lines(mapped: Sequence[str], old: Sequence[str], counts: pd.Series) -> list[str]:
    """Say which old codes were mapped, and for which the crosswalk gives no code of the book."""
    n_records = int(counts[list(mapped)].sum())
    line = f"the crosswalk maps {counted(len(mapped), 'code')} of {counted(n_records, 'record')}"
    lost = sorted({*old} - {*mapped})
    return [line] + [f"the crosswalk gives no code of the book for {listed(lost)}"] * bool(lost)


def _one_code(shares: Mapping[str, float], tree: CodeTree, numbers: Mapping[str, int]) -> str:
    """Return the code that stands for several: the main one, or what all have above them.

    Empty if one is not in the book, or they have nothing in common.
    """
    if any(code not in numbers for code in shares):
        return ""
    for code, share in shares.items():
        if len(shares) == 1 or share >= MAIN_SHARE:
            return code
    above = tree.common([numbers[code] for code in shares])
    return "" if above < 0 else tree.codes[above]
