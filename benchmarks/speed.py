"""Speed and memory of textlstm beside its peers, measured in one run.

    python -m benchmarks.speed --data FILE --text COL [COL ...] --label COL
                               [--rows 1000000] [--repeats 3] [--flat]

Each model is fitted and predicts in a process of its own. Models take turns, and medians over the
repeats are printed as Markdown tables, with ratios. The file to code has --rows rows drawn from
--data, with all columns. Words are replaced in some rows, so that the file has as many distinct
texts as one expects of its number of records: the more records, the more repeat others, by a law
that is fitted to --data (:func:`growth`). textlstm reads each distinct text once. Therefore it also
codes a file with the share of distinct texts of --data, which is the hardest, and one of rows drawn
without change, which is the easiest; for the other models all three are the same.

With ``--flat`` the memory of coding ten times as many rows is measured as well.

The command fails if a ratio misses its target. Absolute times depend on the machine and on other
work on it: compare ratios.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from benchmarks.comparison import Fit, Predict, load, textlstm
from benchmarks.peers import fasttext
from benchmarks.plain import table2
from benchmarks.sklearn_peers import tfidf
from pipelines import interrupts, shell
from textlstm.config import DataConfig
from textlstm.data.cells import column, distinct_records
from textlstm.data.readers import read_table
from textlstm.data.splits import split_off

OURS, PLAIN = "textlstm default", "plain torch, Table 2"
MODELS: dict[str, Fit] = {
    OURS: textlstm("default"),
    PLAIN: table2,
    "TF-IDF word + LR": tfidf(characters=False, blocks=False),
    "TF-IDF word+char + LR": tfidf(characters=True, blocks=False),
    "fastText": fasttext,
}
DISTINCT = 50_000
"""Distinct texts to score."""

TOKENIZED = 500_000
"""Rows to preprocess."""

GROWN, SAME_SHARE, DRAWN = FILES = (
    "expected for the number of rows",
    "the share of --data",
    "those of --data",
)
"""Files to code, by their number of distinct texts."""

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
    """Tell whether a ratio reaches its target."""
    way, limit = PROMISES[name]
    return ratio <= limit if way == "at most" else ratio >= limit


# ---------------------------------------------------------------------------------- the rows


def growth(texts: NDArray[np.integer[Any]]) -> tuple[float, float]:
    """Fit K and b of Heaps' law, by which n records have K n^b distinct texts (Heaps 1978).

    They are fitted, in logarithms, to all records, given the number of each one's text (n,), and to
    random halves, quarters and eighths.
    """
    drawn = np.random.default_rng(0).permutation(texts)
    sizes = [len(texts) // divisor for divisor in (1, 2, 4, 8)]
    distinct = [len(np.unique(drawn[:size])) for size in sizes]
    b, log_k = np.polyfit(np.log(sizes), np.log(distinct), 1)
    return float(np.exp(log_k)), float(b)


def distinct_texts(data: str, text: Sequence[str], rows: int) -> dict[str, int]:
    """Return the number of distinct texts that each file should have."""
    texts = distinct_records(read_table(data), text, data)
    k, b = growth(texts.inverse)
    return {
        GROWN: round(k * rows**b),
        SAME_SHARE: round(rows * len(texts.values) / len(texts)),
        DRAWN: 0,
    }


def new_texts(
    texts: Iterable[str], known: set[str], words: Sequence[str], rng: np.random.Generator
) -> Iterator[str]:
    """Replace or add words of each text until the text is new; ``known`` collects the texts."""
    for text in texts:
        new = text.split()
        while (joined := " ".join(new)) in known:
            position = rng.integers(len(new) + 1)
            new[position : position + 1] = [words[int(rng.integers(len(words)))]]
        known.add(joined)
        yield joined


def write_rows(data: str, text: Sequence[str], rows: int, distinct: int, path: Path) -> None:
    """Write rows drawn from a table, some with new texts if ``distinct`` texts need them."""
    table = read_table(data)
    inverse = distinct_records(table, text, data).inverse
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(table), size=rows)
    new = rng.permutation(rows) < distinct - len(np.unique(inverse[drawn]))
    cells, position = column(table, text[0], data), table.column_names.index(text[0])
    words, known = [word for cell in cells for word in cell.split()], set(cells)
    with pa.csv.CSVWriter(path, table.schema) as writer:
        for start in range(0, rows, 100_000):
            block = slice(start, start + 100_000)
            chunk = table.take(pa.array(drawn[block]))
            texts = np.array(column(chunk, text[0], data), dtype=object)
            texts[new[block]] = list(new_texts(texts[new[block]], known, words, rng))
            writer.write_table(chunk.set_column(position, text[0], pa.array(texts, pa.string())))


# ---------------------------------------------------------------------------------- the jobs


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Call a function; return the seconds it takes, and its result."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def measure_model(args: argparse.Namespace) -> dict[str, float]:
    """Measure one model, in this process."""
    records = load(args.data, args.text, args.label)
    train, _ = split_off(records, DataConfig().holdout, "stratified", 0)
    fields, labels = train["fields"].tolist(), train["label"].to_numpy(dtype=str)
    MODELS[args.job](fields[:300], labels[:300], 0)(fields[:300])  # imports, first calls
    seconds, predict = timed(lambda: MODELS[args.job](fields, labels, 0))
    measured = {"fit": seconds}
    rng = np.random.default_rng(1)
    drawn = [fields[row] for row in rng.integers(len(fields), size=DISTINCT)]
    first = [record[0] for record in fields]
    words = [word for cell in first for word in cell.split()]
    texts = new_texts([record[0] for record in drawn], set(first), words, rng)
    new = [(text, *record[1:]) for text, record in zip(texts, drawn, strict=True)]
    measured["distinct"] = len(new) / timed(lambda: predict(new))[0]
    if args.job != OURS:
        out = Path(args.file).with_suffix(f".{os.getpid()}.csv")
        names = np.unique(labels)
        measured["file"] = timed(lambda: code_file(predict, args.file, args.text, names, out))[0]
        out.unlink()
    return measured


def code_file(
    predict: Predict, source: str, text: Sequence[str], names: NDArray[Any], out: Path
) -> None:
    """Code a file as a notebook would: all rows at once."""
    frame = pd.read_csv(source, dtype=str, keep_default_na=False)
    probabilities = predict(list(zip(*(frame[name] for name in text), strict=True)))
    frame["predicted_label"] = names[probabilities.argmax(axis=1)]
    frame["probability"] = probabilities.max(axis=1).round(6)
    frame.to_csv(out, index=False)


def measure_parts(args: argparse.Namespace) -> dict[str, float]:
    """Measure components of textlstm: preprocessing, and the network beside a matrix product."""
    import torch

    from pipelines.runs import Run
    from textlstm.encoding.corpus import Corpus
    from textlstm.inference.bundle import Bundle
    from textlstm.models.logits import predict_logits
    from textlstm.text.tokenizing import preprocess

    table = read_table(args.file).slice(0, TOKENIZED)
    preprocess([("first call",)])

    def texts() -> NDArray[np.object_]:
        preprocessed = distinct_records(table, args.text, args.file).map(preprocess)
        texts_of_records: NDArray[np.object_] = np.array(preprocessed.values, dtype=object)[
            preprocessed.inverse
        ]
        return texts_of_records

    seconds, all_texts = timed(texts)
    bundle = Bundle.load(Run(args.run).bundle)
    encoded = bundle.vocabulary.encode(list(dict.fromkeys(all_texts.tolist()))[:DISTINCT])
    corpus, network = Corpus(encoded, bundle.vocabulary), bundle.network
    network.linear = None
    matrix = torch.randn(2048, 2048)
    peak = max(2 * 2048**3 / timed(lambda: matrix @ matrix)[0] for _ in range(5))
    config, cpu = bundle.recipe.network, torch.device("cpu")
    gates = 4 * config.hidden_units * (config.embedding_size + config.hidden_units)
    work = (
        2
        * gates
        * config.ensemble_size
        * (1 + config.bidirectional)
        * int(corpus.text_lengths.sum())
    )
    seconds_lstm = min(timed(lambda: predict_logits(network, corpus, cpu))[0] for _ in range(3))
    return {
        "preprocessed": len(table) / seconds,
        "peak": peak / 1e9,
        "network": work / seconds_lstm / 1e9,
        "network_share": work / seconds_lstm / peak,
        "network_texts": len(corpus.text_ids) / seconds_lstm,
    }


# ---------------------------------------------------------------------------------- the course


def child(args: argparse.Namespace, job: str, file: Path, **more: str) -> dict[str, float]:
    """Run a job in a process of its own, and return its measurements."""
    command = [sys.executable, "-m", "benchmarks.speed", "--data", args.data, "--text",
               *args.text, "--label", args.label, "--job", job, "--file", str(file)]  # fmt: skip
    for name, value in more.items():
        command += [f"--{name}", value]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def command_cost(*arguments: str) -> tuple[float, float]:
    """Run a Python command; return its seconds and its peak memory in MB."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)  # fmt: skip
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(arguments)} failed")
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return time.perf_counter() - started, usage.ru_maxrss * unit / 1e6


