"""Random input for what reads strangers' files: ``make fuzz``.

Each target takes bytes and may refuse them by an InputError; anything else that is raised is a
find. Atheris (libFuzzer) looks for inputs that reach new branches. Finds are kept in
``tests/finds/TARGET/``, where ``tests/test_fuzz.py`` tries them again ever after.

    python tests/fuzz.py [seconds]
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import unittest.mock
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
FINDS = HERE / "finds"
ENDINGS = (".csv", ".tsv", ".jsonl", ".parquet")
NAMES = (
    "train.csv", "test.csv", "x.csv", "x.tsv", "x.jsonl", "x.parquet", "x.arrow", "data/x.csv",
    "README.md", ".huggingface.yaml", "dataset_info.json", "state.json", "x.csv.gz",
)  # fmt: skip
"""Files that a folder may have."""


@cache
def folder() -> Path:
    """Return a folder that lasts as long as the process."""
    made = tempfile.TemporaryDirectory()
    folder.keep = made  # removed with it
    return Path(made.name)


def tables(content: bytes) -> None:
    """Read a table of the format that the first byte names; chunks of any size give the same."""
    import pyarrow as pa

    from textlstm.data import cells, readers
    from textlstm.data.options import LIMITS, Limits
    from textlstm.errors import InputError

    path = folder() / f"table{ENDINGS[content[0] % len(ENDINGS) if content else 0]}"
    path.write_bytes(content[1:])
    results = []
    for chunk_bytes in (16, LIMITS.chunk_bytes):
        try:
            chunks = list(readers.iter_tables(str(path), limits=Limits(chunk_bytes=chunk_bytes)))
            table = pa.concat_tables(chunks)
            results.append({name: cells.column(table, name, "") for name in table.column_names})
        except InputError:
            results.append(None)
    assert results[0] == results[1], "another result when read in small chunks"


def as_texts(source: Path) -> None:
    """Read a table and all of its columns as text, or refuse it."""
    from textlstm.data import cells, readers
    from textlstm.errors import InputError

    try:
        table = readers.read_table(str(source))
        for name in table.column_names:
            cells.column(table, name, "")
    except InputError:
        return


@cache
def good_tables() -> list[tuple[str, bytes]]:
    """Return Parquet and Arrow files, each with its ending."""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    texts = ["asthma", "fall, at home", None, "stroke"] * 10
    plain = pa.table({"cause": texts, "n": range(40), "day": pa.array([1] * 40, pa.date32())})
    nested = pa.table({"a": [["x"], [], None, ["y", None]] * 10, "b": [{"k": "v"}] * 40})
    classes = {"info": {"features": {"n": {"_type": "ClassLabel", "names": list("ab") * 20}}}}
    named = plain.replace_schema_metadata({"huggingface": json.dumps(classes)})
    category = pa.table({"a": pa.array(texts).dictionary_encode()})
    views = pa.table({"a": pa.array(texts, pa.string_view()), "z": pa.nulls(40)})
    made = []
    for table, options in (
        (plain, {"compression": "none"}), (plain, {"compression": "zstd", "row_group_size": 9}),
        (named, {"use_dictionary": False, "data_page_version": "2.0"}),
        (nested, {"compression": "none"}), (category, {"store_schema": False}),
    ):  # fmt: skip
        file = io.BytesIO()
        pq.write_table(table, file, **options)
        made.append((".parquet", file.getvalue()))
    for table in (plain, named, nested, category, views):
        for opened in (pa.ipc.new_stream, pa.ipc.new_file):
            file = io.BytesIO()
            with opened(file, table.schema) as writer:
                writer.write_table(table)
            made.append((".arrow", file.getvalue()))
    return made


def columnar(content: bytes) -> None:
    """Read a Parquet or Arrow file, some bytes of which are put in the place of others.

    The first byte says which file; behind it stand edits: the place, two bytes, and four new ones.
    """
    made = good_tables()
    ending, old = made[(content[0] if content else 0) % len(made)]
    edited = bytearray(old)
    for start in range(1, len(content), 6):
        at = int.from_bytes(content[start : start + 2], "little") % len(old)
        new = content[start + 2 : start + 6]
        edited[at : at + len(new)] = new
    path = folder() / f"columnar{ending}"
    path.write_bytes(edited)
    as_texts(path)


def folders(content: bytes) -> None:
    """Read a folder of some files; a line of two hyphens divides them, a byte names each."""
    place = folder() / "table"
    shutil.rmtree(place, ignore_errors=True)
    (place / "data").mkdir(parents=True)
    for file in content.split(b"\n--\n"):
        name = NAMES[(file[0] if file else 0) % len(NAMES)]
        (place / name).write_bytes(file[1:])
    with unittest.mock.patch("socket.socket.connect", side_effect=AssertionError("a connection")):
        as_texts(place)


def texts(content: bytes) -> None:
    """Clean, tokenize and encode the lines of a text, as one field and as several."""
    from textlstm.encoding.vocabulary import Vocabulary
    from textlstm.recipe_sections import EncodingConfig
    from textlstm.text.cleaning import MAX_RUN
    from textlstm.text.tokenizing import SEPARATOR, preprocess

    lines = content.decode("utf-8", "surrogateescape")  # which makes lone surrogates
    fields = tuple(lines.split("\n"))
    made = preprocess([fields, *((field,) for field in fields)])
    assert len(made) == len(fields) + 1
    for text in made[1:]:
        assert SEPARATOR not in text and text == " ".join(text.split())
        assert all(len(word) <= 4 * MAX_RUN for word in text.split())
    vocabulary = Vocabulary.fit(made, EncodingConfig(max_ngrams=50))
    assert vocabulary.encode(made).vocabulary_ids().shape == (len(made), vocabulary.length)


@cache
def good_bundle() -> dict[str, bytes]:
    """Return the files of a bundle."""
    from textlstm import TextLSTMClassifier

    classifier = TextLSTMClassifier(
        epochs=1, ensemble_size=1, embedding_size=4, hidden_units=4, device="cpu"
    )
    classifier.fit(["asthma attack", "fall", "stroke", "copd"] * 5, list("abab") * 5)
    classifier.save(folder() / "bundle")
    return {path.name: path.read_bytes() for path in (folder() / "bundle").iterdir()}


def bundles(content: bytes) -> None:
    """Load a bundle of which one file is replaced, or edited, and vouched for by its manifest."""
    from textlstm.inference.bundle_files import FILES

    files = dict(good_bundle())
    names = (*FILES, "manifest.json")
    choice, content = (content[0] if content else 0), content[1:]
    name = names[choice % len(names)]
    if choice < 128:  # some bytes put in the place of others
        at = int.from_bytes(content[:2], "little") % len(files[name])
        old = files[name]
        files[name] = old[:at] + content[2:] + old[at + len(content) - 2 :]
    else:
        files[name] = content
    loads_or_is_refused(files, name)


def loads_or_is_refused(files: dict[str, bytes], changed: str) -> None:
    """Load a bundle of which one file was changed; what loads predicts, and says what it codes."""
    from hashlib import sha256

    from textlstm import TextLSTMClassifier
    from textlstm.errors import InputError
    from textlstm.inference.rules import DecisionRule
    from textlstm.inference.score_table import CodedTexts
    from textlstm.uncertainty.conformal import conformal_threshold
    from textlstm.uncertainty.risk_control import promise

    if changed != "manifest.json":
        manifest = json.loads(files["manifest.json"])
        manifest["sha256"][changed] = sha256(files[changed]).hexdigest()
        files["manifest.json"] = json.dumps(manifest).encode()
    for path, whole in files.items():
        (folder() / "bundle" / path).write_bytes(whole)
    try:
        classifier = TextLSTMClassifier.load(folder() / "bundle", device="cpu")
    except InputError:
        return
    bundle = classifier.bundle_
    probabilities = bundle.predict_proba(["asthma fall", "", "unheard"])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    rule = DecisionRule(
        promise(bundle.out_of_fold, 0.05).threshold, conformal_threshold(bundle.out_of_fold, 0.9)
    )
    CodedTexts.of(bundle, ["asthma fall", "", "unheard"], rule)
    json.dumps([*bundle.labels, *bundle.vocabulary.words], ensure_ascii=False).encode()


ODD: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 7.5, 5e-324, 1e308, -1e308, float("inf"), float("nan"), 10**5, 10**30,
    "", "1", "\ud800", "\x00", "a\nb", "=1+1", "<sep>", "<unk>", [], {}, [[]], ["a"], [1] * 9,
)  # fmt: skip
"""What may stand in the place of any value of a JSON file."""

DTYPES = ("float64", "float16", "bfloat16", "complex64", "int64", "int8", "bool")


def signed(content: bytes) -> None:
    """Load a bundle of which one value, or one tensor, is odd, as its manifest says it should be.

    The first byte says in which file, the next ones which value, and the last what stands there.
    """
    names = ("config.json", "vocab.json", "labels.json", "calibration.json", "model.safetensors")
    files, drawn = dict(good_bundle()), iter(content + bytes(8))
    name = names[next(drawn) % len(names)]
    if name == "model.safetensors":
        files[name] = odd_tensor(files[name], next(drawn), next(drawn))
    else:
        whole = value = [json.loads(files[name])]
        key: Any = 0
        while isinstance(value[key], dict | list) and value[key] and next(drawn) % 4:
            value = value[key]
            keys = list(value) if isinstance(value, dict) else range(len(value))
            key = keys[next(drawn) % len(keys)]
        value[key] = ODD[next(drawn) % len(ODD)]
        files[name] = json.dumps(whole[0]).encode()
    loads_or_is_refused(files, name)


def odd_tensor(content: bytes, which: int, how: int) -> bytes:
    """Return weights of which one tensor has another type, shape or size."""
    import safetensors.torch
    import torch

    tensors = safetensors.torch.load(content)
    name = sorted(tensors)[which % len(tensors)]
    changes = [
        *(lambda one, name=name: one.to(getattr(torch, name)) for name in DTYPES),
        lambda one: one * 1e30, lambda one: one * 0 + 3e38, lambda one: one - 1e12,
        lambda one: one * float("nan"), lambda one: one[None], lambda one: one * 1e6,
    ]  # fmt: skip
    tensors[name] = changes[how % len(changes)](tensors[name]).contiguous()
    return safetensors.torch.save(tensors)


TARGETS = {
    target.__name__: target for target in (tables, columnar, folders, texts, bundles, signed)
}

SEEDS = {
    "tables": [
        b'\x00cause,label\n"a ""b""\nc",x\n\r\nd,y\r\n', b"\x01a\tb\n1\t2\n", b"\x00a\n\n\n",
        b'\x02{"a": "\\ud800", "b": [1]}\n\n{"c": null}\n',
        b"\x00\xef\xbb\xbfa,b\n1,2\n", b"\x03PAR1", b"\x00a;b\n1;2\n", b"\x00sep=;\na;b\n",
        b'\x02{"a": {"b": 1, "b": 2}}\n', b'\x02{"a": ' + b"[" * 1500,
    ],
    "columnar": [bytes([n]) + b"\x40\x01\xff\xff\xff\x7f" for n in range(15)],
    "folders": [
        b"\x00a,b\n1,2\n\n--\n\x01a,b\n3,4\n\n--\n\x08---\nconfigs:\n- data_files: http://a/b\n---\n",
        b'\x04{"a": 1}\n\n--\n\x02a\n1\n', b"\x02a\n1\n\n--\n\x00b\n1\n", b"\x07a\n1\n",
        b"\x05PAR1", b"\x06ARROW1\0\0\n--\n\x0b{}", b"\x0c\x1f\x8b", b"\x09configs: file:///etc/passwd",
    ],
    "texts": ["I46.9 d/t (CHF)\n\u200bcaf\u0301 \ufeff\U0001f469\u200d".encode(), b"<sep> :) ="],
    "signed": [bytes([4, tensor, how]) for tensor in (0, 5) for how in range(13)]
    + [bytes([3, 1, 1, odd]) for odd in (3, 7, 8, 14)]
    + [bytes([2, 1, 0, 0, 16]), bytes([2, 0, 22])]
    + [bytes([1, 1, 0, 1, 4, 0, 16]), bytes([1, 1, 1, 0, 12]), bytes([0, 1, 1, 1, 0, 0, 13])],
    "bundles": [bytes([n]) + b"\x05\x00[1]" for n in range(7)] + [b"\x80PK", b"\x81{}", b"\x83{}"],
}  # fmt: skip


def fuzz(name: str, seconds: int) -> None:
    """Try random inputs on a target for some time; does not return."""
    import atheris

    with atheris.instrument_imports(include=["textlstm", "csv", "json"]):
        import textlstm.bundle  # noqa: F401
    good_bundle()
    corpus = folder() / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS[name]):
        (corpus / str(number)).write_bytes(seed)
    (FINDS / name).mkdir(parents=True, exist_ok=True)
    flags = [f"-max_total_time={seconds}", f"-artifact_prefix={FINDS / name}/", "-timeout=60",
             "-rss_limit_mb=4096", "-max_len=4096", "-print_final_stats=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], *flags, str(corpus)], TARGETS[name])
    atheris.Fuzz()


def main(seconds: int) -> int:
    """Try each target in a process of its own; tell how many inputs were tried."""
    worst = 0
    for name in TARGETS:
        command = [sys.executable, __file__, name, str(max(1, seconds // len(TARGETS)))]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace")
        tried = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        covered = re.findall(r"cov: (\d+)", done.stderr)
        print(
            f"fuzz: {name}: {tried[1] if tried else 'no count of'} inputs tried, "
            f"{covered[-1] if covered else 'no'} branches reached, "
            f"{'nothing found' if not done.returncode else f'a find, kept in {FINDS / name}'}",
            flush=True,
        )
        if done.returncode:
            print(done.stderr[-4000:], file=sys.stderr)
        worst = max(worst, done.returncode)
    return int(worst != 0)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in TARGETS:
        fuzz(sys.argv[1], int(sys.argv[2]))
    sys.exit(main(int(sys.argv[1]) if sys.argv[1:] else 60))
