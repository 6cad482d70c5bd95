"""Queries to SQLite, and to a real PostgreSQL where one is installed."""

import sqlite3
import sys
import time
from urllib.parse import quote

import postgresql
import pyarrow as pa
import pytest

from textlstm.data.options import Limits, TableChoices
from textlstm.data.readers import iter_tables
from textlstm.errors import InputError, visible

SECRET = "zebedee"
"""A name in the records that no error may show."""


def answer(address, query, **limits):
    chunks = iter_tables(address, limits=Limits(**limits), choices=TableChoices(query=query))
    return pa.concat_tables(chunks).to_pydict()


def refused(address, query, message):
    with pytest.raises(InputError, match=message) as caught:
        answer(address, query)
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert postgresql.PASSWORD not in str(caught.value)


@pytest.fixture
def sqlite(tmp_path):
    path = tmp_path / "de aths?.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table deaths (cause text, age, photo blob)")
        rows = [("fall; 100%:at 'home'", 1.0, None), (SECRET, 50, None), (None, 0.5, None),
                ("NA", "0123", None)]  # fmt: skip
        connection.executemany("insert into deaths values (?, ?, ?)", rows)
    connection.close()
    return f"sqlite:///{path}"


def test_rows_of_a_query_are_text_in_chunks_of_any_size(sqlite):
    query = "select cause, age from deaths -- all; of them\n order by rowid;"
    expected = {
        "cause": ["fall; 100%:at 'home'", SECRET, "", "NA"],
        "age": ["1", "50", "0.5", "0123"],
    }
    assert answer(sqlite, query) == expected
    assert answer(sqlite, query, chunk_rows=1) == expected
    like = (
        "/* why */ with d as (select * from deaths) select cause from d where cause like 'f%:at%'"
    )
    assert answer(sqlite, like) == {"cause": expected["cause"][:1]}
    assert answer(sqlite, "select cause from deaths where 0") == {"cause": []}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("delete from deaths", "only a query that reads"),
        (" ", "only a query that reads"),
        ("pragma user_version = 3", "only a query that reads"),
        ("select 1; delete from deaths", "one query at a time"),
        ("with x as (select 1) delete from deaths", "the query writes"),
        ("select * from death", "there is no table 'death'"),
        ("select reason from deaths", "there is no column 'reason'"),
        ("select from where", "not valid SQL"),
        ("select cause, cause from deaths", "'cause' stands there twice"),
        (f"select cast('{SECRET}' as blob) as photo", "column 'photo' has bytes"),
        ("select cast(x'ff7a6562' as text) as t", "the query cannot be answered"),
    ],
)
def test_mistakes_are_told_in_one_line(sqlite, query, message):
    refused(sqlite, query, message)
    assert len(answer(sqlite, "select * from deaths")["cause"]) == 4


