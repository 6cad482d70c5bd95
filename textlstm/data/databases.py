"""Databases: the rows of a query to SQLite or PostgreSQL, read chunk by chunk and never changed."""

import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from textlstm.data.chunks import from_rows, in_chunks, require_columns
from textlstm.data.options import ReadOptions
from textlstm.data.plain_values import value_text
from textlstm.errors import InputError, quoted, without_password

ADDRESS = re.compile(r"(sqlite|postgres(?:ql)?)(\+\w+)?://")
"""Beginning of the address of a database."""

SECONDS = 10
"""Seconds that a server may take to answer, and that a lock of a file is waited for."""

READING = ("select", "with", "values", "table")
"""First words of queries that read."""

APART = re.compile(
    r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\$(\w*)\$.*?\$\1\$", re.S
)
"""Texts, names and comments of a query, whose words and semicolons are not its own."""

CAUSES = (
    (r"locked|busy", "the database is locked by another program; close that, or try again"),
    (r"read.?only|data-modifying", "the query writes; --query is only for queries that read"),
    (r"no such table: (\S+)|relation \"([^\"]+)\" does not exist", "there is no table {}"),
    (r"no such column: (\S+)|column (\S+) does not exist", "there is no column {}"),
    (r"password authentication failed|no password supplied|authentication failed",
     "the server refuses the user or the password; give them in --data, PGPASSWORD or ~/.pgpass"),
    (r"database \"([^\"]+)\" does not exist", "there is no database {}"),
    (r"permission denied", "this user may not read that table"),
    (r"syntax error|incomplete input|one statement", "the query is not valid SQL"),
    (r"not a database|malformed|corrupt", "not an SQLite database, or a damaged one"),
    (r"connect|resolve|translate host|server closed|unable to open", "cannot be opened; is the "
     "address right, and the server at work?"),
)  # fmt: skip
"""Signs of an error in what a database says, and our words for it: its own quote cells."""


def read_query(address: str, options: ReadOptions) -> Iterator[pa.Table]:
    """Yield the rows of ``options.choices.query`` in chunks, as text.

    SQLite is opened read-only; PostgreSQL answers in a read-only transaction, through a cursor on
    the server. Without a password in the address, PGPASSWORD and ``~/.pgpass`` count.

    Raises
    ------
    InputError
        If the database cannot be opened, or the query fails, writes or gives bytes. The message
        has neither a password nor a cell.
    """
    shown, query = without_password(address), _one_statement(options.choices.query)
    with _database_errors(shown), closing(_connection(address, shown, options)) as connection:
        result = connection.exec_driver_sql(query)
        names = list(map(str, result.keys()))
        require_columns(names, Path(shown))
        partitions = result.partitions(options.limits.rows_at_a_time(len(names)))
        rows = (_texts(row, names, shown) for rows in partitions for row in rows)
        yield from in_chunks(rows, lambda chunk: from_rows(chunk, names), options.limits)


def _one_statement(query: str) -> str:
    r"""Return a query that reads, without a semicolon at its end.

    >>> _one_statement("select 'a;b' -- all of it\n from deaths; ")
    "select 'a;b' -- all of it\n from deaths"
    """
    own = APART.sub(" x ", re.sub(r"^(\s|--[^\n]*\n|/\*.*?\*/)*", "", query, flags=re.S)).strip()
    words = own.lower().lstrip("( ").split(maxsplit=1)
    if not words or words[0] not in READING:
        raise InputError(
            "--query: only a query that reads is sent to a database; it begins with select or with"
        )
    if ";" in own.rstrip("; \n\t"):
        raise InputError("--query: one query at a time; leave out what follows the semicolon")
    return query.strip().rstrip("; \n\t")


def _connection(address: str, shown: str, options: ReadOptions) -> Any:
    """Connect to a database, for reading alone."""
    try:
        import sqlalchemy
        from sqlalchemy.pool import NullPool
    except ImportError as error:
        raise _not_installed(shown) from error
    if address.startswith("sqlite"):
        path = Path(address.partition(":///")[2])
        if not path.is_file():
            raise InputError(f"{shown}: no such file (sqlite:///deaths.db, or four slashes: /data)")
        name = f"file:{quote(str(path.absolute()))}?mode=ro"

        def connect() -> sqlite3.Connection:
            return sqlite3.connect(name, uri=True, timeout=SECONDS, check_same_thread=False)

        return sqlalchemy.create_engine("sqlite://", creator=connect, poolclass=NullPool).connect()
    try:
        engine = sqlalchemy.create_engine(
            sqlalchemy.make_url(address).set(drivername="postgresql+psycopg"),
            poolclass=NullPool,
            connect_args={"connect_timeout": SECONDS},
        )
    except ImportError as error:
        raise _not_installed(shown) from error
    return engine.connect().execution_options(
        postgresql_readonly=True,
        stream_results=True,
        no_parameters=True,
        max_row_buffer=options.limits.chunk_rows,
    )


def _not_installed(shown: str) -> InputError:
    return InputError(
        f"{shown}: a database needs SQLAlchemy, and PostgreSQL psycopg; in the folder of textlstm "
        "run python -m pip install '.[sql]'"
    )


@contextmanager
def _database_errors(shown: str) -> Iterator[None]:
    """Raise every error of the block as an :class:`InputError` in our own words."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:  # SQLAlchemy's, of drivers, and of values that cannot be decoded
        said = str(getattr(error, "orig", None) or error)
        raise InputError(f"{shown}: {_cause(said, type(error).__name__)}") from None


def _cause(said: str, kind: str) -> str:
    """Return the cause of an error by the words of a database; it names only tables and columns."""
    for sign, cause in CAUSES:
        if found := re.search(sign, said.partition("\n")[0], re.IGNORECASE):
            return cause.format(*map(quoted, filter(None, found.groups())))
    return f"the query cannot be answered ({kind}); try it in a program of the database"


def _texts(row: Sequence[Any], names: Sequence[str], shown: str) -> list[str]:
    """Return the values of a row as text."""
    texts = []
    for value, name in zip(row, names, strict=True):
        if isinstance(value, bytes | memoryview):
            raise InputError(f"{shown}: column {quoted(name)} has bytes, not text; decode it first")
        if isinstance(value, list | dict):
            texts.append(json.dumps(value, ensure_ascii=False, default=str))
        else:
            texts.append(value_text(value))
    return texts
