"""Inputs of predict, explain and review: text columns, character sets, free outputs."""

import pytest

from pipelines.inputs import require_free_output, table_charset, text_columns
from pipelines.runs import Run
from textlstm.config import DataConfig, RunConfig
from textlstm.errors import InputError


@pytest.fixture
def run(tmp_path):
    """A run whose training table had two text columns and the character set latin-1."""
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.configure(RunConfig(DataConfig(text=("cause", "other"), charset="latin-1")))
    return run


def test_text_columns_are_those_of_the_training_unless_others_are_given(run):
    assert text_columns(run) == ("cause", "other")
    assert text_columns(run, ["a", "b"]) == ("a", "b")
    with pytest.raises(InputError, match="--text names 1 column; the model reads 2: 'cause', 'o"):
        text_columns(run, ["a"])


def test_the_charset_is_that_of_the_training_unless_another_is_given(run, tmp_path):
    table = tmp_path / "new.csv"
    table.write_bytes("cause\nMénière\n".encode("latin-1"))
    assert table_charset(run, str(table)) == "latin-1"
    assert table_charset(run, str(table), "utf-16") == "utf-16"
    assert table_charset(run, "hub:owner/name") == "latin-1"


def test_an_output_does_not_replace_what_is_read(run, tmp_path):
    table, folder = tmp_path / "new.csv", tmp_path / "tables"
    table.write_text("cause\n")
    folder.mkdir()
    (folder / "a.csv").write_text("cause\n")
    (tmp_path / "link.csv").symlink_to(table)
    for out, source in [
        (table, table),
        (tmp_path / "link.csv", table),
        (folder / "b.csv", folder),
        (run.records / "o.csv", table),
    ]:
        with pytest.raises(InputError, match="--out"):
            require_free_output(out, str(source))
    require_free_output(tmp_path / "out.csv", str(table), str(folder))
    require_free_output(run.folder / "out.csv", str(table))
