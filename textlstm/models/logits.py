"""Logits of all texts of a corpus, on a device, in batches."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from textlstm.encoding.batching import Batch
from textlstm.encoding.corpus import Corpus
from textlstm.errors import InputError
from textlstm.storage.parallel import thread_pool, usable_cpus

PREDICTION_BATCH = 8192
"""Distinct inputs per batch in prediction."""

MapBatches = Callable[[Callable[[Tensor], Tensor], Iterable[Tensor]], Iterable[Tensor]]
"""Applies a function to batches and gives the results in their order, as ``map`` does."""


@contextmanager
def batch_workers(device: torch.device) -> Iterator[MapBatches]:
    """Give a map over threads that compute batches, one thread a processor; a GPU has one.

    Torch has one thread in each, as sums depend on how many there are.
    """
    workers = usable_cpus() if device.type == "cpu" else 1
    with thread_pool(workers, partial(torch.set_num_threads, 1)) as pool:
        yield pool.map


def map_in_this_thread(
    function: Callable[[Tensor], Tensor], batches: Iterable[Tensor]
) -> list[Tensor]:
    """Compute batches in the calling thread, in which torch has one thread meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [function(batch) for batch in batches]
    finally:
        torch.set_num_threads(before)


def predict_logits(
    answer: Callable[[Batch], Tensor],
    corpus: Corpus,
    device: torch.device,
    map_batches: MapBatches | None = None,
    batch_size: int = PREDICTION_BATCH,
) -> Tensor:
    """Return the logits (n, C) of all records of a corpus, in their order, on the CPU.

    Parameters
    ----------
    answer
        Gives the logits of a batch: a network, or a function of the same kind.
    corpus
        The records; each distinct input is computed once.
    map_batches
        Computes the batches: :func:`map_in_this_thread`, or what :func:`batch_workers` gives to
        callers that share its threads. By default, threads are started for this call alone.
    batch_size
        Distinct inputs per batch.
    """
    distinct, rows = corpus.distinct_inputs()

    @torch.inference_mode()
    def logits(inputs: Tensor) -> Tensor:
        return answer(distinct.batch(inputs).to(device)).cpu()

    if map_batches is None:
        with batch_workers(device) as workers:
            return predict_logits(answer, corpus, device, workers, batch_size)
    # Texts stand in the order of their words: those that begin alike come together.
    batches = torch.arange(len(distinct)).split(batch_size)
    return torch.cat(list(map_batches(logits, batches)))[rows]


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
