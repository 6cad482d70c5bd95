"""Settings: frozen dataclasses whose fields are checked when they are built."""

import math
import numbers
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, get_args, get_origin

from textlstm.errors import InputError, did_you_mean, quoted


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """Declare a field: its default, a help sentence with the unit, and the values it may take.

    Of a field that holds several values, each must be allowed.
    """
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


def flag_of(name: str) -> str:
    """Return the flag of a field.

    >>> flag_of("batch_size")
    '--batch-size'
    """
    return "--" + name.replace("_", "-")


def _checked(item: Any, value: Any) -> Any:
    """Return ``value`` in the type of the field ``item``, or raise an error that names the flag."""
    flag = flag_of(item.name)
    value = _converted(item.type, value, flag)
    for one in value if isinstance(value, tuple) else [value]:
        _require_allowed(item, one, flag)
    return value


def _require_allowed(item: Any, value: Any, flag: str) -> None:
    """Raise an error that names the flag, if a value is not one that the field may take."""
    low, high, choices = (item.metadata.get(key) for key in ("low", "high", "choices"))
    if choices is not None and value not in choices:
        raise InputError(
            f"{flag} is {quoted(value)}{did_you_mean(str(value), choices) or '.'} Choose one of "
            f"{', '.join(choices)}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"{flag} must be a finite number, not {value}")
    if low is not None and value < low:
        raise InputError(f"{flag} must be at least {low}, not {value}")
    if high is not None and value > high:
        hint = f"; write {value / 100:g} for {value:g} %" if high <= 1.0 < value <= 100.0 else ""
        raise InputError(f"{flag} must be at most {high}, not {value}{hint}")


def _converted(kind: Any, value: Any, flag: str) -> Any:
    """Return a value in the type of its field; numbers of NumPy become Python's."""
    if get_origin(kind) is tuple:
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise InputError(f"{flag} takes a list of values, not {quoted(value)}")
        return tuple(_converted(get_args(kind)[0], item, flag) for item in value)
    if kind in (int, float) and not isinstance(value, bool | kind):
        # scikit-learn's searches over parameters give numbers of NumPy.
        number = numbers.Integral if kind is int else numbers.Real
        value = kind(value) if isinstance(value, number) else value
    if type(value) is not kind:
        raise InputError(f"{flag} takes a value of type {kind.__name__}, not {quoted(value)}")
    return value
