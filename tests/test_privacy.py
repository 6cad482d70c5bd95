"""Nothing private leaves, and nothing hostile acts: a run on planted records, byte by byte.

A name is planted in the records, and markup in texts, labels, column and file names; every byte of
every output is searched for the name, and a browser opens the report.
"""

import http.server
import io
import json
import re
import threading
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser import needs_browser, opened, without_policy

from pipelines import evaluate, predict, shell
from pipelines import run as run_stage
from textlstm import TextLSTMClassifier
from textlstm.errors import InputError
from textlstm.reporting.sections import word_cloud, word_clouds_by_class
from textlstm.storage.spreadsheet import FORMULA_STARTS
from textlstm.training.checkpoint import Checkpoint

NAME = "Quillbrandtsson"
PLANTED = [
    f"stab wound, {NAME}",
    f"fell from {NAME}'s ladder",
    f"fell from {NAME}'s ladder",  # with another label
    "struck by Ｑｕｉｌｌ\u200bbrandt\u00adsson\x00, café owner",  # the name, when cleaned
]
MARKUP = '<img src="http://127.0.0.1:{port}/x" onerror="document.title=`gone`">'
SCRIPT = "<script>document.title='gone'</script>"
QUICK = (
    "--ensemble-size 2 --epochs 4 --embedding-size 8 --hidden-units 8 --batch-size 16 "
    "--min-steps 0 "
    "--learning-rate 0.02 --device cpu"
).split()


class Listener(http.server.ThreadingHTTPServer):
    """Counts who asks it for anything."""

    def __init__(self):
        self.asked = []
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                listener.asked.append(self.path)
                self.send_response(404)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def listener():
    with Listener() as server:
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def planted(tmp_path_factory, table, listener):
    """A run on the planted records, and what its stages said."""
    folder = tmp_path_factory.mktemp("planted")
    markup = MARKUP.format(port=listener.server_port)
    rows = table.rename(columns={"cause": markup}).assign(record_id=table.index.map(certificate))
    labels = ["External", "External", "Circulatory", "External", ""]
    more = pd.DataFrame({
        "record_id": [certificate(n) for n in range(1000, 1005)],
        markup: [*PLANTED, NAME],  # the last one, without a label, is left out
        "other": ["hypertension"] * 5,
        "category": labels,
    })  # fmt: skip
    rows = pd.concat([rows, more], ignore_index=True).fillna("")
    rows[markup] += f" {SCRIPT}"
    rows["category"] = rows["category"].replace({"External": f"={SCRIPT}", "Respiratory": markup})
    data = folder / "<svg onload=alert(1)>.csv"
    rows.to_csv(data, index=False)
    said = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        clouds = (
            recorded(patch, word_cloud, "draw_cloud"),
            recorded(patch, word_clouds_by_class, "draw_clouds"),
        )
        patch.setattr(Checkpoint, "remove", lambda _: None)  # as after a loss of power
        run_stage.main(["--data", str(data), "--text", markup, "other", "--label", "category",
                        "--id", "record_id", "--run", str(folder / "run"), *QUICK])  # fmt: skip
    (folder / "said.txt").write_text(said.getvalue())
    (folder / "clouds.json").write_text(json.dumps(clouds))
    return folder


def recorded(patch, section, name):
    """Let a function of a section that draws record its words."""
    draw, recorded_words = getattr(section, name), []

    def recording(words, seed):
        recorded_words.append(words)
        return draw(words, seed)

    patch.setattr(section, name, recording)
    return recorded_words


def certificate(number):
    return f"certificate-{number:05}"


def holds(content, text):
    """Whether bytes hold a text, in any case and usual encoding."""
    content = content.lower()
    return any(text.lower().encode(name) in content for name in ("utf-8", "utf-16-le", "utf-16-be"))


def outputs(folder, *but):
    """Every file of a run but those that hold records by contract."""
    paths = [path for path in (folder / "run").rglob("*") if path.is_file()]
    return [path for path in paths if path.relative_to(folder / "run").parts[0] not in but]


# ------------------------------------------------------------------------------ names


def test_the_search_finds_the_name_where_it_belongs(planted):
    assert holds(next(planted.glob("*.csv")).read_bytes(), NAME)
    assert any(holds(path.read_bytes(), NAME) for path in (planted / "run" / "records").iterdir())
    assert holds(NAME.upper().encode("utf-16"), NAME) and not holds(b"quill", NAME)
    found = [path for path in outputs(planted) if "checkpoint" in path.parts]
    assert found, "the checkpoint is searched as well"


