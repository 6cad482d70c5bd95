"""The cells and the poolings that a recipe can choose: their names, and the class of each.

To add one, write its class and name it here: the recipe's settings, ``--help`` and messages take
the names from these two dictionaries, and the networks take the classes.
"""

CELL_CLASSES = {
    "lstm": "textlstm.models.cells.lstm:LSTM",
    "gru": "textlstm.models.cells.gru:GRU",
    "rnn": "textlstm.models.cells.rnn:RNN",
    "peephole-lstm": "textlstm.models.cells.peephole_lstm:PeepholeLSTM",
    "peephole-gru": "textlstm.models.cells.peephole_gru:PeepholeGRU",
    "multiplicative-lstm": "textlstm.models.cells.multiplicative_lstm:MultiplicativeLSTM",
    "qrnn-f": "textlstm.models.cells.qrnn:ForgetPooling",
    "qrnn-fo": "textlstm.models.cells.qrnn:ForgetOutputPooling",
    "qrnn-ifo": "textlstm.models.cells.qrnn:InputForgetOutputPooling",
    "sru": "textlstm.models.cells.sru:SRU",
    "update-gate-rnn": "textlstm.models.cells.update_gate_rnn:UpdateGateRNN",
    "intersection-rnn": "textlstm.models.cells.intersection_rnn:IntersectionRNN",
    "recurrent-highway": "textlstm.models.cells.recurrent_highway:RecurrentHighway",
    "bag-of-words": "textlstm.models.cells.bag_of_words:BagOfWords",
}
"""Choices of the setting ``cell``; a class is imported when it is needed, since it loads torch."""

POOLING_CLASSES = {
    "last": "textlstm.models.pooling:Last",
    "max": "textlstm.models.pooling:Max",
    "mean": "textlstm.models.pooling:Mean",
    "max_mean": "textlstm.models.pooling:MaxMean",
    "attention": "textlstm.models.attention:Attention",
    "label-attention": "textlstm.models.attention:LabelAttention",
}
"""Choices of the setting ``pooling``."""
