"""Promised errors where classes are rare or nothing can be learned."""

import json
import random
import re
import shutil

import pandas as pd
import pytest
from commands import GOOD, QUICK, Faults, carried_out, csv_of

from pipelines import (
    preprocess,
)  # fmt: skip
from pipelines import run as run_stage

fault = Faults()


def told_share(told, words):
    """Return the percentage before these words in the lines of a command."""
    return float(re.search(rf"([\d.]+) % {words}", told)[1])


@fault(63, "records of classes that are dropped or merged")
def _(desk):
    folder = desk.shared("rare")
    for how in ("drop", "merge"):
        # Stated by preprocess, report and predict, in the model card, and on the first screen.
        told = (folder / f"{how}.txt").read_text()
        share = told_share(told, "of the records have a label that the model cannot give")
        assert 8 < share < 17
        card = (folder / how / "bundle" / "README.md").read_text()
        assert f"share of records whose class the model cannot give: {share:.1f} %" in card
        first = (folder / how / "report.html").read_text().partition("<section")[0]
        assert f"{share}\u00a0% of the records" in first
        found = json.loads((folder / how / "metrics.json").read_text())
        assert found["all_records"]["accuracy"]["share"] < 0.93
        # An error below the share of rare classes is not promised; a larger one is kept.
        for error, some in ((0.05, False), (0.35, True)):
            out = desk.folder / f"{how}{error}.csv"
            flags = ("--max-error", error, "--coverage", "0.95")
            outcome = desk.code(folder / "new.csv", *flags, run=folder / how, out=out)
            assert f"{share:.1f} % of the records have a label" in outcome.told
            assert "No set can hold the true label in 95 % of records" in outcome.told
            rows = pd.read_csv(out, dtype=str, keep_default_na=False)
            coded = rows[rows["decision"] == "accept"]
            assert bool(len(coded)) == some
            assert (coded["category"] != coded["predicted_label"]).mean() <= error or not some


@fault(64, "the class of merged ones, taken for a code")
def _(desk):
    folder = desk.shared("rare")
    told = (folder / "merge.txt").read_text()
    assert "merged into the class '(rare classes)', which is never coded" in told
    flags = ("--min-probability", "0")
    desk.code(folder / "new.csv", *flags, run=folder / "merge")
    rows = pd.read_csv(desk.out)
    accepted = rows[rows["decision"] == "accept"]
    assert len(accepted) and "(rare classes)" not in set(accepted["predicted_label"])


@fault(65, "labels that no text tells")
def _(desk):
    chance = random.Random(1)
    rows = [(text, chance.choice("abbb")) for text, _ in GOOD * 5]
    outcome = desk.learn(desk.file(csv_of(rows)), stage=run_stage)
    assert "Nothing was learned: on the holdout textlstm is no better than" in outcome.told
    assert "textlstm beats" not in outcome.told and "textlstm is better" not in outcome.told
    assert "error is promised among" not in outcome.told
    assert "1 of 2 classes of the holdout is never predicted" in outcome.told
    flags = ("--max-error", "0.3")  # always predicting b makes fewer errors
    coded = desk.code(desk.folder / "records.csv", *flags, run=desk.run)
    assert "No error is promised: on " in coded.told
    assert set(pd.read_csv(desk.out)["decision"]) == {"review"}


@fault(66, "a finished run in the place of another")
def _(desk):
    run, records = desk.folder / "again", desk.shared("rare") / "records.csv"
    shutil.copytree(desk.shared("rare") / "drop", run)
    rest = ("--text", "cause", "--label", "category", "--run", run, "--validation", "0.4",
            *QUICK[:-2])  # fmt: skip
    before = (run / "report.html").read_bytes()
    other = carried_out(
        preprocess.main, "--data", records, *rest, "--seed", "1", "--holdout", "0.2"
    )
    assert other.status == 2 and "finished, with another --seed, --holdout; give" in other.told
    same = ("--data", desk.file(records.read_text() + "fall,External\n"), *rest)
    assert "finished, with another --data; give" in carried_out(preprocess.main, *same).told
    assert (run / "report.html").read_bytes() == before
    moved = desk.file(records.read_bytes(), "moved.csv")
    again = carried_out(preprocess.main, "--data", moved, *rest)
    assert again.status == 0 and "model and the report that were here are removed" in again.told
    shutil.rmtree(run)
    shutil.copytree(desk.shared("rare") / "drop", run)
    assert carried_out(preprocess.main, *same, "--overwrite").status == 0
    assert not (run / "report.html").exists()
    days = (f"{text},{label},2021-01-0{n % 9 + 1}" for n, (text, label) in enumerate(GOOD))
    told = desk.learn(desk.file("\n".join(["cause,category,Date of death", *days]))).told
    assert "column 'Date of death' says when records were made; --split temporal" in told
    assert '--split temporal --date "Date of death" holds out the latest' in told


@pytest.mark.parametrize("number", fault.cases())
def test_fault(number, desk):
    fault.check(number, desk)
