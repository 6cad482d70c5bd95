"""Bad records: odd texts and labels, and classes that cannot be split."""

import json
import re
import shutil

import pandas as pd
import pytest
from commands import (
    GOOD,
    SECRET,
    Faults,
    csv_of,
    dirty_texts,
    facts,
    told,
)

fault = Faults()


@fault(15, "lone surrogate")
def _(desk):
    assert facts(desk)["handled"]["replacement_characters"] == 1
    assert "1 cell has characters that were lost" in told(desk)


@fault(16, "NFC against NFD")
def _(desk):
    assert facts(desk)["handled"]["other_unicode_forms"] == 2  # with the no-break space
    assert "caf\u00e9" in dirty_texts(desk) and "cafe\u0301" not in dirty_texts(desk)


@fault(17, "emoji sequence with zero-width joiners")
def _(desk):
    assert not any("\u200d" in text or "\U0001f469" in text for text in dirty_texts(desk))
    rows = desk.coded(desk.file("cause\n\U0001f469\u200d\u2695 asthma\nasthma\n"))
    assert rows["probability"][0] == rows["probability"][1]


@fault(18, "zero-width, bidirectional and control characters")
def _(desk):
    assert facts(desk)["handled"]["invisible_characters"] == 3  # with the cases 17 and 20
    assert "asthma evil" in dirty_texts(desk)


@fault(19, "I46.9,E11.9 is one token")
def _(desk):
    assert "i46.9,e11.9" in dirty_texts(desk)


@fault(20, "white space or byte order mark alone")
def _(desk):
    rows = desk.coded(desk.file("cause,x\n\u00a0,1\n\ufeff,2\n"))
    assert rows["decision"].tolist() == ["review", "review"]


@fault(21, "empty after cleaning")
def _(desk):
    assert desk.coded(desk.file("cause\n...\n-,-\n".replace("-,-", "--")))["decision"].tolist() == [
        "review", "review"
    ]  # fmt: skip


@fault(22, "all words unknown")
def _(desk):
    data = desk.file("cause\nqwertz uiop\n")
    assert desk.coded(data)["decision"].tolist() == ["review"]
    assert "100.0 % of the words unknown" in desk.code(data).told


@fault(23, "more than a million characters")
def _(desk):
    assert facts(desk)["handled"]["overlong_texts"] == 2  # with the case 24
    assert "2 cells are too long to be a text" in told(desk)
    assert len(desk.coded(desk.file("cause\n" + "stroke " * 200_000 + "\n"))) == 1


@fault(24, "a token of a million characters")
def _(desk):
    assert facts(desk)["handled"]["overlong_words"] == 2  # with the case 25
    assert max(len(word) for text in dirty_texts(desk) for word in text.split()) <= 100


@fault(25, "bait for backtracking")
def _(desk):
    bait = ["(" * 99_000, "a." * 49_000, "a@" * 49_000 + "!", "http://" * 14_000, "-" * 99_000]
    assert len(desk.coded(desk.file("cause\n" + "\n".join(bait) + "\n"))) == len(bait)


@fault(26, "one class only")
def _(desk):
    data = desk.file(csv_of([("asthma", "A")] * 30))
    desk.refused(desk.learn(data), "'category'", "1 class", "two are needed")


@fault(27, "a class with one example")
def _(desk):
    data = desk.file(csv_of([*GOOD, (SECRET, "Alone")]))
    desk.refused(desk.learn(data, "--rare", "keep"), "--rare merge", "'Alone'")
    assert desk.learn(desk.file(csv_of([*GOOD, ("a", "Alone"), ("b", "Two")])), "--rare", "merge"
                      ).status == 0  # fmt: skip


@fault(28, "too few rows to divide")
def _(desk):
    few = desk.file(csv_of(GOOD[:3]))
    for how in ("stratified", "grouped"):
        desk.refused(desk.learn(few, "--rare", "keep", "--split", how), "record")


@fault(29, "unseen label in the test part")
def _(desk):
    assert facts(desk)["dropped"]["label_not_in_training"] == 3
    rows = pd.read_csv(desk.shared("dirty") / "run" / "predictions.csv")
    assert "Unheard of" not in set(rows["true_label"]) and len(rows) == facts(desk)["holdout"]


@fault(30, "missing labels, and variants of white space")
def _(desk):
    data = desk.file(csv_of([(text, "") for text, _ in GOOD]))
    desk.refused(desk.learn(data), "'category'", "empty label")
    assert facts(desk)["dropped"]["empty_label"] == 1
    assert facts(desk)["handled"]["labels_normalised"] == 1
    assert "1 record left out: empty label" in told(desk)
    assert "1 label has other spaces" in told(desk)
    labels = json.loads((desk.shared("dirty") / "run" / "bundle" / "labels.json").read_text())
    assert labels.count("External") == 1 and not any("\u00a0" in label for label in labels)


