"""Code new records with the model of a run, and mark those a person should see.

Reads:  RUN/config.json, RUN/bundle/, the table given by --data
Writes: the table given by --out: all columns and rows of --data in their order, and
        predicted_label, probability, decision (accept or review), and, with --coverage,
        prediction_set (a JSON list of labels, the most probable first)

With --max-error, so many are accepted as the held-out records of the training let promise that no
more than that share of them is wrong, with 95 % confidence, as long as the new records are of the
same kind; none, if it cannot be promised. With --coverage, a prediction set holds the true label in
at least that share of such records.

Tables may be larger than memory. If the work is cut off, the same command goes on where it stopped.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines import shell
from pipelines.runs import Run
from textlstm.config import MIN_PROBABILITY
from textlstm.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from textlstm.decisions import HeldOut
    from textlstm.scoring import Look, Rule


def predict(
    run: Run,
    data: str,
    out: Path,
    *,
    text: Sequence[str],
    encoding: str,
    min_probability: float | None,
    max_error: float | None,
    coverage: float | None,
    device_name: str,
) -> None:
    """Carry out the stage."""
    from dataclasses import asdict
    from functools import partial

    import torch

    from textlstm.bundle import Bundle
    from textlstm.delimited import CHUNK_BYTES, CHUNK_ROWS
    from textlstm.model import resolve_device
    from textlstm.parts import in_order, parts_of, processors
    from textlstm.scoring import Look, code, require_free_columns
    from textlstm.tables import distinct_records
    from textlstm.text import preprocess

    if min_probability is not None and not 0.0 <= min_probability <= 1.0:
        raise InputError(f"--min-probability must lie between 0 and 1, not {min_probability}")
    for flag, share in (("--max-error", max_error), ("--coverage", coverage)):
        if share is not None and not 0.0 < share < 1.0:
            raise InputError(f"{flag} must lie between 0 and 1, such as 0.02 or 0.95, not {share}")
    shell.require_another_file(out, data)
    columns = shell.text_columns(text, run.config().data.text)
    run.require(run.bundle, "train")
    bundle = Bundle.load(run.bundle)
    device = resolve_device(device_name)
    bundle.network.to(device)
    rule = _rule(bundle.held_out, min_probability, max_error, coverage)
    job = {
        "data": _identity(data),
        "encoding": encoding,
        "text": columns,
        "rule": [min_probability, max_error, coverage],
        "device": device.type,
        "sizes": [CHUNK_BYTES, CHUNK_ROWS],
        "bundle": (run.bundle / "manifest.json").read_text(encoding="utf-8"),
    }
    with parts_of(out, job) as parts:

        def carry_out(item: "tuple[int, pa.Table]") -> "Look":
            number, table = item
            if number not in parts:
                require_free_columns(table, rule.columns)
                records, places = distinct_records(table, columns, data)
                coded, seen = code(table, preprocess(records), places, bundle, rule, device)
                parts.write(number, coded, asdict(seen))
            return Look(**parts.note(number))

        # On processors, many parts at a time with a thread each are faster than the reverse.
        workers = processors() if device.type == "cpu" else 1
        looks = in_order(
            carry_out,
            enumerate(_chunks(data, encoding, columns)),
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


def _rule(
    held_out: "HeldOut",
    min_probability: float | None,
    max_error: float | None,
    coverage: float | None,
) -> "Rule":
    """Return what the flags come to, and say what can be promised."""
    from textlstm.decisions import promise, set_threshold
    from textlstm.scoring import Rule

    lowest = MIN_PROBABILITY if min_probability is None else min_probability
    if max_error is not None:
        promised = promise(held_out, max_error)
        shell.say(f"predict: {promised.sentence()}")
        lowest = promised.threshold
    if coverage is None:
        return Rule(lowest)
    rule = Rule(lowest, set_threshold(held_out, coverage))
    if rule.set_probability == 0.0:
        shell.say(
            f"predict: {len(held_out.top)} held-out records are too few for sets of this coverage: "
            "they hold every label"
        )
    return rule


def _chunks(data: str, encoding: str, columns: Sequence[str]) -> Iterator["pa.Table"]:
    """Yield the parts of the table; a file without a byte, as on a day without deaths, has none."""
    import pyarrow as pa

    from textlstm.tables import read_chunks

    if Path(data).is_file() and not Path(data).stat().st_size:
        yield pa.table(dict.fromkeys(columns, pa.array([], pa.string())))
    else:
        yield from read_chunks(data, encoding)


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
    decided = parser.add_mutually_exclusive_group()
    decided.add_argument("--max-error", type=float, default=None, metavar="E",
                         help="accept as many as can be promised to have at most this share of "
                         "errors, such as 0.02")  # fmt: skip
    decided.add_argument("--min-probability", type=float, default=None, metavar="P",
                         help="accept from this probability on, without a promise "
                         f"(default: {MIN_PROBABILITY})")  # fmt: skip
    parser.add_argument("--coverage", type=float, default=None, metavar="C",
                        help="add sets of labels that hold the true one in at least this share of "
                        "records, such as 0.95")  # fmt: skip
    shell.add_device(parser)
    given = parser.parse_args(argv)
    predict(
        Run(given.run),
        given.data,
        given.out,
        text=given.text,
        encoding=given.encoding,
        min_probability=given.min_probability,
        max_error=given.max_error,
        coverage=given.coverage,
        device_name=given.device,
    )


if __name__ == "__main__":
    shell.leave(main)
