import pytest

from textlstm.errors import InputError
from textlstm.files import read_json, replacing, write_json


def test_what_is_written_replaces_the_old_file_at_once(tmp_path):
    path = tmp_path / "new folder" / "a.json"
    write_json(path, {"é": 1})
    write_json(path, {"é": 2})
    assert read_json(path) == {"é": 2}
    assert [item.name for item in path.parent.iterdir()] == ["a.json"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "a.json").write_text('{"a": ')
    with pytest.raises(InputError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_what_json_cannot_say_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not list(tmp_path.iterdir())
