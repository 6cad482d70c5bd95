"""Class names that the ``datasets`` library stores with columns of class numbers."""

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from textlstm.data.allowance import Allowance, unpacked_bytes
from textlstm.errors import InputError

MISFIT = "{}: its classes and their names do not fit"


def class_names_of(schema: pa.Schema, path: Path) -> dict[str, pa.Array]:
    """Return the class names of columns of class numbers, from the metadata of ``datasets``."""
    metadata = (schema.metadata or {}).get(b"huggingface")
    if metadata is None:
        return {}
    try:
        classes = {
            name: feature["names"]
            for name, feature in json.loads(metadata)["info"]["features"].items()
            if feature.get("_type") == "ClassLabel" and name in schema.names
        }
        if not all(isinstance(names, list) for names in classes.values()):
            raise TypeError("names that are no list")
        return {name: pa.array(names, pa.string()) for name, names in classes.items()}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(MISFIT.format(path)) from error


def name_classes(
    table: pa.Table, classes: Mapping[str, pa.Array], path: Path, allowance: Allowance
) -> pa.Table:
    """Replace class numbers by class names.

    A number without a name is an error; -1 stands for no class. A name is counted in each row: in a
    small file, all rows may have one long name.
    """
    for name, names in classes.items():
        try:
            column = _named(table[name], names)
        except pa.ArrowException as error:
            raise InputError(MISFIT.format(path)) from error
        allowance.spend_bytes(path, unpacked_bytes(column))
        number = table.column_names.index(name)
        table = table.set_column(number, name, column.dictionary_decode())
    return table.replace_schema_metadata()


def _named(numbers: pa.ChunkedArray, names: pa.Array) -> pa.DictionaryArray:
    codes = numbers.cast(pa.int64()).combine_chunks()
    # Imported late: it takes longer than the first look at a file.
    from pyarrow.compute import equal, if_else

    codes = if_else(equal(codes, -1), pa.scalar(None, pa.int64()), codes)
    return pa.DictionaryArray.from_arrays(codes, names)
