"""Labels as they stand in a table: written alike, and what about them is seldom meant."""

import unicodedata
from collections.abc import Callable, Iterable, Mapping

from textlstm.errors import InputError, counted, listed, quoted
from textlstm.text.cleaning import LONE_SURROGATE, without_invisible

MISSING_MARKS = frozenset(
    "na n/a #n/a #na <na> nan null #null! (null) none (none) nil missing (missing) (blank)"
    " . .. ... - -- --- ? ??".split()
)
"""What stands in cells of tables where a value is missing, in lower case."""

LONGEST_LABEL = 1000
"""Characters of a label, at most: longer ones are texts."""

LIST_SIGNS = (";", "|")
"""Signs between the items of a list, seldom found in a name."""

NAME_SIGNS = (",", "/", "+")
"""Signs between the items of a list that are found in names as well."""

MANY, MANY_SHARE = 5, 0.1
"""So many labels, and so large a share of them, have a list's sign where lists are meant."""


def plain_label(label: str) -> str:
    r"""Return a label with single spaces, composed, without invisible characters.

    What looks the same is the same.

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
    """Return what about labels is seldom meant: in how many records, and in which labels.

    Nothing is changed by it: a person decides what was meant.

    Parameters
    ----------
    records
        How many records have each label, as :func:`plain_label` gives it.

    Returns
    -------
    dict
        ``labels_alike`` but for upper and lower case, ``labels_like_missing`` cells, and
        ``labels_like_lists``, those there are: the records, and some of the labels in words.

    >>> label_warnings({"Fall": 3, "fall": 1, "NA": 2, "MI": 9})
    {'labels_alike': (4, "'Fall', 'fall'"), 'labels_like_missing': (2, "'NA'")}
    """
    found = {
        "labels_alike": _near_duplicates(records),
        "labels_like_missing": [one for one in records if one.lower() in MISSING_MARKS],
    }
    told = {name: (_count(records, ones), listed(ones)) for name, ones in found.items() if ones}
    for sign in (*LIST_SIGNS, *NAME_SIGNS):
        if lists := _looks_like_lists(records, sign):
            contain = counted(len(lists), "label contains", "labels contain")
            named = f"{contain} {quoted(sign)}, such as {quoted(lists[0])}"
            return told | {"labels_like_lists": (_count(records, lists), named)}
    return told


def _count(records: Mapping[str, int], labels: Iterable[str]) -> int:
    return sum(records[label] for label in labels)


def _near_duplicates(labels: Iterable[str]) -> list[str]:
    """Return the labels that differ from another one in case only, side by side."""
    forms: dict[str, list[str]] = {}
    for label in sorted(labels):
        forms.setdefault(unicodedata.normalize("NFC", label.casefold()), []).append(label)
    return [label for same in forms.values() if len(same) > 1 for label in same]


def _looks_like_lists(labels: Mapping[str, int], sign: str) -> list[str]:
    """Return the labels that are lists of others between a sign, if so much speaks for it."""
    pieces = {
        label: [piece.strip() for piece in label.split(sign) if piece.strip()]
        for label in labels
        if sign in label
    }
    pieces = {label: parts for label, parts in pieces.items() if len(parts) > 1}
    of_labels: Callable[[Iterable[bool]], bool] = any if sign in LIST_SIGNS else all
    sure = [label for label, parts in pieces.items() if of_labels(part in labels for part in parts)]
    many = len(pieces) >= MANY and len(pieces) >= MANY_SHARE * len(labels)
    return sorted(pieces) if sign in LIST_SIGNS and (sure or many) else sorted(sure)
