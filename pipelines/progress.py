"""How far the work is: a bar on a terminal, quiet lines elsewhere.

A step that takes long is told by its name: beside the bar, which moves on each second, or in a line
once the step has lasted :data:`PATIENCE`.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from pipelines.console import log
from textlstm.errors import visible

if TYPE_CHECKING:
    from tqdm import tqdm

PATIENCE, SELDOM = 2.0, 30.0
"""Seconds after which a step is told in a line, and again; after that, each time as long again."""

TICK = 0.5
"""Seconds after which a bar shows how the time passes."""

LOADING = "loading libraries"
"""The first step of most stages."""

NARROWEST = 40
"""Columns of a terminal that has room for a bar."""

BAR = 20
"""Columns of the bar itself: what stands beside it is cut rather than the bar."""

Item = TypeVar("Item")


def on_terminal() -> bool:
    """Return whether messages go to a terminal with room for a bar.

    One that does not tell its width, or cannot go back to the beginning of a line, gets lines.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return False
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns >= NARROWEST
    except OSError:
        return False


class Progress:
    """Counts what is done of a stage's work, and says what is under way.

    Parameters
    ----------
    stage
        What the lines begin with.
    total
        How many steps there are; None if that is not known.
    timely
        Whether steps take equally long, so that the time that remains can be told.
    unit
        What is counted where the total is not known, such as "records".
    """

    def __init__(self, stage: str, total: int | None, *, timely: bool, unit: str = "") -> None:
        from tqdm import tqdm

        self.stage, self.total, self.done = stage, total, 0
        self._unit = f" {unit}" if unit else ""
        self._what, self._since, self._next = "", 0.0, PATIENCE
        self.bar: tqdm[Any] | None = None
        if on_terminal():
            remaining = "<{remaining}" if timely and total else ""
            counted = f"{{n:,}}{self._unit} "
            count = f"|{{bar:{BAR}}}| {{n_fmt}}/{{total_fmt}} " if total else counted
            form = "{desc} " + count + "[{elapsed}" + remaining + "{postfix}]"
            self.bar = tqdm(
                desc=stage, total=total, bar_format=form, leave=False, dynamic_ncols=True
            )

    def at(self, what: str) -> None:
        """Say what is under way from now on; nothing, if that is nothing."""
        self._what, self._since, self._next = what, time.monotonic(), PATIENCE
        if self.bar is not None:
            self.bar.set_postfix_str(visible(what), refresh=False)
            self._draw(self.bar)

    def count(self, number: int = 1) -> None:
        """Count one more step as done, or several; it costs nothing to speak of."""
        self.done += number

    def tell(self, line: str, short: str) -> None:
        """Say what a step came to: in a line, or more shortly beside the bar."""
        self.at(short if self.bar is not None else "")
        if self.bar is None:
            log(line)

    def tick(self) -> None:
        """Show that time has passed."""
        lasted = time.monotonic() - self._since
        if self.bar is not None:
            self._draw(self.bar)
        elif self._what and lasted >= self._next:
            self._next = max(SELDOM, 2 * lasted)
            so_far = (
                f" ({self.done:,}{self._unit} so far, {lasted:.0f} s)" if lasted >= SELDOM else ""
            )
            log(f"{self.stage}: {self._what}{so_far}")

    def _draw(self, bar: "tqdm[Any]") -> None:
        bar.n = self.done
        bar.refresh()


@contextmanager
def working(
    stage: str,
    what: str = "",
    total: int | None = None,
    *,
    timely: bool = False,
    unit: str = "",
) -> Iterator[Progress]:
    """Show the progress of some work, of ``total`` steps if there are several.

    ``timely`` says that they take equally long, so that the time that remains can be told, and
    ``unit`` what is counted where the total is not known.
    """
    shown = Progress(stage, total, timely=timely, unit=unit)
    shown.at(what)
    over = threading.Event()

    def tick() -> None:
        while not over.wait(TICK):
            shown.tick()

    clock = threading.Thread(target=tick, daemon=True)
    clock.start()
    try:
        yield shown
    finally:
        over.set()
        clock.join()
        if shown.bar is not None:
            shown.bar.close()


@contextmanager
def steps(stage: str, total: int) -> Iterator[Callable[[str], None]]:
    """Give a function to call with the name of each of ``total`` steps as it begins."""
    with working(stage, total=total) as shown:
        begun: list[str] = []

        def step(what: str) -> None:
            if begun:
                shown.count()
            begun.append(what)
            shown.at(what)

        yield step


def track(
    items: Iterable[Item],
    stage: str,
    what: str,
    unit: str = "",
    size: Callable[[Item], int] = lambda _: 1,
) -> Iterator[Item]:
    """Yield the items, counting them, or what each has of a unit, such as its records."""
    total = len(items) if isinstance(items, Sized) else None
    with working(stage, what, total, timely=True, unit=unit) as shown:
        for item in items:
            yield item
            shown.count(size(item))
