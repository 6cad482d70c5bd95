"""Data sets: a folder of data files, or one of the Hugging Face hub.

Of a folder, its own data files are read and nothing else: what its descriptions say is not
followed, whoever wrote them.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textlstm.errors import InputError, listed
from textlstm.storage.atomic import name_in_errors

KINDS = (".csv", ".tsv", ".jsonl", ".parquet", ".arrow")
"""How the names of data files end."""

COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz")
"""Endings of what is never unpacked."""

SPLIT = re.compile(r"(train|test|validation|valid|val|dev|eval)(\W|_|\d|$)", re.IGNORECASE)
"""How the files of a data set begin that is divided already."""

HUB = "hub:"
"""What the name of a data set on the hub begins with."""

HUB_SECONDS = 10.0
"""So long the hub may be silent."""

DATASET_CARD, SETTINGS = "README.md", ".huggingface.yaml"
"""Files of a data set that may send whoever follows them elsewhere."""

LEADS_AWAY = re.compile(r"^\s*[/\\~]|:[/\\]|::|^\s*\w+:|(^|[/\\])\.\.([/\\]|$)")
"""What no name of a file in a data set has: an address, a drive, an absolute path, a way up."""

NO_FILES = ("features", "description")
"""Settings of a table that name columns and say what it is."""


def data_files(folder: Path) -> list[Path]:
    """Return the files that are the table of a folder, by name.

    Where all files are called after the part of the data that they are, :data:`SPLIT`, those of
    ``train`` are the table. If there is no data file in the folder, those of the folder ``train``
    in it are taken, or else of the folder ``data``.

    Raises
    ------
    InputError
        If there is none, they are of several kinds, or one is a link or compressed.
    """
    with name_in_errors(folder):
        found = next(filter(None, (sorted(_entries(place)) for place in places(folder))), [])
    if not found:
        raise InputError(
            f"{folder}: no data file in this folder, nor in a folder train or data in it; such "
            f"files end in {', '.join(KINDS)} (save a spreadsheet as CSV)"
        )
    parts = [SPLIT.match(path.name) for path in found]
    train = [
        path for path, part in zip(found, parts, strict=True) if part and part[1].lower() == "train"
    ]
    chosen = train if train and all(parts) else found
    if len({path.suffix.lower() for path in chosen}) > 1:
        raise InputError(
            f"{folder}: data files of several kinds, {listed([path.name for path in chosen])}; "
            "name one of them"
        )
    return chosen


def places(folder: Path) -> list[Path]:
    """Return the folders where data files are looked for: a folder, and some of those in it."""
    return [folder, *filter(_is_folder, (folder / "train", folder / "data"))]


def _entries(folder: Path) -> Iterator[Path]:
    """Yield the data files that lie in a folder itself."""
    for path in folder.iterdir():
        if path.name.startswith((".", "_")):
            continue
        endings = {ending.lower() for ending in path.suffixes[-2:]}
        if not endings.isdisjoint(COMPRESSED_SUFFIXES):
            raise InputError(f"{path}: this file is compressed; unpack it first")
        if path.suffix.lower() not in KINDS:
            continue
        if path.is_symlink() or not path.is_file():
            raise InputError(f"{path}: not a file of this folder but a link or the like; copy it")
        yield path


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


@contextmanager
def from_hub(source: str) -> Iterator[Path]:
    """Give a folder that holds the split ``train`` of a data set on the hub, then remove it.

    Parameters
    ----------
    source
        :data:`HUB` and the id of the data set.

    Raises
    ------
    InputError
        If there is no such data set, the hub does not answer within :data:`HUB_SECONDS`, or the
        data set names files that lie elsewhere, or holds pictures and the like.
    """
    name = source.removeprefix(HUB)
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name):
        raise InputError(f"{source}: no data set of the hub is called so; give hub:owner/name")
    if Path(name).exists():  # which `datasets` would load in its place
        raise InputError(f"{source}: this is a file or folder; give it without {HUB}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            _download(name, Path(folder))
        except InputError:
            raise
        except Exception as error:  # the hub, the network and every builder raise their own kinds
            raise InputError(
                f"{source}: cannot be had from the hub ({type(error).__name__}); is there such a "
                "data set, and a connection?"
            ) from error
        yield Path(folder) / "train"


def _download(name: str, folder: Path) -> None:
    """Save the split ``train`` of a data set in a folder; what is fetched for it stays there."""
    # Imported late: it takes a second, and most tables are files.
    import datasets
    from huggingface_hub import HfApi, hf_hub_download

    known = HfApi().dataset_info(name, timeout=HUB_SECONDS)
    files = {one.rfilename for one in known.siblings or []}
    if SETTINGS in files:
        raise InputError(
            f"{HUB}{name}: its {SETTINGS} may name files that are not of the data set; download "
            "the data set, and give it as a folder"
        )
    if DATASET_CARD in files:
        card = hf_hub_download(name, DATASET_CARD, repo_type="dataset", cache_dir=folder / "hub",
                               revision=known.sha, etag_timeout=HUB_SECONDS)  # fmt: skip
        _require_own_files(Path(card), name)
    dataset = datasets.load_dataset(
        name, split="train", revision=known.sha, cache_dir=str(folder / "cache")
    )
    _save(dataset, folder / "train", name)


def _save(dataset: Any, folder: Path, name: str) -> None:
    """Save a data set, unless ``datasets`` would copy files into it that its cells name."""
    from datasets.features.features import require_storage_embed

    if any(map(require_storage_embed, dataset.features.values())):
        raise InputError(
            f"{HUB}{name}: has pictures, sounds or the like, whose cells may name files elsewhere"
        )
    dataset.save_to_disk(folder)


def _require_own_files(card: Path, name: str) -> None:
    """Raise an :class:`InputError` if a card sends ``datasets`` elsewhere for the records."""
    from huggingface_hub import DatasetCard

    # Read as `datasets` reads it: YAML spells addresses and names of settings in many ways.
    configs = DatasetCard.load(card).data.to_dict().get("configs")
    if any(LEADS_AWAY.search(text) for text in _texts_in(configs)):
        raise InputError(f"{HUB}{name}: its {card.name} names files that are not of the data set")


def _texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in lists and mappings, but for what names no file."""
    if isinstance(value, dict):
        value = [inner for key, inner in value.items() if key not in NO_FILES]
    if isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)
    elif value is not None:
        yield str(value)