def predicting(run: Path, source: Path) -> tuple[float, float]:
    """Return seconds and peak memory of coding a file by the command, start-up included."""
    out = source.with_suffix(".coded.csv")
    cost = command_cost("-m", "pipelines.predict", "--run", str(run), "--data", str(source),
                        "--out", str(out))  # fmt: skip
    out.unlink()
    return cost


def prepare(args: argparse.Namespace, folder: Path) -> None:
    """Write the files to code, and train a run.

    Raises
    ------
    InputError
        If the table cannot be read, or has no such column.
    """
    load(args.data, args.text, args.label)
    distinct = distinct_texts(args.data, args.text, args.rows)
    for name in FILES:
        write_rows(args.data, args.text, args.rows, distinct[name], source(folder, name))
    write_rows(args.data, args.text, 1, 0, folder / "one.csv")
    for stage, *more in (
        ("preprocess", "--data", args.data, "--label", args.label, "--text", *args.text),
        ("encode",),
        ("train",),
    ):
        command_cost("-m", f"pipelines.{stage}", "--run", str(folder / "run"), *more)


def source(folder: Path, name: str) -> Path:
    """Return the path of a file."""
    return folder / f"rows{FILES.index(name)}.csv"


Found = dict[str, list[dict[str, float]]]
"""Measurements of each model, and of the components of textlstm, in each repeat."""