def test_a_name_is_in_no_byte_of_any_output(planted):
    paths = outputs(planted, "records", "encoded")
    assert {"bundle", "figures", "checkpoint"} < {path.parent.name for path in paths}
    assert "report: Accuracy" in (planted / "said.txt").read_text()
    for path in [*paths, planted / "said.txt"]:
        assert not holds(path.read_bytes(), NAME[:9]), path
    vocabulary = (planted / "run" / "encoded" / "vocab.json").read_bytes()
    assert not holds(vocabulary, NAME[:9])


def test_ids_are_in_the_predictions_and_the_tables_of_doubtful_labels_alone(planted):
    paths = outputs(planted, "records", "predictions.csv", "tables")
    assert not any(holds(path.read_bytes(), "certificate-") for path in paths)
    assert holds((planted / "run" / "predictions.csv").read_bytes(), "certificate-")


def test_what_predict_says_and_adds_has_no_text(planted, capfd):
    out = planted / "coded.parquet"
    arguments = ["--run", planted / "run", "--data", next(planted.glob("*.csv")), "--out", out]
    predict.main([*map(str, arguments), "--device", "cpu"])
    added = pq.read_table(out).select(["predicted_label", "second_label", "decision"])
    said = "".join(capfd.readouterr())
    assert "records coded" in said
    assert not holds(said.encode(), NAME[:9]) and not holds(
        str(added.to_pylist()).encode(), NAME[:9]
    )


def test_an_evaluation_on_the_records_has_no_text_and_no_markup(planted, tmp_path, capfd):
    data = next(planted.glob("*.csv"))
    arguments = ["--run", planted / "run", "--data", data, "--out", tmp_path / "out"]
    evaluate.main([str(argument) for argument in arguments])
    said = "".join(capfd.readouterr()).encode()
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert set(written) == {"metrics.json", "predictions.csv", "report.html"}
    for content in (said, *written.values()):
        assert not holds(content, NAME[:9])
    assert not holds(written["report.html"], SCRIPT) and not holds(
        written["report.html"], '<img src="http'
    )
    for name, content in written.items():
        assert holds(content, "certificate-") == (name == "predictions.csv")


def test_no_cloud_has_a_word_of_fewer_than_ten_records(planted):
    (words,), (by_class,) = json.loads((planted / "clouds.json").read_text())
    assert "hypertension" in words and len(by_class) == 3
    for drawn in (words, *by_class.values()):
        assert min(drawn.values()) >= 10


HEADER = "id,cause,category\n"
GOOD = "".join(f"{number},fall,External\n{number}b,stroke,Other\n" for number in range(40))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("an unclosed quote", f'{HEADER}{GOOD}x,"{NAME},External\n'.encode()),
        ("a quote within", f'{HEADER}{GOOD}x,"{NAME}"{NAME},External\n'.encode()),
        ("too many fields", f"{HEADER}{GOOD}x,{NAME},{NAME},{NAME},{NAME}\n".encode()),
        ("latin-1", f"{HEADER}{GOOD}x,{NAME} café,External\n".encode("latin-1")),
        ("utf-16", f"{HEADER}{GOOD}x,{NAME},External\n".encode("utf-16")),
        ("one class", f"{HEADER}x,{NAME},External\n".encode()),
        ("an id twice", f"{HEADER}{GOOD}{NAME},fall,Other\n{NAME},fall,Other\n".encode()),
        ("an id too few", f"{HEADER}{GOOD}{NAME}\n".encode()),
    ],
)
@pytest.mark.parametrize("more", [[], ["--split", "temporal", "--date", "cause"]])
def test_no_error_of_reading_tells_a_text(tmp_path, capfd, name, content, more):
    (tmp_path / "x.csv").write_bytes(content)
    arguments = ["--data", str(tmp_path / "x.csv"), "--text", "cause", "--label", "category",
                 "--id", "id", "--run", str(tmp_path / "run"), *more]  # fmt: skip
    assert refused(arguments) and (tmp_path / "x.csv").exists()
    said = "".join(capfd.readouterr())
    assert "error: " in said and not holds(said.encode(), NAME), name


@pytest.mark.parametrize(
    "content",
    [
        f'{{"cause": "{NAME}"',
        f'["{NAME}"]',
        f'{{"cause": "{NAME}", "category": {NAME}}}',
    ],
)
def test_no_error_of_reading_json_lines_tells_a_text(tmp_path, capfd, content):
    (tmp_path / "x.jsonl").write_text(content + "\n")
    run = ["--run", str(tmp_path / "run"), "--text", "cause", "--label", "category"]
    assert refused(["--data", str(tmp_path / "x.jsonl"), *run])
    assert not holds("".join(capfd.readouterr()).encode(), NAME)


