"""Labels: normalise them, and warn of labels that are seldom meant."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping

from textlstm.errors import InputError, counted, listed, quoted
from textlstm.text.cleaning import LONE_SURROGATE, without_invisible

MISSING_MARKS = frozenset(
    "na n/a #n/a #na <na> nan null #null! (null) none (none) nil missing (missing) (blank)"
    " . .. ... - -- --- ? ??".split()
)
"""Cells of tables that stand for a missing value, in lower case."""

LONGEST_LABEL = 1000
"""Characters of a label, at most: a longer label is a text."""

LIST_SIGNS = (";", "|")
"""Signs between the items of a list that seldom occur in names."""

NAME_SIGNS = (",", "/", "+")
"""Signs between the items of a list that occur in names as well."""

MANY, MANY_SHARE = 5, 0.1
"""Labels, and share of labels, that contain a sign where lists are meant, at least."""


def plain_label(label: str) -> str:
    r"""Return a label with single spaces, in composed Unicode, without invisible characters.

    Labels that look the same become equal.

    >>> plain_label("\ufeff  Heart\u00a0 dis\u200bease\n")
    'Heart disease'
    """
    label = unicodedata.normalize("NFC", LONE_SURROGATE.sub("\ufffd", label))
    return " ".join(without_invisible(label).split())


def require_short(labels: Iterable[str]) -> None:
    """Raise an :class:`InputError` if a label is longer than :data:`LONGEST_LABEL`."""
    longest = max(map(len, labels), default=0)
    if longest > LONGEST_LABEL:
        raise InputError(
            f"a label has {longest:,} characters, and {LONGEST_LABEL:,} at most may be; is this a "
            "column of texts?"
        )


def label_warnings(records: Mapping[str, int]) -> dict[str, tuple[int, str]]:
    """Find labels that are seldom meant: count their records, and name examples.

    Nothing is changed: a person decides what was meant.

    Parameters
    ----------
    records
        Number of records of each label, which is normalised by :func:`plain_label`.

    Returns
    -------
    dict
        ``labels_alike`` (they differ in upper and lower case only), ``labels_like_missing`` and
        ``labels_like_lists``, if there are any: the number of records, and examples of the labels.

    >>> label_warnings({"Fall": 3, "fall": 1, "NA": 2, "MI": 9})
    {'labels_alike': (4, "'Fall', 'fall'"), 'labels_like_missing': (2, "'NA'")}
    """
    odd = {
        "labels_alike": _near_duplicates(records),
        "labels_like_missing": [label for label in records if label.lower() in MISSING_MARKS],
    }
    warnings = {
        kind: (_count_records(records, labels), listed(labels))
        for kind, labels in odd.items()
        if labels
    }
    for sign in (*LIST_SIGNS, *NAME_SIGNS):
        if lists := _looks_like_lists(records, sign):
            contain = counted(len(lists), "label contains", "labels contain")
            named = f"{contain} {quoted(sign)}, such as {quoted(lists[0])}"
            return warnings | {"labels_like_lists": (_count_records(records, lists), named)}
    return warnings


def _count_records(records: Mapping[str, int], labels: Iterable[str]) -> int:
    return sum(records[label] for label in labels)


def _near_duplicates(labels: Iterable[str]) -> list[str]:
    """Return the labels that differ from another label in case only, next to each other."""
    spellings: dict[str, list[str]] = {}
    for label in sorted(labels):
        spellings.setdefault(unicodedata.normalize("NFC", label.casefold()), []).append(label)
    return [label for same in spellings.values() if len(same) > 1 for label in same]


def _looks_like_lists(labels: Mapping[str, int], sign: str) -> list[str]:
    """Return the labels that look like lists whose items a sign separates.

    A label is a list if its items are labels themselves: any item where the sign is seldom in
    names, else all items. Where the sign is seldom in names and many labels contain it, all of
    these labels are lists.
    """
    items = {
        label: [item.strip() for item in label.split(sign) if item.strip()]
        for label in labels
        if sign in label
    }
    items = {label: several for label, several in items.items() if len(several) > 1}
    enough: Callable[[Iterable[bool]], bool] = any if sign in LIST_SIGNS else all
    sure = [label for label, several in items.items() if enough(item in labels for item in several)]
    many = len(items) >= MANY and len(items) >= MANY_SHARE * len(labels)
    return sorted(items) if sign in LIST_SIGNS and (sure or many) else sorted(sure)