def test_a_locked_missing_or_other_file_is_told(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr("textlstm.data.databases.SECONDS", 0.1)
    with sqlite3.connect(sqlite.removeprefix("sqlite:///")) as writer:
        writer.execute("begin exclusive")
        refused(sqlite, "select * from deaths", "locked by another program")
    writer.close()
    refused(f"sqlite:///{tmp_path}/no.db", "select 1", "no such file")
    assert not (tmp_path / "no.db").exists()
    (tmp_path / "text.db").write_text("cause,label\n" * 100)
    refused(f"sqlite:///{tmp_path}/text.db", "select * from x", "not an SQLite database")


def test_a_query_and_a_database_belong_together(sqlite, tmp_path):
    with pytest.raises(InputError, match="a database; --query says which rows"):
        answer(sqlite, "")
    with pytest.raises(InputError, match="--query is for a database"):
        answer("deaths.csv", "select 1")
    with pytest.raises(InputError, match="an address, not a file"):
        answer("mysql://host/deaths", "")


def test_without_its_libraries_a_database_says_what_to_install(sqlite, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    refused("postgresql://ann:x@127.0.0.1:1/x", "select 1", r"install '\.\[sql\]'")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    refused(sqlite, "select 1", r"install '\.\[sql\]'")


@pytest.mark.parametrize(
    "address",
    ["postgresql://ann:{}@127.0.0.1:1/x", "postgresql+psycopg://:{}@127.0.0.1:1/x",
     "postgres://127.0.0.1:1/x?user=ann&password={}"],
)  # fmt: skip
def test_no_message_has_the_password(address):
    given = address.format("s3cret")
    assert "s3cret" not in visible(f"error: {given}: no")
    with pytest.raises(InputError, match="cannot be opened; is the address right") as caught:
        answer(given, "select 1")
    assert "s3cret" not in str(caught.value)


@pytest.fixture(scope="module")
def server():
    psycopg = pytest.importorskip("psycopg")
    if None in (postgresql.program("initdb"), postgresql.unprivileged()):
        pytest.skip("PostgreSQL is not installed")
    with postgresql.server() as address:
        deadline = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(address, password=postgresql.PASSWORD) as connection:
                    break
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        with psycopg.connect(address, password=postgresql.PASSWORD) as connection:
            connection.execute(
                "create table deaths as select 'fall ' || n as cause, n, n / 2.0 as half, "
                "date '2020-01-31' as day, timestamptz '2020-01-31 14:05:00+00' as moment, "
                "n > 1 as yes, jsonb_build_object('a', n) as more, null::text as none "
                "from generate_series(1, 5000) as n"
            )
            connection.execute("create sequence numbers")
        connection.close()
        yield address


def with_password(address):
    return address.replace("ann@", f"ann:{quote(postgresql.PASSWORD, safe='')}@")


def test_postgresql_is_read_in_chunks(server):
    query = "select * from deaths where cause like 'fall%' and day::text <> ':x' order by n limit 2"
    table = answer(with_password(server), query, chunk_rows=1)
    moments = table.pop("moment")
    assert table == {
        "cause": ["fall 1", "fall 2"], "n": ["1", "2"], "half": ["0.50000000000000000000",
        "1.00000000000000000000"], "day": ["2020-01-31"] * 2, "yes": ["False", "True"],
        "more": ['{"a": 1}', '{"a": 2}'], "none": ["", ""],
    }  # fmt: skip
    assert all("+" in moment or "-" in moment[10:] for moment in moments)
    chunks = iter_tables(
        with_password(server), limits=Limits(chunk_rows=1000),
        choices=TableChoices(query="select n from deaths"),
    )  # fmt: skip
    assert [len(chunk) for chunk in chunks] == [1000] * 5


def test_the_password_may_stand_elsewhere(server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", postgresql.PASSWORD)
    assert answer(server, "select 1 as a") == {"a": ["1"]}
    monkeypatch.setenv("PGPASSWORD", "other")
    refused(server, "select 1", "refuses the user or the password")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select * from death", "there is no table 'death'"),
        ("select reason from deaths", "there is no column"),
        ("select from where", "not valid SQL"),
        ("with x as (delete from deaths returning n) select * from x", "the query writes"),
        ("select nextval('numbers')", "the query writes"),
        ("select 1; drop table deaths", "one query at a time"),
        (f"select '{SECRET}'::int", "the query cannot be answered"),
        (f"select '{SECRET}'::bytea as photo", "column 'photo' has bytes"),
    ],
)
def test_mistakes_in_postgresql_are_told_in_one_line(server, query, message):
    refused(with_password(server), query, message)
    assert answer(with_password(server), "select count(*) as n from deaths") == {"n": ["5000"]}


def test_a_wrong_address_of_postgresql_is_told(server):
    refused(with_password(server).replace("ann:", "bob:"), "select 1", "refuses the user")
    refused(with_password(server).replace("/postgres", "/nowhere"), "select 1",
            "there is no database 'nowhere'|not a readable")  # fmt: skip
