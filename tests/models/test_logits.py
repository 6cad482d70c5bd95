"""Devices by name."""

import pytest

from textlstm.errors import InputError
from textlstm.models.logits import resolve_device


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta?"])
def test_an_error_names_a_device_that_does_not_exist(name):
    with pytest.raises(InputError, match="--device"):
        resolve_device(name)


def test_auto_is_the_cpu_or_the_gpu():
    assert resolve_device("auto").type in ("cpu", "cuda")
