"""Speed and memory of textlstm beside its peers, measured in one run.

    python -m benchmarks.speed --data FILE --text COL [COL ...] --label COL
                               [--rows 1000000] [--repeats 3] [--flat]

Each model is fitted, and scores, in a process of its own; models take turns, and medians over the
repeats are printed as Markdown tables, with ratios. The file that is coded has --rows rows drawn
from --data, all columns included. In as many of them as --data has distinct texts in a hundred, a
word is replaced by another one, so that its texts repeat each other as those of --data do.

With ``--flat`` the memory of coding ten times as many rows is measured as well.

The command fails if a ratio that is promised is not reached. Absolute times are those of the
machine at hand, and of what else it does: compare ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from benchmarks.comparison import Fit, Predict, load, textlstm
from benchmarks.peers import fasttext, tfidf
from benchmarks.plain import table2
from pipelines import shell
from textlstm.config import DataConfig
from textlstm.records import divide
from textlstm.tables import column, distinct_records, read_table

OURS, PLAIN = "textlstm default", "plain torch, Table 2"
MODELS: dict[str, Fit] = {
    OURS: textlstm("default"),
    PLAIN: table2,
    "TF-IDF word + LR": tfidf(characters=False, blocks=False),
    "TF-IDF word+char + LR": tfidf(characters=True, blocks=False),
    "fastText": fasttext,
}
DISTINCT = 50_000
"""Distinct texts scored."""

TOKENIZED = 500_000
"""Rows preprocessed."""

PROMISES = {
    "fit, share of the plain recipe's time": ("at most", 0.25),
    "file coded, times the plain recipe's rate": ("at least", 10.0),
    "file coded, times the rate of the fastest of TF-IDF and fastText": ("at least", 1.0),
    "network, share of the matrix-multiply peak": ("at least", 0.6),
    "first record, share of the time of importing torch and spaCy": ("at most", 1.3),
    "--help, seconds": ("at most", 1.0),
    "memory at ten times the rows": ("at most", 1.25),
}


def kept(name: str, ratio: float) -> bool:
    """Return whether a promise is kept."""
    way, limit = PROMISES[name]
    return ratio <= limit if way == "at most" else ratio >= limit


# ---------------------------------------------------------------------------------- the rows


def varied(texts: Sequence[str], share: float, rng: np.random.Generator) -> list[str]:
    """Return the texts, a word replaced by another one in such a share of them."""
    pool = np.array([word for text in texts[:20_000] for word in text.split()], dtype=object)
    new = list(texts)
    for row in np.flatnonzero(rng.random(len(texts)) < share):
        words = new[row].split()
        if words:
            words[rng.integers(len(words))] = rng.choice(pool)
            new[row] = " ".join(words)
    return new


def write_rows(data: str, text: Sequence[str], rows: int, path: Path) -> None:
    """Write so many rows like those of a table."""
    table = read_table(data)
    share = len(distinct_records(table, text, data)[0]) / len(table)
    rng = np.random.default_rng(0)
    place = table.column_names.index(text[0])
    with pa.csv.CSVWriter(path, table.schema) as writer:
        for start in range(0, rows, 100_000):
            size = min(100_000, rows - start)
            some = table.take(pa.array(rng.integers(len(table), size=size)))
            cells = varied(column(some, text[0], data), share, rng)
            writer.write_table(some.set_column(place, text[0], pa.array(cells)))


# ---------------------------------------------------------------------------------- the jobs


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds a call takes, and its result."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def measure_model(given: argparse.Namespace) -> dict[str, float]:
    """Return the rates of one model, in this process."""
    records = load(given.data, given.text, given.label)
    train, _ = divide(records, DataConfig().holdout, "stratified", 0)
    fields, labels = train["fields"].tolist(), train["label"].to_numpy(dtype=str)
    MODELS[given.job](fields[:300], labels[:300], 0)(fields[:300])  # imports, first calls
    seconds, predict = timed(lambda: MODELS[given.job](fields, labels, 0))
    found = {"fit": seconds}
    rng = np.random.default_rng(1)
    some = rng.permutation(np.array([one[0] for one in fields] * 20, dtype=object)).tolist()
    others = [one[1:] for one in fields]
    distinct = list(dict.fromkeys(varied(some, 1.0, rng)))[:DISTINCT]
    new = [(text, *others[row % len(others)]) for row, text in enumerate(distinct)]
    found["distinct"] = len(new) / timed(lambda: predict(new))[0]
    if given.job != OURS:
        out = Path(given.file).with_suffix(f".{os.getpid()}.csv")
        names = np.unique(labels)
        found["file"] = timed(lambda: code_file(predict, given.file, given.text, names, out))[0]
        out.unlink()
    return found


def code_file(
    predict: Predict, source: str, text: Sequence[str], names: NDArray[Any], out: Path
) -> None:
    """Code a file as a notebook would: all of it at once."""
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    probabilities = predict(list(zip(*(frame[name] for name in text), strict=True)))
    frame["predicted_label"] = names[probabilities.argmax(axis=1)]
    frame["probability"] = probabilities.max(axis=1).round(6)
    frame.to_csv(out, index=False)


def measure_parts(given: argparse.Namespace) -> dict[str, float]:
    """Return the rates of parts of ours: preprocessing, and the network beside the peak."""
    import torch

    from pipelines.runs import Run
    from textlstm.batches import Corpus
    from textlstm.bundle import Bundle
    from textlstm.model import predict_logits
    from textlstm.text import preprocess

    table = read_table(given.file).slice(0, TOKENIZED)
    preprocess([("first call",)])

    def texts() -> NDArray[np.object_]:
        records, places = distinct_records(table, given.text, given.file)
        return np.array(preprocess(records), dtype=object)[places]

    seconds, all_texts = timed(texts)
    bundle = Bundle.load(Run(given.run).bundle)
    encoded = bundle.encoding.encode(list(dict.fromkeys(all_texts.tolist()))[:DISTINCT])
    corpus, network = Corpus(encoded, bundle.encoding), bundle.network
    network.linear = None
    matrix = torch.randn(2048, 2048)
    peak = max(2 * 2048**3 / timed(lambda: matrix @ matrix)[0] for _ in range(5))
    config, cpu = bundle.recipe.network, torch.device("cpu")
    gates = 4 * config.hidden_units * (config.embedding + config.hidden_units)
    work = 2 * gates * config.members * (1 + config.bidirectional) * int(corpus.text_lengths.sum())
    seconds_lstm = min(timed(lambda: predict_logits(network, corpus, cpu))[0] for _ in range(3))
    return {
        "preprocessed": len(table) / seconds,
        "peak": peak / 1e9,
        "network": work / seconds_lstm / 1e9,
        "network_share": work / seconds_lstm / peak,
        "network_texts": len(corpus.forms) / seconds_lstm,
    }


# ---------------------------------------------------------------------------------- the course


def child(given: argparse.Namespace, job: str, file: Path, **more: str) -> dict[str, float]:
    """Carry out a job in a process of its own, and return what it found."""
    command = [sys.executable, "-m", "benchmarks.speed", "--data", given.data, "--text",
               *given.text, "--label", given.label, "--job", job, "--file", str(file)]  # fmt: skip
    for name, value in more.items():
        command += [f"--{name}", value]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def command_cost(*arguments: str) -> tuple[float, float]:
    """Return the seconds and the peak memory, in MB, of a Python command."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(arguments)} failed")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return time.perf_counter() - started, usage.ru_maxrss * unit / 1e6


