"""Class names that the ``datasets`` library keeps beside columns of class numbers."""

import json
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from textlstm.data.allowance import Allowance, unpacked_bytes
from textlstm.errors import InputError

MISFIT = "{}: its classes and their names do not fit"


def class_names_of(schema: pa.Schema, path: Path) -> dict[str, pa.Array]:
    """Return the names of the classes of columns that hold their numbers, as the schema has them.

    ``datasets`` writes them so.
    """
    known = (schema.metadata or {}).get(b"huggingface")
    if known is None:
        return {}
    try:
        classes = {
            name: feature["names"]
            for name, feature in json.loads(known)["info"]["features"].items()
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
    """Return a table with the names of classes in place of their numbers.

    A number without a name is an error, but for -1: no class. A name counts wherever it stands: a
    long one of a small file may be that of all rows.
    """
    for name, names in classes.items():
        try:
            column = _numbered(table[name], names)
        except pa.ArrowException as error:
            raise InputError(MISFIT.format(path)) from error
        allowance.spend_bytes(path, unpacked_bytes(column))
        place = table.column_names.index(name)
        table = table.set_column(place, name, column.dictionary_decode())
    return table.replace_schema_metadata()


def _numbered(numbers: pa.ChunkedArray, names: pa.Array) -> pa.DictionaryArray:
    codes = numbers.cast(pa.int64()).combine_chunks()
    codes = pc.if_else(pc.equal(codes, -1), pa.scalar(None, pa.int64()), codes)
    return pa.DictionaryArray.from_arrays(codes, names)
