"""Progress of long work, as the library reports it to whoever calls.

The library prints nothing. It takes a monitor, which is silent by default; a command passes one
that shows progress bars and log lines.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

Item = TypeVar("Item")


class Monitor:
    """Receives the messages and the progress of some work, and shows none of it."""

    def log(self, message: str) -> None:
        """Receive a line about what was found or decided."""

    def working(self, step: str) -> AbstractContextManager[object]:
        """Return a context within which a step is carried out."""
        return nullcontext(step)

    def track(
        self,
        items: Iterable[Item],
        step: str,
        unit: str = "",
        size: Callable[[Item], int] = lambda _: 1,
    ) -> Iterator[Item]:
        """Yield the items of a step, each of which counts ``size(item)`` of the unit."""
        del step, unit, size
        return iter(items)


SILENT = Monitor()
"""The default: a monitor that shows nothing."""
