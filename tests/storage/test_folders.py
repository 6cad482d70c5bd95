"""Working folders and their locks, and the swap of finished folders."""

import errno
import shutil
from pathlib import Path

import pytest
from steps import killed_at_every_step

from textlstm.errors import InputError
from textlstm.storage import swap
from textlstm.storage.folders import (
    locked,
    make_private,
    protect,
    remove_folder,
    require_own_folder,
)
from textlstm.storage.swap import inode_numbers, swap_folders, write_folder


@pytest.fixture(params=["in one step", "by renaming twice"])
def exchange(request, monkeypatch):
    if request.param == "by renaming twice":
        monkeypatch.setattr(swap, "_renameat2", lambda: None)
    elif swap._renameat2() is None:
        pytest.skip("this system cannot exchange paths")


def contents(folder):
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_lock_is_held_once_and_leaves_nothing_behind(tmp_path):
    lock = tmp_path / "new folder" / ".lock"
    with locked(lock, "in use"):
        assert lock.stat().st_mode & 0o777 == 0o600
        with pytest.raises(InputError, match="in use"), locked(lock, "in use"):
            pass
    assert not lock.exists()
    lock.write_text("precious")
    with pytest.raises(InputError, match="no lock of textlstm"), locked(lock, "in use"):
        pass
    assert lock.read_text() == "precious"


def test_a_folder_with_other_files_is_not_removed(tmp_path):
    folder = tmp_path / "working"
    remove_folder(folder, {"own"}.__contains__)  # nothing to remove
    make_private(folder)
    for name in ("own", ".own.unfinished-7"):
        (folder / name).write_text("")
    require_own_folder(folder, {"own"}.__contains__)
    (folder / "thesis").write_text("precious")
    with pytest.raises(InputError, match="thesis is no file of its own"):
        remove_folder(folder, {"own"}.__contains__)
    (folder / "thesis").unlink()
    remove_folder(folder, {"own"}.__contains__)
    assert not list(tmp_path.iterdir())


def test_a_protected_folder_is_for_its_owner_only(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("")
    protect(tmp_path / "a")
    protect(tmp_path / "missing")
    modes = [
        path.stat().st_mode & 0o777
        for path in (tmp_path / "a", *sorted((tmp_path / "a").rglob("*")))
    ]
    assert modes == [0o700, 0o700, 0o600]


@pytest.mark.usefixtures("exchange")
def test_a_swap_brings_new_files_and_takes_old_ones(tmp_path):
    working, target = tmp_path / "working", tmp_path / "target"
    for folder, names in ((working, "ab"), (target, "bc")):
        folder.mkdir()
        for name in names:
            (folder / name).write_text(f"{name} of {folder.name}")
    new = inode_numbers(working, ["a", "b", "missing"])
    assert set(new) == {"a", "b"}
    swap_folders(working, target, new, stale=["c", "d"])
    assert contents(target) == {"a": "a of working", "b": "b of working"}
    assert contents(working) == {"b": "b of target", "c": "c of target"}
    swap_folders(working, target, new, stale=["c", "d"])  # finished already: nothing changes
    assert contents(target) == {"a": "a of working", "b": "b of working"}


@pytest.mark.usefixtures("exchange")
def test_a_swap_that_fails_is_undone(tmp_path, monkeypatch):
    working, target = tmp_path / "working", tmp_path / "target"
    for folder in (working, target):
        folder.mkdir()
        for name in "ab":
            (folder / name).write_text(folder.name)
    rename, exchanged = Path.rename, swap._exchanged

    def refuse(*paths):
        if target / "b" in map(Path, paths):
            raise PermissionError(errno.EPERM, "Operation not permitted", "b")

    def renaming(source, to):
        refuse(source, to)
        return rename(source, to)

    def exchanging(first, second):
        refuse(first, second)
        return exchanged(first, second)

    monkeypatch.setattr(Path, "rename", renaming)
    monkeypatch.setattr(swap, "_exchanged", exchanging)
    with pytest.raises(PermissionError):
        swap_folders(working, target, inode_numbers(working, "ab"), stale=[])
    assert set(contents(target).values()) == {"target"}
    assert contents(working) == {"a": "working", "b": "working"}


@pytest.mark.usefixtures("exchange")
def test_a_written_folder_has_the_new_files_with_the_permissions_of_the_old(tmp_path):
    folder = tmp_path / "bundle"
    write_folder(folder, {"a": b"1", "b": b"2"})
    (folder / "a").chmod(0o640)
    write_folder(folder, {"a": b"3", "b": b"4"})
    assert contents(folder) == {"a": "3", "b": "4"}
    assert (folder / "a").stat().st_mode & 0o777 == 0o640
    (folder / "notes").write_text("precious")
    write_folder(folder, {"a": b"5", "b": b"6"})
    assert contents(folder) == {"a": "5", "b": "6", "notes": "precious"}
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.usefixtures("exchange")
@pytest.mark.parametrize("before", [None, {}, {"a": "old", "b": "old"}])
def test_a_folder_that_is_written_at_once_is_whole_after_a_kill(tmp_path, before):
    folder, new = tmp_path / "home" / "out", {"a": b"1", "b": b"2"}

    def restore():
        shutil.rmtree(folder.parent, ignore_errors=True)
        if before is not None:
            folder.mkdir(parents=True)
        for name, content in (before or {}).items():
            (folder / name).write_text(content)

    restore()
    n_kills = 0
    for _ in killed_at_every_step(
        tmp_path, lambda: write_folder(folder, new, private=["a"], at_once=True)
    ):
        found = contents(folder) if folder.exists() else None
        missing = [None] if swap._renameat2() is None else []  # between the two renamings
        assert found in (before, {"a": "1", "b": "2"}, *missing)
        restore()
        n_kills += 1
    assert n_kills > 3 and contents(folder) == {"a": "1", "b": "2"}
    assert before or (folder / "a").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.parent.iterdir()] == ["out"]
