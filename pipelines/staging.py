"""Locks and staged outputs of a run: its files are the old ones or the new ones, never a mixture.

A stage writes to a working folder in the run, and its files are swapped in when all are written. A
swap that was cut off, as by a kill, is finished by the next command on the run.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

from pipelines.run_paths import STAGES, RunPaths, require_outside_runs
from textlstm.errors import InputError
from textlstm.storage import folders, swap
from textlstm.storage.json_files import read_json, write_json

SWAP_FILE = "swap.json"
"""File in the working folder that says that its files are complete and are to be swapped in."""


class StagedRun(RunPaths):
    """The folder of a run, written by one process at a time and one stage at a time."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing to the run; the lock ends with the process.

        Raises
        ------
        InputError
            If another process holds the lock, or the folder cannot be written to.
        """
        self.require_no_file()
        folder = self.folder.resolve()
        require_outside_runs(folder, f"--run {self.folder}")
        if folder.exists() and not os.access(folder, os.W_OK):
            raise InputError(f"--run {self.folder}: this folder cannot be written to")
        in_use = (
            f"--run {self.folder}: another process is at work on this run; wait for it, or "
            "give another folder"
        )
        with folders.locked(folder.with_name(f".{folder.name}.lock"), in_use):
            folders.require_own_folder(self._unfinished, self._is_own_name)
            self._finish_swap()
            # A stage that was killed leaves files that are not complete.
            folders.remove_folder(self._unfinished, self._is_own_name)
            yield

    @contextmanager
    def staged_outputs(self, stage: str) -> Iterator[Self]:
        """Give a run to write a stage's files to; these then replace the old ones.

        The files of later stages are removed, so that nothing stale remains. On an exception, as
        when the disk is full, all old files stay. If the process is killed, the old files stay as
        well; or, if all new files were written, the next command on the run swaps them in. Files
        that hold texts, ids or labels of records are for their owner only.

        Raises
        ------
        InputError
            If the working folder is a link or holds other files, or old files cannot be removed.
        """
        staged = type(self)(self._unfinished)
        # The caller may not hold the lock, which would have removed the folder.
        folders.remove_folder(staged.folder, self._is_own_name)
        folders.make_private(staged.folder)
        try:
            yield staged
            for path in staged.private:
                folders.protect(path)
            names = [path.name for path in staged.outputs[stage]]
            inodes = swap.inode_numbers(staged.folder, names)
            write_json(staged.folder / SWAP_FILE, {"stage": stage, "numbers": inodes})
        except BaseException:
            with suppress(OSError):
                folders.remove_folder(staged.folder, self._is_own_name)
            raise
        self._finish_swap()

    def recover(self) -> None:
        """Finish a swap that was cut off, unless another process does or the folder forbids it."""
        if (self._unfinished / SWAP_FILE).is_file():
            with suppress(InputError, OSError), self.locked():
                pass

    def _finish_swap(self) -> None:
        """Swap in the files that a stage has completed, if there are any."""
        swap_file = self._unfinished / SWAP_FILE
        if not swap_file.is_file():
            return
        try:
            prepared = read_json(swap_file)
            stages = STAGES[STAGES.index(prepared["stage"]) :]
            names, *later = ([path.name for path in self.outputs[stage]] for stage in stages)
            new = {name: prepared["numbers"].get(name) for name in names}
            stale = [name for names_of_stage in later for name in names_of_stage]
            swap.swap_folders(self._unfinished, self.folder, new, stale)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(f"{swap_file}: damaged; run the stage again") from error
        finally:
            # Removed first: without it, the working folder is only leftovers, whole or in part.
            swap_file.unlink()
            self._remove_old_files()

    def _remove_old_files(self) -> None:
        """Remove the working folder, which holds the old files after a swap."""
        try:
            folders.remove_folder(self._unfinished, self._is_own_name)
        except OSError as error:
            raise InputError(
                f"{self._unfinished}: the files of the run are whole, but what they replaced "
                f"cannot be removed ({error.strerror}); remove this folder"
            ) from error

    def _is_own_name(self, name: str) -> bool:
        """Return whether a stage gives this name to a file in the working folder."""
        names = {path.name for paths in self.outputs.values() for path in paths}
        return name.removesuffix(".aside") in names or name == SWAP_FILE
