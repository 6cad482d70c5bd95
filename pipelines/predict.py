r"""Code new records with the model of a run, and mark those a person should see.

Reads:  RUN/config.json, RUN/bundle/, the table given by --data
Writes: the table given by --out: all columns and rows of --data in their order, and
        predicted_label, probability (of that label), second_label (the next most probable one),
        decision (accept or review), and, with --coverage, prediction_set (a JSON list of labels,
        the most probable first). A record without a known word is for review, and its labels are
        what the model makes of no words. CSV is in UTF-8 with a byte order mark, for spreadsheets.

With --max-error, so many are accepted as the held-out records of the training let promise that no
more than that share of them is wrong, with 95 % confidence, as long as the new records are of the
same kind; none, if it cannot be promised. With --coverage, a prediction set holds the true label in
at least that share of such records.

Tables may be larger than memory. If the work is cut off, the same command goes on where it stopped,
as long as the table has the same place, time and content. A new --out is for its owner alone
(0600).

For example:
    python -m pipelines.predict --run runs/manner --data new.csv --out coded.csv
    python -m pipelines.predict --run runs/manner --data new.csv --out coded.csv \
        --max-error 2% --coverage 95%
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines import console, flags, inputs, interrupts, progress, shell
from pipelines.runs import Run, versions
from pipelines.source import Source
from textlstm.config import MIN_PROBABILITY
from textlstm.errors import InputError, counted

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

    from textlstm.data.cells import TextChunk
    from textlstm.inference.bundle import Bundle
    from textlstm.inference.drift import InputStatistics
    from textlstm.inference.scoring import DecisionRule
    from textlstm.text.worker import Preprocess
    from textlstm.uncertainty.out_of_fold import OutOfFold

PART_ROWS = 1 << 15
"""Rows that are coded and kept together: the first are soon kept, where the work is cut off."""

PARTS_AHEAD = 24
"""Parts of the table that are read before any can be coded: so long does torch take to load."""


class Wanted(NamedTuple):
    """What is asked of the codes."""

    min_probability: float | None
    max_error: float | None
    coverage: float | None

    def require_shares(self) -> None:
        """Raise an :class:`InputError` where a share is none."""
        lowest = self.min_probability
        if lowest is not None and not 0.0 <= lowest <= 1.0:
            raise InputError(
                f"--min-probability must lie between 0 and 1, not {lowest:g}{_as_share(lowest)}"
            )
        for flag, share in (("--max-error", self.max_error), ("--coverage", self.coverage)):
            if share is not None and not 0.0 < share < 1.0:
                raise InputError(
                    f"{flag} must lie between 0 and 1, such as 0.02 or 0.95, not {share:g}"
                    f"{_as_share(share)}"
                )


def _as_share(number: float) -> str:
    """Return how to write a number that was meant as a percentage; of no other, nothing."""
    meant = 1 < number < 100
    return f"; for {number:g} % write {number / 100:g} or {number:g}%" if meant else ""


def predict(
    run: Run,
    data: str,
    out: Path,
    *,
    text: Sequence[str],
    charset: str,
    delimiter: str,
    wanted: Wanted,
    device_name: str,
) -> None:
    """Carry out the stage."""
    wanted.require_shares()
    inputs.require_free_output(out, data)
    columns = inputs.text_columns(run, text)
    charset = inputs.table_charset(run, data, charset)
    run.require(run.bundle, "train")

    from textlstm.storage.parallel import prefetch, thread_pool
    from textlstm.storage.resumable import Shards, require_format
    from textlstm.text.worker import preprocessing_process

    require_format(out)
    source = Source(data)
    # The table is read, and its texts are preprocessed, while torch is imported.
    with (
        interrupts.on_interrupt(
            lambda: interrupts.RESUME_HINT if Shards(out).any() else interrupts.NOTHING_TO_RESUME
        ),
        preprocessing_process() as preprocess,
        thread_pool(1) as pool,
        prefetch(_read(data, charset, delimiter, columns, preprocess), PARTS_AHEAD) as read,
    ):
        identity = pool.submit(source.identity)
        with progress.working("predict", "loading the model"):
            from textlstm.data.charset import CHUNK_BYTES
            from textlstm.data.chunks import CHUNK_ROWS
            from textlstm.inference.bundle import Bundle
            from textlstm.models.logits import resolve_device

            bundle, device = Bundle.load(run.bundle), resolve_device(device_name)
        bundle.network.to(device)
        rule = _rule(bundle.out_of_fold, wanted)
        job = {
            "data": identity.result(),
            "encoding": charset,
            "delimiter": delimiter,
            "text": columns,
            "rule": wanted,
            "device": device.type,
            "sizes": [CHUNK_BYTES, CHUNK_ROWS, PART_ROWS],
            "versions": versions(),
            "bundle": (run.bundle / "manifest.json").read_text(encoding="utf-8"),
        }
        seen = _code(read, out, job, bundle, rule, device, source)
    _tell(seen, bundle, out)


def _read(
    data: str, charset: str, delimiter: str, columns: Sequence[str], preprocess: "Preprocess"
) -> Iterator["TextChunk"]:
    """Yield the table; a file without a byte, as on a day without deaths, has no rows."""
    import pyarrow as pa

    from textlstm.data.cells import TextChunk, distinct_records
    from textlstm.data.readers import iter_tables
    from textlstm.storage.atomic import is_empty

    if is_empty(Path(data)):
        chunks = iter([pa.table(dict.fromkeys(columns, pa.array([], pa.string())))])
    else:
        chunks = iter_tables(data, charset, delimiter, console.log_for("predict"))
    for table in chunks:
        for start in range(0, len(table) or 1, PART_ROWS):
            rows = table.slice(start, PART_ROWS)
            yield TextChunk(rows, distinct_records(rows, columns, data).map(preprocess))


def _code(
    read: Iterable["TextChunk"],
    out: Path,
    job: dict[str, Any],
    bundle: "Bundle",
    rule: "DecisionRule",
    device: "torch.device",
    source: Source,
) -> "InputStatistics":
    """Write the coded table, as far as it is not there already, and return a look at all of it."""
    from textlstm.inference.drift import InputStatistics
    from textlstm.inference.engines.local import predict_tables
    from textlstm.storage.parallel import map_ordered
    from textlstm.storage.resumable import resumable_shards

    numbers = []
    with resumable_shards(out, job) as parts:

        def missing() -> Iterator[tuple[int, "TextChunk"]]:
            for number, part in enumerate(read):
                numbers.append(number)
                if number not in parts:
                    yield number, part

        with parts.concatenating() as join:

            def write(coded: tuple[int, "pa.Table", InputStatistics]) -> int:
                number, table, look = coded
                parts.write(number, table, asdict(look))
                join()
                return look.records

            coded = predict_tables(missing(), bundle, rule, device)
            with closing(map_ordered(write, coded, workers=1, finish=True)) as written:
                for _ in progress.track(written, "predict", "coding", "records", size=int):
                    pass
            looks = [InputStatistics(**parts.metadata(number)) for number in numbers]
            source.require_unchanged()
    return sum(looks, InputStatistics())


def _tell(seen: "InputStatistics", bundle: "Bundle", out: Path) -> None:
    """Say what the records look like, and whether they are strange to the model."""
    from textlstm.inference.bundle_files import UNCODABLE
    from textlstm.uncertainty.intervals import tenths
    from textlstm.uncertainty.risk_control import uncodable_sentence

    coded = counted(seen.records, "record")
    console.log(f"predict: {coded} coded, {seen.review} of them for review: {out}")
    console.log(
        f"predict: {tenths(seen.empty_share)} of the records without a word; "
        f"{tenths(seen.unknown_share)} of the words unknown; "
        f"mean probability {seen.mean_probability:.3f}"
    )
    if seen.abbreviated:
        console.log(
            f"predict: {counted(seen.abbreviated, 'record has', 'records have')} abbreviations "
            "that are not in the vocabulary; written out"
        )
    if uncodable := bundle.summary[UNCODABLE]:
        console.log(f"predict: in training, {uncodable_sentence(uncodable)}")
    if bundle.out_of_fold.gain <= 0:
        console.log(
            "predict: warning: the model is not shown to be better than the class shares alone"
        )
    if strange := seen.drift_warnings(bundle.summary):
        console.log(
            f"predict: warning: these records are not like those of the training: "
            f"{'; '.join(strange)}"
        )


def _rule(out_of_fold: "OutOfFold", wanted: Wanted) -> "DecisionRule":
    """Return what is wanted as a rule, and say what can be promised."""
    from textlstm.inference.scoring import DecisionRule
    from textlstm.uncertainty.conformal import conformal_threshold, why_sets_are_full
    from textlstm.uncertainty.risk_control import promise

    lowest = MIN_PROBABILITY if wanted.min_probability is None else wanted.min_probability
    if wanted.max_error is not None:
        promised = promise(out_of_fold, wanted.max_error)
        console.log(f"predict: {promised.sentence()}")
        lowest = promised.threshold
    if wanted.coverage is None:
        return DecisionRule(lowest)
    if reason := why_sets_are_full(out_of_fold, wanted.coverage):
        console.log(f"predict: {reason}")
    return DecisionRule(lowest, conformal_threshold(out_of_fold, wanted.coverage))


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the flags and carry out the stage."""
    parser = flags.parser("predict", __doc__)
    flags.add_run(parser)
    parser.add_argument("--data", required=True, metavar="NEW", help="table of new records")
    parser.add_argument("--out", required=True, type=Path, help="table to write: .csv or .parquet")
    flags.add_table_format(parser, "--data")
    decided = parser.add_mutually_exclusive_group()
    decided.add_argument("--max-error", type=flags.parse_number, default=None, metavar="E",
                         help="accept as many as can be promised to have at most this share of "
                         "errors, such as 0.02")  # fmt: skip
    decided.add_argument("--min-probability", type=flags.parse_number, default=None, metavar="P",
                         help="accept from this probability on, without a promise "
                         f"(default: {MIN_PROBABILITY})")  # fmt: skip
    parser.add_argument("--coverage", type=flags.parse_number, default=None, metavar="C",
                        help="add sets of labels that hold the true one in at least this share of "
                        "records, such as 0.95")  # fmt: skip
    flags.add_device(parser)
    given = parser.parse_args(argv)
    flags.require_device(given.device)
    predict(
        Run(given.run),
        given.data,
        given.out,
        text=given.text,
        charset=given.charset,
        delimiter=given.delimiter,
        wanted=Wanted(given.min_probability, given.max_error, given.coverage),
        device_name=given.device,
    )


if __name__ == "__main__":
    shell.run_and_exit(main)
