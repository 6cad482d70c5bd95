"""textlstm: short medical texts in, a calibrated embedding + LSTM classifier out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textlstm.classifier import TextLSTMClassifier
    from textlstm.config import Recipe, load_recipe
    from textlstm.errors import InputError

    __version__: str

__all__ = ["InputError", "Recipe", "TextLSTMClassifier", "__version__", "load_recipe"]

_HOMES = {
    "InputError": "textlstm.errors",
    "Recipe": "textlstm.config",
    "TextLSTMClassifier": "textlstm.classifier",
    "load_recipe": "textlstm.config",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: torch takes seconds, and `--help` must not wait for it.
    if name == "__version__":
        from importlib.metadata import version

        return version("textlstm")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'textlstm' has no attribute {name!r}")
