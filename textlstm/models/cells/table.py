"""The cells that a recipe can choose: its setting ``cell`` takes the same names."""

from textlstm.models.cells.cell import Cell
from textlstm.models.cells.gru import GRU
from textlstm.models.cells.lstm import LSTM

CELLS: dict[str, type[Cell]] = {
    "lstm": LSTM,
    "gru": GRU,
}
