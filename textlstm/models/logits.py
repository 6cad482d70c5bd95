"""Logits of all texts of a corpus, on a device, in batches."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from textlstm.encoding.batching import Batch
from textlstm.encoding.corpus import Corpus
from textlstm.errors import InputError
from textlstm.storage.parallel import map_ordered, usable_cpus

PREDICTION_BATCH = 8192
"""Texts a batch in prediction."""


def predict_logits(
    answer: Callable[[Batch], Tensor], corpus: Corpus, device: torch.device
) -> Tensor:
    """Return the logits (n, C) that a network gives all texts, in their order, on the CPU."""

    @torch.inference_mode()
    def logits(texts: Tensor) -> Tensor:
        return answer(corpus.inference_batch(texts).to(device)).cpu()

    # Texts stand in the order of their words: those that begin alike come together. A batch has one
    # thread, as sums depend on how many there are.
    batches = torch.arange(len(corpus.forms)).split(PREDICTION_BATCH)
    workers = usable_cpus() if device.type == "cpu" else 1
    found = map_ordered(logits, batches, workers, partial(torch.set_num_threads, 1))
    return torch.cat(list(found))[corpus.places]


def resolve_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is the GPU where there is one.

    Raises
    ------
    InputError
        If this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, TypeError) as error:  # torch raises any, by build
        here = "auto, cpu or cuda" if torch.cuda.is_available() else "auto or cpu"
        raise InputError(f"--device {name}: this machine has no such device; use {here}") from error
    return device
