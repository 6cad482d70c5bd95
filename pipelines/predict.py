"""Code new records with the model of a run, and mark those a person should see.

Reads:  RUN/config.json, RUN/bundle/, the table given by --data
Writes: the table given by --out: all columns and rows of --data in their order, and
        predicted_label, probability, decision (accept or review)

Tables may be larger than memory. If the work is cut off, the same command goes on where it stopped.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import shell
from pipelines.runs import Run
from textlstm.config import MIN_PROBABILITY
from textlstm.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from textlstm.scoring import Look


def predict(
    run: Run,
    data: str,
    out: Path,
    *,
    text: Sequence[str],
    encoding: str,
    min_probability: float,
    device_name: str,
) -> None:
    """Carry out the stage."""
    from dataclasses import asdict
    from functools import partial

    import torch

    from textlstm.bundle import Bundle
    from textlstm.parts import in_order, parts_of, processors
    from textlstm.scoring import Look, code, require_free_columns
    from textlstm.tables import CHUNK_BYTES, CHUNK_ROWS, distinct_records, read_chunks
    from textlstm.text import preprocess
    from textlstm.training import resolve_device

    if not 0.0 <= min_probability <= 1.0:
        raise InputError(f"--min-probability must lie between 0 and 1, not {min_probability}")
    if out.exists() and Path(data).exists() and out.samefile(data):
        raise InputError(f"--out {out}: this is --data itself; give another name")
    trained = run.config().data.text
    columns = tuple(text) or trained
    if len(columns) != len(trained):
        raise InputError(
            f"--text names {len(columns)} column(s); the model reads {len(trained)}: "
            f"{', '.join(trained)}"
        )
    run.require(run.bundle, "train")
    bundle = Bundle.load(run.bundle)
    device = resolve_device(device_name)
    bundle.network.to(device)
    job = {
        "data": _identity(data),
        "encoding": encoding,
        "text": columns,
        "min_probability": min_probability,
        "device": device.type,
        "sizes": [CHUNK_BYTES, CHUNK_ROWS],
        "bundle": (run.bundle / "manifest.json").read_text(encoding="utf-8"),
    }
    with parts_of(out, job) as parts:

        def carry_out(item: "tuple[int, pa.Table]") -> "Look":
            number, table = item
            if number not in parts:
                require_free_columns(table)
                records, places = distinct_records(table, columns, data)
                coded, seen = code(
                    table, preprocess(records), places, bundle, min_probability, device
                )
                parts.write(number, coded, asdict(seen))
            return Look(**parts.note(number))

        # On processors, many parts at a time with a thread each are faster than the reverse.
        workers = processors() if device.type == "cpu" else 1
        looks = in_order(
            carry_out,
            enumerate(read_chunks(data, encoding)),
            workers,
            partial(torch.set_num_threads, 1),
        )
        seen, count = Look(), 0
        for look in shell.progress(looks, "coding"):
            seen, count = seen + look, count + 1
        parts.join(count)
    shell.say(f"predict: {seen.records} records coded, {seen.review} of them for review: {out}")
    shell.say(
        f"predict: {seen.empty_share:.1%} without a word; {seen.unknown_share:.1%} of the words "
        f"unknown; mean probability {seen.mean_probability:.3f}"
    )
    if strange := seen.strange(bundle.summary):
        shell.say(
            f"predict: warning: these records are not like those of the training: "
            f"{'; '.join(strange)}"
        )


def _identity(data: str) -> list[str | int]:
    """Return what tells a table from another, or from itself after a change."""
    path = Path(data)
    if not path.is_file():
        return [data]
    return [str(path.resolve()), path.stat().st_size, path.stat().st_mtime_ns]


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = shell.parser(__doc__)
    shell.add_run(parser)
    parser.add_argument("--data", required=True, metavar="NEW", help="table of new records")
    parser.add_argument("--text", nargs="+", default=(), metavar="COL",
                        help="text columns, in order (default: as in training)")  # fmt: skip
    parser.add_argument("--out", required=True, type=Path, help="table to write: .csv or .parquet")
    parser.add_argument("--encoding", default="utf-8", help="of --data (default: utf-8)")
    parser.add_argument("--min-probability", type=float, default=MIN_PROBABILITY, metavar="P",
                        help="below it a record is for review (default: %(default)s)")  # fmt: skip
    shell.add_device(parser)
    given = parser.parse_args(argv)
    predict(
        Run(given.run),
        given.data,
        given.out,
        text=given.text,
        encoding=given.encoding,
        min_probability=given.min_probability,
        device_name=given.device,
    )


if __name__ == "__main__":
    shell.leave(main)
