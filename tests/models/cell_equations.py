"""The published equations of each cell, step by step in NumPy, apart from the code of the cells.

Each function takes the word vectors (B, T, E) of texts and the weights of a cell by name, and
returns the hidden states (B, T, H).
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rows(matrix, size):
    """Divide stacked weights into blocks of ``size`` rows."""
    return [matrix[start : start + size] for start in range(0, len(matrix), size)]


def lstm(embedded, w):
    size = w["layer.weight_hh_l0"].shape[1]
    kernel, recurrent = (rows(w[f"layer.weight_{kind}_l0"], size) for kind in ("ih", "hh"))
    bias = rows(w["layer.bias_ih_l0"] + w["layer.bias_hh_l0"], size)
    h = c = np.zeros((len(embedded), size))
    for x in embedded.swapaxes(0, 1):
        i, f, g, o = (x @ kernel[n].T + h @ recurrent[n].T + bias[n] for n in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        yield h


def gru(embedded, w):
    size = w["layer.weight_hh_l0"].shape[1]
    kernel, recurrent = (rows(w[f"layer.weight_{kind}_l0"], size) for kind in ("ih", "hh"))
    b, d = rows(w["layer.bias_ih_l0"], size), rows(w["layer.bias_hh_l0"], size)
    h = np.zeros((len(embedded), size))
    for x in embedded.swapaxes(0, 1):
        r, z = (sigmoid(x @ kernel[n].T + b[n] + h @ recurrent[n].T + d[n]) for n in range(2))
        n = np.tanh(x @ kernel[2].T + b[2] + r * (h @ recurrent[2].T + d[2]))
        h = (1 - z) * n + z * h
        yield h


def rnn(embedded, w):
    h = np.zeros((len(embedded), len(w["layer.bias_ih_l0"])))
    for x in embedded.swapaxes(0, 1):
        bias = w["layer.bias_ih_l0"] + w["layer.bias_hh_l0"]
        h = np.tanh(x @ w["layer.weight_ih_l0"].T + h @ w["layer.weight_hh_l0"].T + bias)
        yield h


def bag_of_words(embedded, w):
    for x in embedded.swapaxes(0, 1):
        yield x @ w["input.weight"].T + w["input.bias"]


def gates_of(w, size):
    """Return the function that gives each gate before its squashing, of a word and a state."""
    kernel, bias = rows(w["input.weight"], size), rows(w["input.bias"], size)
    recurrent = rows(w["recurrent.weight"], size)
    return lambda number, x, h: x @ kernel[number].T + h @ recurrent[number].T + bias[number]


def peephole_lstm(embedded, w):
    size = w["peepholes"].shape[1]
    gate, (p_i, p_f, p_o) = gates_of(w, size), w["peepholes"]
    h = c = np.zeros((len(embedded), size))
    for x in embedded.swapaxes(0, 1):
        i, f = sigmoid(gate(0, x, h) + p_i * c), sigmoid(gate(1, x, h) + p_f * c)
        c = f * c + i * np.tanh(gate(2, x, h))
        h = sigmoid(gate(3, x, h) + p_o * c) * np.tanh(c)
        yield h


def peephole_gru(embedded, w):
    size = w["peepholes"].shape[1]
    gate, (p_u, p_f) = gates_of(w, size), w["peepholes"]
    h = c = np.zeros((len(embedded), size))
    for x in embedded.swapaxes(0, 1):
        u, f = sigmoid(gate(0, x, h) + p_u * c), sigmoid(gate(1, x, h) + p_f * c)
        c = f * c + u * np.tanh(gate(2, x, h))
        h = u * np.tanh(c)
        yield h


def multiplicative_lstm(embedded, w):
    size = w["recurrent.weight"].shape[1]
    kernel, bias = rows(w["input.weight"], size), rows(w["input.bias"], size)
    inner = rows(w["intermediate.weight"], size)
    h = c = np.zeros((len(embedded), size))
    for x in embedded.swapaxes(0, 1):
        m = (x @ kernel[0].T + bias[0]) * (h @ w["recurrent.weight"].T)
        i, f, g, o = (x @ kernel[n + 1].T + bias[n + 1] + m @ inner[n].T for n in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        yield h


def convolved(embedded, w, window):
    """Yield the gates of each step, by the words of a window; words before the text are zeros."""
    width = len(w["bias"])
    kernels = rows(w["input.weight"], width)  # of the word itself, of the word before it, ...
    before = np.zeros((len(embedded), window - 1, embedded.shape[2]))
    padded = np.concatenate([before, embedded], axis=1)
    for step in range(embedded.shape[1]):
        words = padded[:, step : step + window][:, ::-1]
        yield w["bias"] + sum(words[:, lag] @ kernels[lag].T for lag in range(window))


def qrnn(n_gates):
    """Return the equations of a QRNN of two gates (f), three (fo) or four (ifo)."""

    def equations(embedded, w, window=2):
        size = len(w["bias"]) // n_gates
        h = c = np.zeros((len(embedded), size))
        for sums in convolved(embedded, w, window):
            z, f, *others = np.split(sums, n_gates, axis=1)
            z, f = np.tanh(z), sigmoid(f)
            c = f * c + (sigmoid(others[1]) if n_gates == 4 else 1 - f) * z
            h = sigmoid(others[0]) * c if others else c
            yield h

    return equations


def sru(embedded, w):
    size = w["peepholes"].shape[1]
    kernel, (b_f, b_r), (v_f, v_r) = (
        rows(w["input.weight"], size), rows(w["bias"], size), w["peepholes"],
    )  # fmt: skip
    c = np.zeros((len(embedded), size))
    for x in embedded.swapaxes(0, 1):
        candidate, forget, reset, word = (x @ matrix.T for matrix in kernel)
        f, r = sigmoid(forget + v_f * c + b_f), sigmoid(reset + v_r * c + b_r)
        c = f * c + (1 - f) * candidate
        yield r * c + (1 - r) * word


def update_gate_rnn(embedded, w):
    size = w["recurrent.weight"].shape[1]
    gate, h = gates_of(w, size), np.zeros((len(embedded), size))
    for x in embedded.swapaxes(0, 1):
        c, g = np.tanh(gate(0, x, h)), sigmoid(gate(1, x, h))
        h = g * h + (1 - g) * c
        yield h


def intersection_rnn(embedded, w):
    size = w["recurrent.weight"].shape[1]
    kernel, bias = rows(w["input.weight"], size), rows(w["input.bias"], size)
    gate, h = gates_of(w, size), np.zeros((len(embedded), size))
    for x in embedded.swapaxes(0, 1):
        y_in, g_y = np.maximum(gate(0, x, h), 0), sigmoid(gate(1, x, h))
        h_in, g_h = np.tanh(gate(2, x, h)), sigmoid(gate(3, x, h))
        y = g_y * (x @ kernel[4].T + bias[4]) + (1 - g_y) * y_in
        h = g_h * h + (1 - g_h) * h_in
        yield y


def recurrent_highway(embedded, w):
    size = w["recurrent"].shape[2]
    kernel = rows(w["input.weight"], size)
    s = np.zeros((len(embedded), size))
    for x in embedded.swapaxes(0, 1):
        for layer, (weight, bias) in enumerate(zip(w["recurrent"], w["bias"], strict=True)):
            (r_h, r_t), (b_h, b_t) = rows(weight, size), rows(bias, size)
            first = float(layer == 0)
            h = np.tanh(first * (x @ kernel[0].T) + s @ r_h.T + b_h)
            t = sigmoid(first * (x @ kernel[1].T) + s @ r_t.T + b_t)
            s = h * t + s * (1 - t)
        yield s


EQUATIONS = {
    "lstm": lstm,
    "gru": gru,
    "rnn": rnn,
    "peephole-lstm": peephole_lstm,
    "peephole-gru": peephole_gru,
    "multiplicative-lstm": multiplicative_lstm,
    "qrnn-f": qrnn(2),
    "qrnn-fo": qrnn(3),
    "qrnn-ifo": qrnn(4),
    "sru": sru,
    "update-gate-rnn": update_gate_rnn,
    "intersection-rnn": intersection_rnn,
    "recurrent-highway": recurrent_highway,
    "bag-of-words": bag_of_words,
}
