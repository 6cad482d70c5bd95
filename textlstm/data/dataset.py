"""Data sets: a folder of data files, or a data set of the Hugging Face hub.

Only data files in the folder itself are read: its descriptions are not followed, whoever wrote
them.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textlstm.errors import InputError, listed
from textlstm.formats import ENDINGS, format_of
from textlstm.storage.atomic import name_in_errors

COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz")
"""Endings of the names of compressed files; of these, only packed text files are unpacked."""

SPLIT_NAME = re.compile(r"(train|test|validation|valid|val|dev|eval)(\W|_|\d|$)", re.IGNORECASE)
"""Beginnings of the names of files in a data set that is already divided."""

HUB = "hub:"
"""Prefix of the name of a data set on the hub."""

HUB_SECONDS = 10.0
"""Seconds that the hub may take to answer."""

DATASET_CARD, SETTINGS = "README.md", ".huggingface.yaml"
"""Files of a data set that may name files elsewhere."""

LEADS_AWAY = re.compile(r"^\s*[/\\~]|:[/\\]|::|^\s*\w+:|(^|[/\\])\.\.([/\\]|$)")
"""Signs that a file lies outside the data set: an address, a drive, an absolute path, ``..``."""

NO_FILES = ("features", "description")
"""Settings of a data set that name no files but describe its columns."""


def data_files(folder: Path) -> list[Path]:
    """Return the files that make up the table of a folder, sorted by name.

    If the names of all files begin with the name of a split (:data:`SPLIT_NAME`), the table is that
    of ``train``. If there is no data file in the folder, the table is in its folder ``train``, or
    else in its folder ``data``.

    Raises
    ------
    InputError
        If there is no data file, they have several formats, or one is a link or compressed.
    """
    with name_in_errors(folder):
        candidates = (sorted(_data_files_in(each)) for each in data_folders(folder))
        files = next(filter(None, candidates), [])
    if not files:
        raise InputError(
            f"{folder}: no data file in this folder, nor in a folder train or data in it; such "
            f"files end in {', '.join(ENDINGS)} (save a spreadsheet as .xlsx)"
        )
    splits = [SPLIT_NAME.match(path.name) for path in files]
    train = [
        path
        for path, split in zip(files, splits, strict=True)
        if split and split[1].lower() == "train"
    ]
    table = train if train and all(splits) else files
    if len(set(map(format_of, table))) > 1:
        raise InputError(
            f"{folder}: data files of several kinds, {listed([path.name for path in table])}; "
            "name one of them"
        )
    return table


def data_folders(folder: Path) -> list[Path]:
    """Return the folders that may hold the data files: a folder, its ``train`` and its ``data``."""
    return [folder, *filter(_is_folder, (folder / "train", folder / "data"))]


def _data_files_in(folder: Path) -> Iterator[Path]:
    """Yield the data files in a folder itself."""
    for path in folder.iterdir():
        if path.name.startswith((".", "_")):
            continue
        ending, endings = format_of(path), {ending.lower() for ending in path.suffixes[-2:]}
        if not ending and not endings.isdisjoint(COMPRESSED_SUFFIXES):
            raise InputError(f"{path}: this file is compressed; unpack it first")
        if not ending:
            continue
        if path.is_symlink() or not path.is_file():
            raise InputError(f"{path}: not a file of this folder but a link or the like; copy it")
        yield path


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


@contextmanager
def from_hub(source: str) -> Iterator[Path]:
    """Download the split ``train`` of a data set on the hub to a folder, which is removed later.

    Parameters
    ----------
    source
        :data:`HUB` and the id of the data set.

    Raises
    ------
    InputError
        If there is no such data set, the hub does not answer within :data:`HUB_SECONDS`, or the
        data set names files elsewhere, or holds pictures and the like.
    """
    name = source.removeprefix(HUB)
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)?", name):
        raise InputError(f"{source}: no data set of the hub is called so; give hub:owner/name")
    if Path(name).exists():  # `datasets` would load it instead
        raise InputError(f"{source}: this is a file or folder; give it without {HUB}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            _download(name, Path(folder))
        except InputError:
            raise
        except Exception as error:  # the hub, the network and every builder raise their own errors
            raise InputError(
                f"{source}: cannot be had from the hub ({type(error).__name__}); is there such a "
                "data set, and a connection?"
            ) from error
        yield Path(folder) / "train"


def _download(name: str, folder: Path) -> None:
    """Save the split ``train`` of a data set in a folder, downloads included."""
    # Imported late: it takes a second, and most tables are files.
    import datasets
    from huggingface_hub import HfApi, hf_hub_download

    info = HfApi().dataset_info(name, timeout=HUB_SECONDS)
    files = {file.rfilename for file in info.siblings or []}
    if SETTINGS in files:
        raise InputError(
            f"{HUB}{name}: its {SETTINGS} may name files that are not of the data set; download "
            "the data set, and give it as a folder"
        )
    if DATASET_CARD in files:
        card = hf_hub_download(name, DATASET_CARD, repo_type="dataset", cache_dir=folder / "hub",
                               revision=info.sha, etag_timeout=HUB_SECONDS)  # fmt: skip
        _require_own_files(Path(card), name)
    dataset = datasets.load_dataset(
        name, split="train", revision=info.sha, cache_dir=str(folder / "cache")
    )
    _save(dataset, folder / "train", name)


def _save(dataset: Any, folder: Path, name: str) -> None:
    """Save a data set, unless its cells name files that ``datasets`` would copy into it."""
    from datasets.features.features import require_storage_embed

    if any(map(require_storage_embed, dataset.features.values())):
        raise InputError(
            f"{HUB}{name}: has pictures, sounds or the like, whose cells may name files elsewhere"
        )
    dataset.save_to_disk(folder)


def _require_own_files(card: Path, name: str) -> None:
    """Raise an :class:`InputError` if a data set card names files outside the data set."""
    from huggingface_hub import DatasetCard

    # Read as `datasets` reads it: YAML spells addresses and names of settings in many ways.
    configs = DatasetCard.load(card).data.to_dict().get("configs")
    if any(LEADS_AWAY.search(text) for text in _texts_in(configs)):
        raise InputError(f"{HUB}{name}: its {card.name} names files that are not of the data set")


def _texts_in(value: Any) -> Iterator[str]:
    """Yield the texts in lists and mappings, without the settings in :data:`NO_FILES`."""
    if isinstance(value, dict):
        value = [inner for key, inner in value.items() if key not in NO_FILES]
    if isinstance(value, list):
        for inner in value:
            yield from _texts_in(inner)
    elif value is not None:
        yield str(value)
