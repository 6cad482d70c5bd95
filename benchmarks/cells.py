"""Speed of each recurrent cell beside torch's LSTM of the same size, measured in one run.

    python -m benchmarks.cells [--embedding 64] [--units 64] [--batch 128] [--lengths 10 250]
                               [--repeats 5] [--device cpu]

Prints a Markdown table: for each cell its weights, and for each length the time of a training step
(forward and backward) and of a prediction (token by token) as multiples of torch's LSTM. The cells
take turns, and the median over the repeats is printed.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from textlstm.models.choices import CELLS

LSTM = "torch's nn.LSTM"


class TorchLSTM(nn.LSTM):
    """torch's LSTM, which gives its states alone."""

    def forward(self, embedded: Tensor) -> Tensor:  # type: ignore[override]
        """Return the hidden states (B, T, H)."""
        states: Tensor = super().forward(embedded)[0]
        return states


def training_step(cell: Callable[[Tensor], Tensor], embedded: Tensor) -> None:
    """Read texts (B, T, E) forward, and carry gradients back to every weight."""
    cell(embedded).square().mean().backward()


@torch.inference_mode()
def prediction(cell: Callable[[Tensor], Tensor], embedded: Tensor) -> None:
    """Read texts (B, T, E)."""
    cell(embedded)


def seconds(function: Callable[[], None], device: torch.device) -> float:
    """Return the time of a call, the work on a GPU included."""
    started = time.perf_counter()
    function()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def measure(
    cells: dict[str, nn.Module], batch: int, length: int, embedding: int, repeats: int
) -> dict[str, tuple[float, float]]:
    """Return the median seconds of a training step and of a prediction of each cell."""
    device = next(next(iter(cells.values())).parameters()).device
    embedded = torch.randn(batch, length, embedding, device=device)
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in cells}
    for turn in range(repeats + 1):
        for name, cell in cells.items():
            for times, function in zip(found[name], (training_step, prediction), strict=True):
                elapsed = seconds(partial(function, cell, embedded), device)
                if turn:  # the first turn warms up
                    times.append(elapsed)
    return {
        name: (statistics.median(train), statistics.median(predict))
        for name, (train, predict) in found.items()
    }


def table(
    weights: dict[str, int], by_length: dict[int, dict[str, tuple[float, float]]]
) -> list[str]:
    """Return the Markdown table of the ratios to torch's LSTM."""
    heads = [f"{what}, {length} words" for length in by_length for what in ("training", "reading")]
    lines = ["| cell | weights | " + " | ".join(heads) + " |", "|---" * (len(heads) + 2) + "|"]
    for name, number in weights.items():
        ratios = [
            f"{time / reference:.2f}"
            for found in by_length.values()
            for time, reference in zip(found[name], found[LSTM], strict=True)
        ]
        lines.append(f"| {name} | {number:,} | " + " | ".join(ratios) + " |")
    return lines


def main() -> None:
    """Parse the flags, measure the cells and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--embedding", type=int, default=64)
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 250])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.manual_seed(0)
    cells: dict[str, nn.Module] = {LSTM: TorchLSTM(args.embedding, args.units, batch_first=True)}
    cells |= {name: kind(args.embedding, args.units) for name, kind in CELLS.items()}
    cells = {name: cell.to(args.device) for name, cell in cells.items()}
    weights = {name: sum(w.numel() for w in cell.parameters()) for name, cell in cells.items()}
    by_length = {
        length: measure(cells, args.batch, length, args.embedding, args.repeats)
        for length in args.lengths
    }
    print("\n".join(table(weights, by_length)))


if __name__ == "__main__":
    main()
