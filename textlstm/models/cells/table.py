"""The cells that a recipe can choose: its setting ``cell`` takes the same names."""

from textlstm.models.cells.bag_of_words import BagOfWords
from textlstm.models.cells.cell import Cell
from textlstm.models.cells.gru import GRU
from textlstm.models.cells.intersection_rnn import IntersectionRNN
from textlstm.models.cells.lstm import LSTM
from textlstm.models.cells.multiplicative_lstm import MultiplicativeLSTM
from textlstm.models.cells.peephole_gru import PeepholeGRU
from textlstm.models.cells.peephole_lstm import PeepholeLSTM
from textlstm.models.cells.qrnn import ForgetOutputPooling, ForgetPooling, InputForgetOutputPooling
from textlstm.models.cells.recurrent_highway import RecurrentHighway
from textlstm.models.cells.rnn import RNN
from textlstm.models.cells.sru import SRU
from textlstm.models.cells.update_gate_rnn import UpdateGateRNN

CELLS: dict[str, type[Cell]] = {
    "lstm": LSTM,
    "gru": GRU,
    "rnn": RNN,
    "peephole-lstm": PeepholeLSTM,
    "peephole-gru": PeepholeGRU,
    "multiplicative-lstm": MultiplicativeLSTM,
    "qrnn-f": ForgetPooling,
    "qrnn-fo": ForgetOutputPooling,
    "qrnn-ifo": InputForgetOutputPooling,
    "sru": SRU,
    "update-gate-rnn": UpdateGateRNN,
    "intersection-rnn": IntersectionRNN,
    "recurrent-highway": RecurrentHighway,
    "bag-of-words": BagOfWords,
}
