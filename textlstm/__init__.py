"""textlstm: short medical texts in, a calibrated embedding + LSTM classifier out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textlstm.classifier import TextLSTMClassifier
    from textlstm.errors import InputError
    from textlstm.recipe import Recipe, load_recipe

    __version__: str

__all__ = [
    "InputError",
    "Recipe",
    "TextLSTMClassifier",
    "__version__",
    "label_suspects",
    "load_recipe",
]

_HOMES = {
    "InputError": "textlstm.errors",
    "Recipe": "textlstm.recipe",
    "TextLSTMClassifier": "textlstm.classifier",
    "label_suspects": "textlstm.insight.label_errors",
    "load_recipe": "textlstm.recipe",
}


def __getattr__(name: str) -> Any:
    # Imported on first use: torch takes seconds, and `--help` must not wait for it.
    if name == "__version__":
        from importlib.metadata import version

        return version("textlstm")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'textlstm' has no attribute {name!r}")
