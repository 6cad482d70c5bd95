"""The classes of the cells and poolings that a recipe can choose, by their names."""

from pkgutil import resolve_name

from textlstm.models.cells.cell import Cell
from textlstm.models.pooling import Pooling
from textlstm.network_choices import CELL_CLASSES, POOLING_CLASSES

CELLS: dict[str, type[Cell]] = {name: resolve_name(path) for name, path in CELL_CLASSES.items()}

POOLINGS: dict[str, type[Pooling]] = {
    name: resolve_name(path) for name, path in POOLING_CLASSES.items()
}