def measure(args: argparse.Namespace, folder: Path) -> Found:
    """Measure everything, with the models in turn."""
    found: Found = {name: [] for name in (*MODELS, "parts")}
    run, rows = folder / "run", source(folder, GROWN)
    for _ in range(args.repeats):
        for name in MODELS:
            measured = child(args, name, rows)
            if name == OURS:
                costs = {file: predicting(run, source(folder, file)) for file in FILES}
                measured |= {file: seconds for file, (seconds, _) in costs.items()}
                measured["file"], measured["memory"] = costs[GROWN]
            found[name].append(measured)
        parts = child(args, "parts", rows, run=str(run))
        parts["help"] = command_cost("-m", "pipelines.predict", "--help")[0]
        parts["imports"] = command_cost("-c", "import torch, spacy")[0]
        parts["first"] = predicting(run, folder / "one.csv")[0]
        found["parts"].append(parts)
    return found


def medians(found: Found) -> dict[str, dict[str, float]]:
    """Return the median of each measurement over the repeats."""
    return {
        name: {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        for name, rows in found.items()
    }


def model_table(rows: int, of: dict[str, dict[str, float]]) -> Iterator[str]:
    """Yield the lines of the table of models."""
    heads = "fit s", "of plain", "distinct texts/s", f"{rows:,} rows: rows/s", "of plain"
    yield f"| model | {' | '.join(heads)} |"
    yield "|---" * 6 + "|"
    for name in MODELS:
        cells = (
            f"{of[name]['fit']:.1f}",
            f"{of[name]['fit'] / of[PLAIN]['fit']:.2f}",
            f"{of[name]['distinct']:,.0f}",
            f"{rows / of[name]['file']:,.0f}",
            f"{of[PLAIN]['file'] / of[name]['file']:.1f}",
        )
        yield f"| {name} | {' | '.join(cells)} |"


def file_table(
    rows: int, distinct: dict[str, int], of: dict[str, dict[str, float]]
) -> Iterator[str]:
    """Yield the lines of the table of files."""
    yield "| distinct texts | | rows/s | of plain |"
    yield "|---|---|---|---|"
    for name in FILES:
        ratio = of[PLAIN]["file"] / of[OURS][name]
        number = f"{distinct[name]:,}" if distinct[name] else ""
        yield f"| {name} | {number} | {rows / of[OURS][name]:,.0f} | {ratio:.1f} |"


def part_lines(parts: dict[str, float]) -> Iterator[str]:
    """Yield the lines on the components of textlstm."""
    yield f"Preprocessing: {parts['preprocessed']:,.0f} rows/s."
    yield f"The networks: {parts['network_texts']:,.0f} distinct texts/s. Read word by word, that"
    yield f"would be {parts['network']:,.0f} GFLOPS; a matrix product has {parts['peak']:,.0f}."
    yield f"Start: --help {parts['help']:.2f} s; importing torch and spaCy {parts['imports']:.2f}"
    yield f"s; one record coded by the command {parts['first']:.2f} s."


def ratios(of: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return the ratios that have targets."""
    ours, parts = of[OURS], of["parts"]
    others = [of[name]["file"] for name in MODELS if name not in (OURS, PLAIN)]
    return {
        "fit, share of the plain recipe's time": ours["fit"] / of[PLAIN]["fit"],
        "file coded, times the plain recipe's rate": of[PLAIN]["file"] / ours["file"],
        "file coded, times the rate of the fastest of TF-IDF and fastText": min(others)
        / ours["file"],
        "network, share of the matrix-multiply peak": parts["network_share"],
        "first record, share of the time of importing torch and spaCy": parts["first"]
        / parts["imports"],
        "--help, seconds": parts["help"],
    }


def promise_table(found: dict[str, float]) -> Iterator[str]:
    """Yield the lines of the table of targets."""
    yield "| promised | | found |"
    yield "|---|---|---|"
    for name, ratio in found.items():
        way, limit = PROMISES[name]
        yield f"| {name} | {way} {limit:g} | {ratio:.2f} |"


def tables(args: argparse.Namespace, folder: Path) -> Iterator[str]:
    """Measure, and yield the lines of the tables; at the end, fail if a ratio misses its target."""
    prepare(args, folder)
    distinct = distinct_texts(args.data, args.text, args.rows)
    of = medians(measure(args, folder))
    promised, memory = ratios(of), of[OURS]["memory"]
    yield from (*model_table(args.rows, of), "")
    yield from (*file_table(args.rows, distinct, of), "")
    yield from part_lines(of["parts"])
    yield f"Memory of coding {args.rows:,} rows: {memory:,.0f} MB."
    if args.flat:
        more, rows = folder / "more.csv", 10 * args.rows
        expected = distinct_texts(args.data, args.text, rows)[GROWN]
        write_rows(args.data, args.text, rows, expected, more)
        took, tenfold = predicting(folder / "run", more)
        yield f"Ten times as many: {tenfold:,.0f} MB, {rows / took:,.0f} rows/s."
        promised["memory at ten times the rows"] = tenfold / memory
    yield from ("", *promise_table(promised))
    if broken := [name for name, ratio in promised.items() if not kept(name, ratio)]:
        sys.exit(f"not reached: {'; '.join(broken)}")


def main() -> None:
    """Parse the flags, and measure everything or run one job."""
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
    args = parser.parse_args()
    if args.job:
        job = measure_parts if args.job == "parts" else measure_model
        print(json.dumps(job(args)))
        return
    with interrupts.on_interrupt("nothing is kept"), tempfile.TemporaryDirectory() as folder:
        for line in tables(args, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    shell.run_and_exit(lambda _: main())
