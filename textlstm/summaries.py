"""Schemas of the summaries: of the records of a run, and of a training in its bundle."""

from typing import TypedDict

from textlstm.metrics_file import UncodableJson


class RecordsSummary(TypedDict):
    """What ``preprocess`` writes about a table to ``summary.json``.

    ``rows`` and ``distinct_texts`` are numbers; ``dropped`` holds the numbers of records that are
    left out by reason, ``handled`` those of cells that were changed by kind, and ``borderline`` the
    classes that one record less would have made rare.
    """

    rows: int
    dropped: dict[str, int]
    distinct_texts: int
    handled: dict[str, int]
    uncodable: UncodableJson
    borderline: list[str]


TrainingSummary = TypedDict(
    "TrainingSummary",
    {
        "text fields": int,
        "text columns": list[str],
        "label column": str,
        "recipe": str,
        "seed": int,
        "device": str,
        "training records": int,
        "validation records": int,
        "share of unknown words": float,
        "mean probability": float,
        "share of records whose class the model cannot give": float,
    },
    total=False,
)
"""What a bundle says of its training; the model card shows it word for word."""