def predicting(given: argparse.Namespace, run: Path, source: Path) -> tuple[float, float]:
    """Return the cost of coding a file by the command, start-up included."""
    out = source.with_suffix(".coded.csv")
    cost = command_cost("-m", "pipelines.predict", "--run", str(run), "--data", str(source),
                        "--out", str(out))  # fmt: skip
    out.unlink()
    return cost


def tables(given: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Measure, and yield the lines of the tables; at the end fail where a promise is not kept."""
    source, run, one = folder / "rows.csv", folder / "run", folder / "one.csv"
    write_rows(given.data, given.text, given.rows, source)
    write_rows(given.data, given.text, 1, one)
    for stage, *more in (
        ("preprocess", "--data", given.data, "--label", given.label, "--text", *given.text),
        ("encode",),
        ("train",),
    ):
        command_cost("-m", f"pipelines.{stage}", "--run", str(run), *more)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in (*MODELS, "parts")}
    start = []
    for _ in range(given.repeats):
        for name in MODELS:
            measured = child(given, name, source)
            if name == OURS:
                measured["file"], measured["memory"] = predicting(given, run, source)
            found[name].append(measured)
        found["parts"].append(child(given, "parts", source, run=str(run)))
        start.append([
            command_cost("-m", "pipelines.predict", "--help")[0],
            command_cost("-c", "import torch, spacy")[0],
            predicting(given, run, one)[0],
        ])  # fmt: skip

    def median(name: str, key: str) -> float:
        return statistics.median(row[key] for row in found[name])

    heads = "fit s", "of plain", "distinct texts/s", f"{given.rows:,} rows: rows/s", "of plain"
    yield f"| model | {' | '.join(heads)} |"
    yield "|---" * 6 + "|"
    rates = {name: given.rows / median(name, "file") for name in MODELS}
    fits = {name: median(name, "fit") for name in MODELS}
    for name in MODELS:
        cells = (
            f"{fits[name]:.1f}",
            f"{fits[name] / fits[PLAIN]:.2f}",
            f"{median(name, 'distinct'):,.0f}",
            f"{rates[name]:,.0f}",
            f"{rates[name] / rates[PLAIN]:.1f}",
        )
        yield f"| {name} | {' | '.join(cells)} |"
    help_s, imports_s, first_s = map(statistics.median, zip(*start, strict=True))
    parts = {key: median("parts", key) for key in found["parts"][0]}
    yield ""
    yield f"Preprocessing: {parts['preprocessed']:,.0f} rows/s."
    yield f"The networks: {parts['network_texts']:,.0f} distinct texts/s. Read word by word, that"
    yield f"would be {parts['network']:,.0f} GFLOPS; a matrix product has {parts['peak']:,.0f}."
    yield f"Start: --help {help_s:.2f} s; importing torch and spaCy {imports_s:.2f} s; one record"
    yield f"coded by the command {first_s:.2f} s."
    ratios = {
        "fit, share of the plain recipe's time": fits[OURS] / fits[PLAIN],
        "file coded, times the plain recipe's rate": rates[OURS] / rates[PLAIN],
        "file coded, times the rate of the fastest of TF-IDF and fastText": rates[OURS]
        / max(rate for name, rate in rates.items() if name not in (OURS, PLAIN)),
        "network, share of the matrix-multiply peak": parts["network_share"],
        "first record, share of the time of importing torch and spaCy": first_s / imports_s,
        "--help, seconds": help_s,
    }
    memory = max(row["memory"] for row in found[OURS])
    yield f"Memory of coding {given.rows:,} rows: {memory:,.0f} MB."
    if given.flat:
        write_rows(given.data, given.text, 10 * given.rows, source)
        took, tenfold = predicting(given, run, source)
        yield f"Ten times as many: {tenfold:,.0f} MB, {10 * given.rows / took:,.0f} rows/s."
        ratios["memory at ten times the rows"] = tenfold / memory
    yield from ("", "| promised | | found |", "|---|---|---|")
    for name, ratio in ratios.items():
        way, limit = PROMISES[name]
        yield f"| {name} | {way} {limit:g} | {ratio:.2f} |"
    broken = [
        name
        for name, ratio in ratios.items()
        if (
            ratio > PROMISES[name][1]
            if PROMISES[name][0] == "at most"
            else ratio < PROMISES[name][1]
        )
    ]
    if broken:
        sys.exit(f"not reached: {'; '.join(broken)}")


def main() -> None:
    """Parse the flags, and measure or carry out one job."""
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=plain)
    parser.add_argument("--data", required=True)
    parser.add_argument("--text", nargs="+", required=True)
    parser.add_argument("--label", required=True)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--flat", action="store_true")
    for name in ("--job", "--file", "--run"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        job = measure_parts if given.job == "parts" else measure_model
        print(json.dumps(job(given)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for line in tables(given, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    shell.leave(lambda _: main())
