"""Outputs: formulas, markup, small counts, row order, pages and spreadsheets."""

import codecs
import json
import re
import shutil

import browser
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from commands import (
    GOOD,
    SECRET,
    Faults,
    carried_out,
    csv_of,
)

from pipelines import (
    encode,
    explain,
    report,
    review,
    train,
)  # fmt: skip
from pipelines import run as run_stage

fault = Faults()


@fault(51, "cells a spreadsheet takes for formulas")
def _(desk):
    run = desk.shared("hostile") / "run"
    cells = pd.read_csv(run / "predictions.csv", dtype=str)
    assert {"'=1+1", "'@sum"} <= set(cells["true_label"])
    assert not cells.map(lambda cell: str(cell)[0] in "=+-@\t\r").to_numpy().any()
    data, out = desk.file("cause\nw0\n=w1\n"), desk.folder / "out.parquet"
    assert desk.code(data, run=run, out=out).status == 0
    coded = pq.read_table(out).to_pydict()
    assert coded["cause"] == ["w0", "=w1"]
    assert set(coded["predicted_label"]) <= {"=1+1", "@sum", "<script>alert(1)</script>"}


@fault(52, "markup in texts, labels and file names")
def _(desk):
    page = (desk.shared("hostile") / "run" / "report.html").read_text()
    assert "<script" not in page and "<img src=x" not in page and "<b>&records" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


@fault(55, "counts of less than ten")
def _(desk):
    page = (desk.shared("dirty") / "run" / "report.html").read_text()
    measures, support = (
        r"(?:<td[^>]*>[^<]*</td>){3}",
        r'<td data-head="holdout records">([^<]*)</td>',
    )
    shown = dict(re.findall(rf"<tr[^>]*><td>([^<]*)</td>{measures}{support}</tr>", page))
    metrics = json.loads((desk.shared("dirty") / "run" / "metrics.json").read_text())
    assert shown and set(shown) < set(metrics["per_class"]) and "Alone" not in shown
    assert all(int(support) >= 10 for support in shown.values() if support.isdigit())
    hidden = [row["support"] for label, row in metrics["per_class"].items()
              if not shown.get(label, "").isdigit()]  # fmt: skip
    assert 4 in hidden and sum(hidden) >= 10, "alone, it would be what is missing"


@fault(56, "a rare name in vocabulary or cloud")
def _(desk):
    run = desk.shared("hostile") / "run"
    for path in sorted(run.rglob("*")):
        if path.is_file() and path.relative_to(run).parts[0] not in ("records", "encoded"):
            assert SECRET.encode() not in path.read_bytes().lower(), path