def test_no_error_of_reading_parquet_tells_a_text(tmp_path, capfd):
    cells = {"cause": [NAME.encode()] * 3, "category": ["a", "b", "a"]}
    pq.write_table(pa.table(cells), tmp_path / "x.parquet")
    run = ["--run", str(tmp_path / "run"), "--text", "cause", "--label", "category"]
    assert refused(["--data", str(tmp_path / "x.parquet"), *run])
    assert not holds("".join(capfd.readouterr()).encode(), NAME)


def refused(arguments):
    return shell.status(lambda _: run_stage.main(arguments)) == 2


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (NAME, ["a"]),
        ([NAME, NAME], ["a", "a"]),
        ([NAME, NAME], ["a", None]),
        ([NAME, NAME.encode()], ["a", "b"]),
        ([NAME, (NAME, NAME)], ["a", "b"]),
        ([NAME], ["a", "b"]),
        ({NAME: 1}.__len__, ["a"]),
        (np.full((2, 1, 1), NAME), ["a", "b"]),
    ],
)
def test_no_error_of_the_estimator_tells_a_text(texts, labels):
    with pytest.raises(InputError) as caught:
        TextLSTMClassifier().fit(texts, labels)
    assert not holds(str(caught.value).encode(), NAME)


# ------------------------------------------------------------------------------ spreadsheets


def test_no_cell_of_a_csv_is_a_formula(planted):
    paths = [path for path in outputs(planted, "records") if path.suffix == ".csv"]
    assert {path.name for path in paths} >= {"predictions.csv", "history.csv"}
    for path in paths:
        table = pd.read_csv(path, keep_default_na=False)  # what is a number is no formula
        cells = [*table.columns, *table.select_dtypes(exclude="number").to_numpy().ravel()]
        assert not [cell for cell in cells if str(cell).startswith(FORMULA_STARTS)], path
    labels = pd.read_csv(planted / "run" / "predictions.csv", dtype=str)["true_label"]
    assert f"'={SCRIPT}" in set(labels)


# ------------------------------------------------------------------------------ the browser


def asked_by(page, folder, listener):
    """Open a page: its DOM, what the console said, and what was asked for."""
    listener.asked.clear()
    return *opened(page, folder), list(listener.asked)


@needs_browser
def test_the_report_does_nothing_but_show_itself(planted, tmp_path, listener):
    dom, console, asked = asked_by(planted / "run" / "report.html", tmp_path, listener)
    assert "</html>" in dom and "Accuracy: " in dom
    assert not console and not asked
    assert "<title>gone" not in dom and "<script" not in dom and "<svg onload" not in dom
    assert dom.count("<img") == dom.count('src="data:image/png;base64,') >= 6


@needs_browser
def test_every_picture_is_said_in_words(planted, tmp_path, listener):
    dom, _, _ = asked_by(planted / "run" / "report.html", tmp_path, listener)
    alternatives = re.findall(r'<img [^>]*alt="([^"]*)"', dom)
    assert len(alternatives) == dom.count("<img") >= 6
    assert all(len(one.split()) >= 3 for one in alternatives)
    assert len(set(alternatives)) == len(alternatives)


@needs_browser
def test_the_policy_stops_what_escaping_would_let_through(planted, tmp_path, listener):
    page = (planted / "run" / "report.html").read_text()
    hostile = MARKUP.format(port=listener.server_port) + SCRIPT + "<style>body{color:red}</style>"
    careless = page.replace("<main>", f"<main>{hostile}")
    (tmp_path / "careless.html").write_text(careless)
    dom, console, asked = asked_by(tmp_path / "careless.html", tmp_path, listener)
    assert "<title>gone" not in dom and not asked
    assert len([line for line in console if "Content Security Policy" in line]) >= 3
    # Without it the same page does act, so that this test would see it.
    (tmp_path / "open.html").write_text(without_policy(careless))
    dom, _, asked = asked_by(tmp_path / "open.html", tmp_path, listener)
    assert "<title>gone" in dom and asked == ["/x"]


def test_the_style_is_the_one_the_policy_allows(planted):
    page = (planted / "run" / "report.html").read_text()
    assert "unsafe" not in page and "style=" not in page and page.count("<style>") == 1
