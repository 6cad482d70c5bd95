import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from steps import killed_at_every_step

from textlstm.errors import InputError
from textlstm.storage.atomic import atomic_write, file_stats, remove_leftovers, sha256, write_bytes
from textlstm.storage.json_files import read_json, write_json


def test_a_new_file_replaces_the_old_one_at_once(tmp_path):
    path = tmp_path / "new folder" / "a.json"
    write_json(path, {"é": 1})
    write_json(path, {"é": 2})
    assert read_json(path) == {"é": 2}
    assert [item.name for item in path.parent.iterdir()] == ["a.json"]


def test_a_path_that_is_not_valid_utf8_is_kept(tmp_path):
    write_json(tmp_path / "a.json", {"path": "caf\udce9"})
    assert read_json(tmp_path / "a.json") == {"path": "caf\udce9"}
    assert b"\\udce9" in (tmp_path / "a.json").read_bytes()


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.txt"]


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "a.json").write_text('{"a": ')
    with pytest.raises(InputError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_a_value_that_json_lacks_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not list(tmp_path.iterdir())


def test_a_kill_at_any_step_leaves_the_old_file_or_the_new_one_and_the_next_tidies_up(tmp_path):
    path, steps = tmp_path / "a.csv", 0
    path.write_text("old")
    for _ in killed_at_every_step(tmp_path, lambda: write_bytes(path, b"new")):
        steps += 1
        assert path.read_text() in ("old", "new")
        write_bytes(tmp_path / "other.csv", b"")  # by another name, in the same folder
        assert {file.name for file in tmp_path.iterdir()} == {"a.csv", "other.csv"}
        path.write_text("old")
    assert steps >= 3 and path.read_text() == "new"


def test_only_temporary_files_that_are_not_in_use_are_removed(tmp_path):
    elsewhere = tmp_path / "precious"
    elsewhere.write_text("precious")
    links, others = [".a.unfinished-1.csv"], [".a.unfinished.csv", "a.unfinished-1.csv", ".a.1.csv"]
    (tmp_path / links[0]).symlink_to(elsewhere)
    (tmp_path / ".b.unfinished-2").mkdir()
    for name in others:
        (tmp_path / name).write_text("precious")
    (tmp_path / ".c.unfinished-3.csv").write_text("left behind")
    with atomic_write(tmp_path / "d.csv") as in_use:
        remove_leftovers(tmp_path)
        assert in_use.exists()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"precious", "d.csv", ".b.unfinished-2", *links, *others}
    assert elsewhere.read_text() == "precious"


def test_a_file_in_use_by_another_process_is_not_removed(tmp_path):
    holding = (
        "import sys; from pathlib import Path; from textlstm.storage.atomic import atomic_write\n"
    )
    holding += "with atomic_write(Path(sys.argv[1])): print('ready', flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", holding, tmp_path / "a.csv"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    process.stdout.readline()
    remove_leftovers(tmp_path)
    (in_use,) = tmp_path.iterdir()
    process.kill()
    process.communicate()
    assert in_use.exists()
    remove_leftovers(tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_permissions_follow_the_umask_or_the_old_file_unless_private(tmp_path, umask):
    before = os.umask(umask)
    try:
        write_bytes(tmp_path / "public", b"")
        write_bytes(tmp_path / "private", b"", private=True)
        (tmp_path / "old").write_bytes(b"old")
        (tmp_path / "old").chmod(0o640)
        write_bytes(tmp_path / "old", b"new", private=True)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"public": 0o666 & ~umask, "private": 0o600, "old": 0o640}


def test_a_file_that_replaces_a_link_is_private_and_leaves_the_target(tmp_path):
    (tmp_path / "public").write_text("old")
    (tmp_path / "public").chmod(0o644)
    (tmp_path / "link").symlink_to(tmp_path / "public")
    write_bytes(tmp_path / "link", b"new", private=True)
    assert (tmp_path / "link").lstat().st_mode & 0o777 == 0o600
    assert (tmp_path / "public").read_text() == "old"


def test_a_pipe_is_not_replaced_and_a_file_is_no_folder(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("old")
    (tmp_path / "lost").symlink_to(tmp_path / "gone")
    for name, words in [
        ("pipe", "a pipe"),
        ("file/a.csv", "file is no folder"),
        ("file/b/a.csv", "file is no folder"),
        ("lost/a.csv", "lost is no folder"),
    ]:
        with pytest.raises(InputError, match=words):
            write_bytes(tmp_path / name, b"new")
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "file", "lost"}


@pytest.mark.parametrize("read", [sha256, read_json])
def test_an_error_of_the_system_names_the_file(tmp_path, monkeypatch, read):
    def failing(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "a.json").write_text("{}")
    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(OSError, match="Input/output error") as raised:
        read(tmp_path / "a.json")
    assert raised.value.filename == str(tmp_path / "a.json")


def test_file_stats(tmp_path):
    path = tmp_path / "b.csv"
    path.write_text("12345")
    (tmp_path / "link.csv").symlink_to(path)
    ((name, size, time),) = file_stats([tmp_path / "link.csv"])
    assert (name, size) == (str(path.resolve()), 5) and file_stats([]) == []
    os.utime(path, ns=(0, 0))
    assert file_stats([path]) == [(name, 5, 0)] and time > 0
