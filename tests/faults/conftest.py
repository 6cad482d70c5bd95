"""Runs that the faults share, each made once in a session."""

import json
import random
import shutil

import pytest
from commands import GOOD, LONG, QUICK, SECRET, Desk, carried_out, csv_of
from shared import made_once

from pipelines import (
    encode,
    preprocess,
    train,
)  # fmt: skip
from pipelines import run as run_stage


@pytest.fixture
def desk(tmp_path, request):
    return Desk(tmp_path, request)


def make_dirty(folder):
    early, late = "2020-01-01", "2022-01-01"
    odd = [
        ("asthma\0attack", "Respiratory"), ("NA", "Respiratory"), ("None", "Respiratory"),
        ("null", "Respiratory"), (None, "Respiratory"), (42, "Respiratory"), (4.5, "Respiratory"),
        (True, "Respiratory"), ("\ud800 asthma", "Respiratory"), ("cafe\u0301", "External"),
        ("caf\u00e9", "External"), ("\U0001f469\u200d\u2695 asthma", "Respiratory"),
        ("ast\u200bhma \u202eevil", "Respiratory"), ("I46.9,E11.9", "Circulatory"),
        ("\u00a0", "External"), ("\ufeff", "External"), ("...", "External"),
        ("stroke " * 200_000, "Circulatory"), ("x" * 1_000_000, "External"),
        ("(" * 50_000 + "a!" * 20_000, "External"), ("fall", " External\u00a0"),
        ("fall", ""), ("stroke", "External"), ("rare thing", "Alone"),
    ]  # fmt: skip
    rows = [(text, label, early) for text, label in [*odd, *GOOD]]
    rows += [(text, label, late) for text, label in GOOD[:30]]
    rows += [("something new", "Unheard of", late)] * 3
    rows += [("seldom seen", "Seldom", "2019-01-01")] * 5 + [("seldom seen", "Seldom", late)] * 4
    path = folder / "records.jsonl"
    path.write_text("".join(
        json.dumps({"cause": text, "category": label, "date": date}) + "\n"
        for text, label, date in rows
    ))  # fmt: skip
    outcome = carried_out(
        run_stage.main, "--data", path, "--text", "cause", "--label", "category", "--run",
        folder / "run", *QUICK, "--split", "temporal", "--date", "date", "--rare", "keep",
        "--class-weight", "balanced",
    )  # fmt: skip
    assert outcome.status == 0, outcome.told
    (folder / "told.txt").write_text(outcome.told)


@pytest.fixture(scope="session")
def dirty(tmp_path_factory):
    """A run on records with every oddity of texts and labels that is handled."""
    return made_once(tmp_path_factory, "dirty", make_dirty)


def make_whole(folder):
    (folder / "records.csv").write_text(csv_of(GOOD * 2))
    arguments = ["--data", folder / "records.csv", "--text", "cause", "--label", "category"]
    before, after = folder / "before", folder / "after"
    assert carried_out(preprocess.main, *arguments, "--run", before, *LONG).status == 0
    assert carried_out(encode.main, "--run", before).status == 0
    shutil.copytree(before, after)
    assert carried_out(train.main, "--run", after, "--device", "cpu").status == 0


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A run of many epochs, before its training and after it."""
    return made_once(tmp_path_factory, "whole", make_whole)


def make_hostile(folder):
    labels = ["=1+1", "@sum", "<script>alert(1)</script>"]
    rows = [(f"<img src=x onerror=alert({n})> w{n % 3}", labels[n % 3]) for n in range(120)]
    path = folder / "<b>&records.csv"
    path.write_text(csv_of([*rows, (f"seen by {SECRET}", labels[0])]))
    outcome = carried_out(
        run_stage.main, "--data", path, "--text", "cause", "--label", "category", "--run",
        folder / "run", *QUICK,
    )  # fmt: skip
    assert outcome.status == 0, outcome.told


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """A run on hostile texts, labels and file name; a person's name occurs in one record."""
    return made_once(tmp_path_factory, "hostile", make_hostile)


def make_rare(folder):
    chance = random.Random(0)
    words = {"Respiratory": "asthma copd pneumonia", "External": "fall drowning burn"}

    def row():
        label = chance.choice(list(words))
        text = " ".join(chance.choices(words[label].split(), k=2))
        return text, label if chance.random() < 7 / 8 else f"{SECRET}{chance.randrange(90)}"

    for name, n in (("records", 800), ("new", 2000)):
        (folder / f"{name}.csv").write_text(csv_of([row() for _ in range(n)]))
    for how in ("drop", "merge"):
        outcome = carried_out(
            run_stage.main, "--data", folder / "records.csv", "--text", "cause", "--label",
            "category", "--run", folder / how, "--rare", how, "--validation", "0.4", *QUICK,
        )  # fmt: skip
        assert outcome.status == 0, outcome.told
        (folder / f"{how}.txt").write_text(outcome.told)


@pytest.fixture(scope="session")
def rare(tmp_path_factory):
    """A run on records with an eighth in rare classes, and new records of the same kind."""
    return made_once(tmp_path_factory, "rare", make_rare)


ACCENTS = [
    ("asthma", "Respiratoire"),
    ("h\u00e9morragie", "C\u00e9r\u00e9brale"),
    ("fall", "Chute"),
]


def make_accents(folder):
    rows = [(f"h\u00f4pital {n % 5}", *row, str(n)) for n, row in enumerate(ACCENTS * 10)]
    table = csv_of(rows, "place,cause,category,\u00e2ge")
    (folder / "records.csv").write_bytes(table.encode("latin-1"))
    flags = "--data", folder / "records.csv", "--text", "cause", "--label", "category"
    given = (preprocess, (*flags, *QUICK[:-2], "--charset", "latin-1")), (encode, ()), (train, ())
    for stage, arguments in given:
        outcome = carried_out(stage.main, "--run", folder / "run", *arguments)
        assert outcome.status == 0, outcome.told


@pytest.fixture(scope="session")
def accents(tmp_path_factory):
    """A run on records in Latin-1, with columns that it does not use."""
    return made_once(tmp_path_factory, "accents", make_accents)