@fault(31, "same text, conflicting labels")
def _(desk):
    assert facts(desk)["handled"]["texts_with_conflicting_labels"] == 1
    assert "1 text carries more than one label" in told(desk)


@fault(32, "same text in training and test")
def _(desk):
    number = facts(desk)["handled"]["holdout_texts_also_trained_on"]
    assert 30 <= number <= facts(desk)["holdout"]
    assert f"{number} records of the holdout have a text that is also trained on" in told(desk)
    rows = [(f"w{number % 30} {SECRET}", "AB"[number % 2]) for number in range(200)]
    assert desk.learn(desk.file(csv_of(rows)), "--split", "grouped").status == 0
    parts = [set(pd.read_parquet(desk.run / "records" / f"{name}.parquet")["text"])
             for name in ("train", "validation", "holdout")]  # fmt: skip
    assert not parts[2] & (parts[0] | parts[1])


@fault(33, "extreme imbalance")
def _(desk):
    metrics = json.loads((desk.shared("dirty") / "run" / "metrics.json").read_text())
    assert 0 <= metrics["model"]["macro_f1"] <= 1 and metrics["per_class"]["Alone"]["support"] == 0
    config = json.loads((desk.shared("dirty") / "run" / "config.json").read_text())
    assert config["recipe"]["training"]["class_weight"] == "balanced"


@fault(34, "impossible settings")
def _(desk):
    for flag, value in (("--batch-size", 0), ("--max-length", -1), ("--learning-rate", "nan")):
        desk.refused(desk.learn("nowhere.csv", flag, value), flag)


ALIKE = [
    ("fall", "Fa\u200bll"), ("fall", "\ufeffFall"), ("fall", "Fall\u00ad"), ("slip", "fall"),
    ("slip", "fall"),
]  # fmt: skip
"""Texts and labels; all except the last two labels look like Fall."""


def handled(desk):
    return json.loads((desk.run / "records" / "summary.json").read_text())["handled"]


def learned_anew(desk, rows):
    """Return the lines of preprocess on these records, in a new run."""
    shutil.rmtree(desk.run, ignore_errors=True)
    outcome = desk.learn(desk.file(csv_of(rows)))
    assert outcome.status == 0, outcome.told
    return outcome.told


def labels_of(desk):
    parts = (desk.run / "records").glob("*.parquet")
    return set(pd.concat([pd.read_parquet(path) for path in parts])["label"])


@fault(67, "labels that look alike")
def _(desk):
    rows = [("fall", "Fall")] * 20 + ALIKE + [("asthma", "Respiratory"), ("x", "\u200b")] * 20
    outcome = desk.learn(desk.file(csv_of(rows)), "--min-class-records", "2")
    assert outcome.status == 0
    assert labels_of(desk) == {"Fall", "fall", "Respiratory"}
    assert handled(desk)["labels_normalised"] == 3 + 20
    assert (
        handled(desk)["labels_alike"] == 25 and "20 records left out: empty label" in outcome.told
    )
    assert (
        "in upper and lower case only; each is a class of its own: 'Fall', 'fall'" in outcome.told
    )


@fault(68, "a class named as missing cells are")
def _(desk):
    marks = ["NA", "nan", "NULL", "None", ".", "n/a"]
    outcome = desk.learn(desk.file(csv_of([*GOOD, *(("x", mark) for mark in marks * 10)])))
    assert outcome.status == 0 and set(marks) < labels_of(desk)
    assert handled(desk)["labels_like_missing"] == 60
    assert "60 records have a label that often stands for a missing one" in outcome.told
    assert all(f"'{mark}'" in outcome.told for mark in marks)


@fault(69, "a label column of lists")
def _(desk):
    both, few = ("x", "Respiratory; External"), ("x", "Circulatory|External")
    for rows, number, sign in [
        ([both] * 12, 12, ";"),
        ([few] * 11, 11, "|"),
        (
            [("x", f"I{n};J{n}") for n in range(9)],
            9,
            ";",
        ),  # items that are no labels, but in many records
        ([("x", '"Respiratory, External"')] * 10, 10, ","),
    ]:
        told = learned_anew(desk, GOOD + rows)
        assert handled(desk)["labels_like_lists"] == number and re.search(
            rf"contains? '\{sign}'", told
        )
    plain = [("x", '"Injury, other"')] * 10 + [("x", "Fall; jump")] * 10
    assert "looks like a list" not in learned_anew(desk, GOOD + plain)
    assert "labels_like_lists" not in handled(desk)


@fault(70, "dates now and today")
def _(desk):
    for word in ("now", "today", "Now", " today", "NaT"):
        rows = [(*row, "2020-01-01") for row in GOOD] + [("fall", "External", word)]
        data = desk.file(csv_of(rows, "cause,category,died"))
        temporal = ("--split", "temporal", "--date", "died")
        desk.refused(desk.learn(data, *temporal), "the 'died' of 1 usable record", "2021-12-31")


@pytest.mark.parametrize("number", fault.cases())
def test_fault(number, desk):
    fault.check(number, desk)
