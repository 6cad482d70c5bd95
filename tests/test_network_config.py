"""Settings of the network that do not suit the length of the texts."""

import pytest

from textlstm import TextLSTMClassifier
from textlstm.errors import InputError
from textlstm.network_config import NetworkConfig


def test_a_window_is_no_longer_than_the_texts():
    NetworkConfig(cell="qrnn-f", qrnn_window=3).require_length(3)
    NetworkConfig(cell="lstm", qrnn_window=9).require_length(3)
    with pytest.raises(InputError, match=r"--qrnn-window 4 is longer than the texts.* 3 tokens"):
        NetworkConfig(cell="qrnn-ifo", qrnn_window=4).require_length(3)


def test_a_convolution_is_no_wider_than_the_texts():
    NetworkConfig(convolution_width=3).require_length(3)
    with pytest.raises(InputError, match=r"--convolution-width 4 is wider than the texts.* 3 tok"):
        NetworkConfig(convolution_width=4).require_length(3)


def test_attention_needs_two_tokens_to_weigh():
    NetworkConfig(pooling="attention").require_length(2)
    NetworkConfig(pooling="last").require_length(1)
    with pytest.raises(InputError, match="only one is read"):
        NetworkConfig(pooling="attention").require_length(1)


def test_a_fit_refuses_them_before_it_trains():
    classifier = TextLSTMClassifier(cell="qrnn-fo", qrnn_window=9, max_length=4)
    with pytest.raises(InputError, match=r"qrnn.window 9"):
        classifier.fit(["fall at home", "asthma"] * 20, ["a", "b"] * 20)
