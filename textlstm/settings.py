"""Settings: frozen dataclasses whose fields are checked when they are built."""

import math
import numbers
from dataclasses import dataclass, field, fields
from typing import Any, get_args, get_origin

from textlstm.errors import InputError, near, quoted


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """Declare a field: its default, one sentence with the unit, and the values it may take."""
    return field(
        default=default, metadata={"help": help, "low": low, "high": high, "choices": choices}
    )


@dataclass(frozen=True)
class Settings:
    """Base of all settings: every field is checked against its declaration when built."""

    def __post_init__(self) -> None:
        for item in fields(self):
            object.__setattr__(self, item.name, _checked(item, getattr(self, item.name)))

    @classmethod
    def names(cls) -> list[str]:
        """Return the names of the fields."""
        return [item.name for item in fields(cls)]


def _checked(item: Any, value: Any) -> Any:
    """Return ``value`` as the type of field ``item``, or raise naming the flag."""
    flag = "--" + item.name.replace("_", "-")
    if get_origin(item.type) is tuple:
        if isinstance(value, str) or not all(isinstance(v, get_args(item.type)[0]) for v in value):
            raise InputError(f"{flag} takes a list of values, not {quoted(value)}")
        return tuple(value)
    if item.type in (int, float) and not isinstance(value, bool | item.type):
        # NumPy's numbers are taken too, as searches over fields give them.
        kind = numbers.Integral if item.type is int else numbers.Real
        value = item.type(value) if isinstance(value, kind) else value
    if type(value) is not item.type:
        raise InputError(f"{flag} takes a value of type {item.type.__name__}, not {quoted(value)}")
    low, high, choices = (item.metadata.get(key) for key in ("low", "high", "choices"))
    if choices is not None and value not in choices:
        raise InputError(
            f"{flag} is {quoted(value)}{near(str(value), choices) or '.'} Choose one of "
            f"{', '.join(choices)}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{flag} must be a finite number, not {value}")
    if low is not None and value < low:
        raise InputError(f"{flag} must be at least {low}, not {value}")
    if high is not None and value > high:
        hint = f"; write {value / 100:g} for {value:g} %" if high <= 1.0 < value <= 100.0 else ""
        raise InputError(f"{flag} must be at most {high}, not {value}{hint}")
    return value
