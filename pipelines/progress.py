"""Progress of a stage: a bar on a terminal, quiet log lines elsewhere.

The name of the current step stands beside the bar, which is redrawn each :data:`TICK`; elsewhere it
is logged when the step has lasted :data:`PATIENCE`.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from pipelines.console import log, log_aloud, muted
from textlstm.errors import visible
from textlstm.monitor import Item, Monitor

if TYPE_CHECKING:
    from tqdm import tqdm

PATIENCE, SELDOM = 2.0, 30.0
"""Seconds after which a step is logged, and logged again; from then on after twice the time."""

TICK = 0.5
"""Seconds between two drawings of a bar."""

LOADING = "loading libraries"
"""Name of the first step of most stages."""

NARROWEST = 40
"""Columns of a terminal, at least, for a bar to be shown."""

BAR = 20
"""Columns of the bar itself; the text beside it is cut where a terminal is too narrow."""


def on_terminal() -> bool:
    """Return whether standard error is a terminal with room for a bar.

    A terminal that does not tell its width, or cannot return to the start of a line, gets lines.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return False
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns >= NARROWEST
    except OSError:
        return False


class Progress:
    """Counts the finished steps of a stage, and shows the name of the current one.

    Parameters
    ----------
    stage
        Name of the stage, with which the lines begin.
    total
        Number of steps; None if it is not known.
    timely
        Whether steps take equally long, so that the remaining time can be estimated.
    unit
        Noun of the things counted if the total is not known, such as "records".
    """

    def __init__(self, stage: str, total: int | None, *, timely: bool, unit: str = "") -> None:
        from tqdm import tqdm

        self.stage, self.total, self.done = stage, total, 0
        self._unit = f" {unit}" if unit else ""
        self._step, self._started, self._log_after = "", 0.0, PATIENCE
        self.item = ""
        self.bar: tqdm[Any] | None = None
        if on_terminal():
            remaining = "<{remaining}" if timely and total else ""
            counted = f"{{n:,}}{self._unit} "
            count = f"|{{bar:{BAR}}}| {{n_fmt}}/{{total_fmt}} " if total else counted
            layout = "{desc} " + count + "[{elapsed}" + remaining + "{postfix}]"
            self.bar = tqdm(
                desc=stage, total=total, bar_format=layout, leave=False, dynamic_ncols=True
            )

    def at(self, step: str) -> None:
        """Show the name of the step that begins; an empty name shows none."""
        self.item = step
        self._started, self._log_after = time.monotonic(), PATIENCE
        self.show(step)

    def show(self, step: str) -> None:
        """Show the name of a step without the start of a new one."""
        self._step = step
        if self.bar is not None:
            self.bar.set_postfix_str(visible(step), refresh=False)
            self._draw(self.bar)

    def count(self, number: int = 1) -> None:
        """Count a step as finished, or several; this is cheap."""
        self.done += number

    def tell(self, line: str, short: str) -> None:
        """Report the outcome of a step: in a log line, or a shorter one beside the bar."""
        self.at(short if self.bar is not None else "")
        if self.bar is None:
            log_aloud(line)

    def tick(self) -> None:
        """Redraw the bar, or log a step that lasts long."""
        lasted = time.monotonic() - self._started
        if self.bar is not None:
            self._draw(self.bar)
        elif self._step and lasted >= self._log_after:
            self._log_after = max(SELDOM, 2 * lasted)
            so_far = (
                f" ({self.done:,}{self._unit} so far, {lasted:.0f} s)" if lasted >= SELDOM else ""
            )
            log_aloud(f"{self.stage}: {self._step}{so_far}")

    def _draw(self, bar: "tqdm[Any]") -> None:
        bar.n = self.done
        bar.refresh()


class _Inner(Progress):
    """Progress of a stage within a larger work: its steps stand behind the item of that work."""

    def __init__(self, outer: Progress) -> None:
        self._outer, self._item, self.done, self.bar = outer, outer.item, 0, outer.bar

    def at(self, step: str) -> None:
        """Show the name of the step that begins, after that of the item it belongs to."""
        self._outer.show(f"{self._item}, {step}" if step else self._item)

    def tell(self, line: str, short: str) -> None:
        """Show the outcome of a step in short."""
        del line
        self.at(short)


_outer: list[Progress] = []
"""Progress of the larger work that the stages are steps of, if there is one."""


@contextmanager
def overall(stage: str, total: int) -> Iterator[Progress]:
    """Show the progress of a work that runs other stages as its items: one bar for all.

    What these stages log is dropped, and their steps are shown beside the bar.
    """
    with working(stage, total=total, timely=True) as shown, muted():
        _outer.append(shown)
        try:
            yield shown
        finally:
            _outer.pop()


@contextmanager
def working(
    stage: str,
    step: str = "",
    total: int | None = None,
    *,
    timely: bool = False,
    unit: str = "",
) -> Iterator[Progress]:
    """Show the progress of the block, which has ``total`` steps if there are several.

    ``step`` is the name of the first step; the other arguments are those of :class:`Progress`.
    """
    if _outer:
        inner = _Inner(_outer[-1])
        inner.at(step)
        yield inner
        return
    shown = Progress(stage, total, timely=timely, unit=unit)
    shown.at(step)
    finished = threading.Event()

    def tick() -> None:
        while not finished.wait(TICK):
            shown.tick()

    clock = threading.Thread(target=tick, daemon=True)
    clock.start()
    try:
        yield shown
    finally:
        finished.set()
        clock.join()
        if shown.bar is not None:
            shown.bar.close()


@contextmanager
def steps(stage: str, total: int) -> Iterator[Callable[[str], None]]:
    """Give a function to call at the start of each of ``total`` steps with its name."""
    with working(stage, total=total) as shown:
        begun: list[str] = []

        def begin(step: str) -> None:
            if begun:
                shown.count()
            begun.append(step)
            shown.at(step)

        yield begin


def track(
    items: Iterable[Item],
    stage: str,
    step: str,
    unit: str = "",
    size: Callable[[Item], int] = lambda _: 1,
) -> Iterator[Item]:
    """Yield the items and show how many are done; ``size`` counts the units of an item."""
    total = len(items) if isinstance(items, Sized) else None
    with working(stage, step, total, timely=True, unit=unit) as shown:
        for item in items:
            yield item
            shown.count(size(item))


class StageMonitor(Monitor):
    """Shows what the library reports as log lines and progress of a stage."""

    def __init__(self, stage: str) -> None:
        self.stage = stage

    def log(self, message: str) -> None:
        """Log a message, the name of the stage first."""
        log(f"{self.stage}: {message}")

    def working(self, step: str) -> AbstractContextManager[object]:
        """Show a step while it lasts."""
        return working(self.stage, step)

    def track(
        self,
        items: Iterable[Item],
        step: str,
        unit: str = "",
        size: Callable[[Item], int] = lambda _: 1,
    ) -> Iterator[Item]:
        """Show how many items of a step are done."""
        return track(items, self.stage, step, unit, size)