@fault(57, "a word cloud without words or font")
def _(desk):
    rows = [(f"w{number}", "AB"[number % 2]) for number in range(60)]
    assert desk.learn(desk.file(csv_of(rows)), stage=run_stage).status == 0
    assert not (desk.run / "figures" / "word_cloud.png").exists()
    assert (desk.run / "report.html").stat().st_size
    other = desk.folder / "other"
    shutil.copytree(desk.shared("dirty") / "run", other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wordcloud.wordcloud.FONT_PATH", str(desk.folder / "no font.ttf"))
        assert carried_out(report.main, "--run", other).status == 0
    assert not (other / "figures" / "word_cloud.png").exists()
    assert (other / "report.html").stat().st_size


@fault(60, "row order after work on distinct texts")
def _(desk):
    texts = ["fall", "", "asthma", "fall", "stroke", "asthma", "qwertz", "fall"]
    data = desk.file("cause,x\n" + "".join(f"{text},{n}\n" for n, text in enumerate(texts)))
    rows = desk.coded(data)
    assert rows["x"].tolist() == [str(number) for number in range(len(texts))]
    assert rows["cause"].tolist() == texts
    assert (rows.groupby("cause")["probability"].nunique() == 1).all()
    alone = desk.coded(desk.file("cause\nstroke\n"))
    assert alone["probability"][0] == rows["probability"][4]


@fault(62, "CPU and GPU disagree")
def _(desk):
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    data = desk.shared("dirty") / "records.jsonl"
    columns = [desk.coded(data), desk.coded(data, "--device", "cuda")]
    agree = columns[0]["predicted_label"] == columns[1]["predicted_label"]
    assert agree.mean() > 0.99


@fault(93, "a coded file or a queue through a spreadsheet")
def _(desk):
    home, queue, back = desk.shared("accents"), desk.folder / "queue.csv", desk.folder / "next.csv"
    new = desk.file("cause\nH\u00c9MORRAGIE\nasthma fall\n".encode("latin-1"), "new.csv")
    outcome = desk.code(new, "--min-probability", "1", run=home / "run")
    assert outcome.status == 0, outcome.told
    # Spreadsheets write UTF-8 with a byte order mark, or an old character set.
    for saved in ("utf-8-sig", "latin-1"):
        text = desk.out.read_bytes().decode("utf-8-sig")
        assert "H\u00c9MORRAGIE" in text and "\ufeff" not in text
        assert desk.out.read_bytes().startswith(codecs.BOM_UTF8)
        scored = desk.file(text.replace("\n", "\r\n").encode(saved), "scored.csv")
        flags = "--run", home / "run"
        outcome = carried_out(review.main, "export", *flags, "--scored", scored, "--out", queue)
        assert outcome.status == 0, outcome.told
        assert queue.read_bytes().count(codecs.BOM_UTF8) == 1
        filled = pd.read_csv(queue, dtype=str, keep_default_na=False)
        assert sorted(filled["cause"]) == ["H\u00c9MORRAGIE", "asthma fall"]
        filled.assign(code="C\u00e9r\u00e9brale").to_csv(queue, index=False, encoding=saved)
        outcome = carried_out(review.main, "import", *flags, "--filled", queue, "--out", back)
        assert outcome.status == 0 and "warning" not in outcome.told, outcome.told
        queue.unlink()
        # The training table comes first, in its order, with columns that the run does not use.
        assert back.read_bytes().count(codecs.BOM_UTF8) == 1
        rows = pd.read_csv(back, dtype=str, keep_default_na=False)
        trained = pd.read_csv(home / "records.csv", dtype=str, encoding="latin-1")
        pd.testing.assert_frame_equal(rows[:30], trained)
        assert sorted(rows["cause"][30:]) == ["H\u00c9MORRAGIE", "asthma fall"]
        assert set(rows["category"][30:]) == {"C\u00e9r\u00e9brale"}
        assert (rows[["place", "\u00e2ge"]][30:] == "").all(axis=None)
        assert desk.learn(back).status == 0
        assert "h\u00e9morragie" in desk.texts()
        shutil.rmtree(desk.run)
    assert desk.learn(back, "--charset", "latin-1").told.endswith("give --charset utf-8\n")


@fault(94, "new records in the character encoding of the training")
def _(desk):
    run, text = desk.shared("accents") / "run", "cause\nh\u00e9morragie\n"
    why = "--run", run, "--data", desk.folder / "new.csv", "--out", desk.out
    for content, *flags in (
        (text.encode("latin-1"),),
        (text.encode("utf-8-sig"),),
        (text.encode("utf-8"), "--charset", "utf-8"),
        (text.encode("utf-16"), "--charset", "utf-16"),
    ):
        new = desk.file(content, "new.csv")
        outcome = carried_out(explain.main, *why, *flags)
        assert outcome.status == 0, outcome.told
        assert pd.read_csv(desk.out)["token"].tolist() == ["h\u00e9morragie"]
        desk.out.unlink()
        if not flags:
            outcome = desk.code(new, run=run)
            assert outcome.status == 0, outcome.told
            assert b"h\xc3\xa9morragie" in desk.out.read_bytes()
            desk.out.unlink()
    # Read as Latin-1, which accepts any byte, it would be nonsense that nobody notices.
    odd = desk.file(text, "new.csv")
    desk.refused(desk.code(odd, run=run), "new.csv", "UTF-8", "latin-1", "--charset")
    desk.refused(carried_out(explain.main, *why), "new.csv", "UTF-8", "latin-1", "--charset")
    desk.file("cause\nfall\n", "new.csv")  # the same bytes in both
    assert carried_out(explain.main, *why).status == 0


@fault(96, "no word to show: stop words of other languages, and none at all")
def _(desk):
    rows = [("por la", "A"), ("und der", "B"), ("et de", "A"), ("con el", "B")] * 15
    outcome = desk.learn(desk.file(csv_of(rows)), stage=run_stage)
    assert outcome.status == 0, outcome.told
    assert not list((desk.run / "figures").glob("word_cloud*.png"))
    page = (desk.run / "report.html").read_text()
    assert "there is no cloud to show" in page and 'class="cloud"' not in page
    data = desk.file(csv_of([(" ... ", ""), ('"Por, LA; por"', "")]), "new.csv")
    why = desk.folder / "why.html"
    outcome = carried_out(explain.main, "--run", desk.run, "--data", data, "--out", why)
    assert outcome.status == 0, outcome.told
    text = re.sub("</?mark[^>]*>", "", why.read_text())
    assert "This record has no word." in text and text.count("Por, LA; por</p>") == 2


@fault(97, "a page that some cannot use")
def _(desk):
    if browser.NO_AXE:
        pytest.skip(browser.NO_AXE)
    run, why = desk.shared("hostile") / "run", desk.folder / "why.html"
    data = next(run.parent.glob("*.csv"))
    outcome = carried_out(explain.main, "--run", run, "--data", data, "--out", why, "--gates",
                          "--records", 1, 2)  # fmt: skip
    assert outcome.status == 0, outcome.told
    report_page = (run / "report.html").read_text()
    assert browser.violations(report_page, desk.folder, 400, browser.DARK) == []
    assert browser.violations(why.read_text(), desk.folder, 1200, browser.LIGHT) == []


@fault(95, "abbreviations that no training text has")
def _(desk):
    rows = [*GOOD, *[("gunshot wound of head", "External")] * 20, *[("GSW chest", "External")] * 2]
    data, short = desk.file(csv_of(rows)), desk.folder / "short.csv"
    short.write_text(f"abbreviation,meaning\nETOH,alcohol\nzz,\n{SECRET} x,fall\n")
    desk.refused(desk.learn(data, "--abbreviations", short), "short.csv", "rows 3, 4")
    short.write_text("abbreviation,means\nETOH,alcohol\n")
    desk.refused(desk.learn(data, "--abbreviations", short), "short.csv", "meaning")
    desk.refused(desk.learn(data, "--abbreviations", desk.folder / "no.csv"), "no.csv")
    short.write_text("abbreviation,meaning\nSyncope,stroke\n")
    assert desk.learn(data, "--abbreviations", short).status == 0
    short.unlink()  # the run has kept its content
    outcome = carried_out(encode.main, "--run", desk.run)
    assert "2 records have abbreviations" in outcome.told
    assert carried_out(train.main, "--run", desk.run, "--device", "cpu").status == 0
    new = desk.file("cause\nGSW head\ngunshot wound head\nsyncope\nstroke\nxyz\n", "new.csv")
    outcome = desk.code(new, run=desk.run)
    assert outcome.status == 0 and "2 records have abbreviations" in outcome.told
    coded = pd.read_csv(desk.out)
    assert coded["probability"][0] == coded["probability"][1]
    assert coded["probability"][2] == coded["probability"][3]
    assert coded["decision"][4] == "review"
    flags = "--run", desk.run, "--data", new, "--records", "1", "2", "3"
    for out in ("why.csv", "why.html"):
        outcome = carried_out(explain.main, *flags, "--out", desk.folder / out)
        assert outcome.status == 0, outcome.told
    tokens = pd.read_csv(desk.folder / "why.csv", dtype=str, keep_default_na=False)
    assert tokens.set_index("token")["read_as"].loc[["gsw", "syncope", "gunshot"]].tolist() == [
        "gunshot wound", "stroke", ""
    ]  # fmt: skip
    assert "read as gunshot wound" in (desk.folder / "why.html").read_text()


@pytest.mark.parametrize("number", fault.cases())
def test_fault(number, desk):
    fault.check(number, desk)
