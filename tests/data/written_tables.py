"""Tables as the tests write and read them."""

import pyarrow as pa

from textlstm.data.options import Limits
from textlstm.data.readers import iter_tables


def read_all(path, **limits):
    """A whole table, read in chunks of other sizes than those of the stages."""
    return pa.concat_tables(iter_tables(path, limits=Limits(**limits)))


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)
