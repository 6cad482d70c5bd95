"""The benchmark measures what it says; its figures are another matter."""

import importlib.util
import runpy
import signal
import sys

import numpy as np
import pandas as pd
import pytest

from benchmarks import ablations, comparison, invented, peers, plain, promises, speed
from pipelines import interrupts, shell
from textlstm.errors import InputError
from textlstm.recipe import Recipe, load_recipe

FIELDS = [("stroke", "fall"), ("fall", "stroke")] * 20
LABELS = np.array(["Circulatory", "External"] * 20)


def test_the_paired_difference_and_its_interval_by_hand():
    ours, theirs = pd.Series([0.5, 0.7, 0.9]), pd.Series([0.4, 0.5, 0.6])
    # Differences 0.1, 0.2, 0.3: mean 0.2, deviation 0.1, t(0.975, 2) = 4.303.
    assert comparison.difference(ours, theirs) == "+0.2000 ±0.2484"
    assert comparison.difference(ours[:1], theirs[:1]) == "+0.1000"


@pytest.mark.parametrize("name", ["majority", *(n for n in peers.MODELS if n.startswith("TF-IDF"))])
def test_each_peer_gives_probabilities_in_sorted_order(name):
    probabilities = peers.MODELS[name][1](FIELDS, LABELS, 0)(FIELDS[:3])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert probabilities.shape == (3, 2)
    if "blocks" in name:
        assert probabilities[0].argmax() == 0 and probabilities[1].argmax() == 1


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("name", ["peers", "ablations", "promises", "speed"])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--data gone.csv --text cause --label category", "gone.csv: no such file"),
        ("--data t.csv --text nope --label category", "t.csv: no column 'nope'"),
        ("--data t.csv --text cause --seeds x", "--"),
    ],
)
def test_a_mistake_is_told_in_one_line(name, words, said, table, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table.to_csv("t.csv", index=False)
    monkeypatch.setattr("sys.argv", [name, *words.split()])
    monkeypatch.setattr("os._exit", sys.exit)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(f"benchmarks.{name}", run_name="__main__")
    told = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and said in told[-1]
    assert name == "speed" or (len(told) == 1 and told[0].startswith("error: "))


COMMANDS = {
    comparison: lambda: comparison.command("", ablations.MODELS, ablations.WHOLE),
    promises: lambda: shell.run_and_exit(promises.main),
    speed: lambda: shell.run_and_exit(lambda _: speed.main()),
}


@pytest.mark.parametrize(
    ("module", "work", "keep", "said"),
    [
        (comparison, "measure", [], "nothing is kept; with --keep FILE"),
        (comparison, "measure", ["--keep", "kept.jsonl"], "finished work is kept"),
        (promises, "measure", [], "nothing is kept; with --keep FILE"),
        (promises, "measure", ["--keep", "kept.jsonl"], "finished work is kept"),
        (speed, "prepare", [], "nothing is kept"),
    ],
)
def test_an_interruption_tells_what_is_kept(
    module, work, keep, said, table, tmp_path, monkeypatch, capsys
):
    def interrupted(*_):
        raise interrupts.Interrupted(signal.SIGINT)

    monkeypatch.chdir(tmp_path)
    table.to_csv("t.csv", index=False)
    words = "--data t.csv --text cause --label category".split()
    monkeypatch.setattr("sys.argv", ["benchmark", *words, *keep])
    monkeypatch.setattr("os._exit", sys.exit)
    monkeypatch.setattr(module, work, interrupted)
    with pytest.raises(SystemExit, match="130"):
        COMMANDS[module]()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1 and told[0].startswith(f"interrupted; {said}")


def test_seeds_are_those_of_a_split():
    parser = comparison.task_parser("", range(2))
    given = parser.parse_args(["--data", "f", "--text", "a", "b", "--label", "c"])
    assert given.seeds == [0, 1] and given.keep is None
    for wrong in ("-1", "4294967296"):
        with pytest.raises(SystemExit, match="2"):
            parser.parse_args(["--data", "f", "--text", "a", "--label", "c", f"--seeds={wrong}"])


@pytest.mark.parametrize("content", [b"[1]", b'{"data": "t.csv"}', b"\xff"])
def test_a_file_of_something_else_is_no_file_of_measurements(content, tmp_path):
    (tmp_path / "kept.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=r"kept\.jsonl: holds no measurements"):
        comparison.read_kept(tmp_path / "kept.jsonl")


def test_a_table_of_two_peers(table, tmp_path):
    table.to_csv(tmp_path / "t.csv", index=False)
    records = comparison.load(str(tmp_path / "t.csv"), ["cause", "other"], "category")
    results = {
        name: pd.DataFrame([comparison.measure(peers.MODELS[name][1], records, 0)])
        for name in ("majority", "TF-IDF word + LR")
    }
    lines = comparison.table(results, "majority").splitlines()
    assert len(lines) == 4 and "| majority | 0.3333 |" in lines[2]


@pytest.fixture
def records(table, tmp_path):
    table.to_csv(tmp_path / "t.csv", index=False)
    return comparison.load(str(tmp_path / "t.csv"), ["cause"], "category")


def keys(*models, seeds=(0, 1)):
    return [("t.csv", ("cause",), "category", model, seed) for model in models for seed in seeds]


def test_what_was_kept_is_not_measured_again(records, tmp_path, monkeypatch):
    keep = tmp_path / "kept.jsonl"
    first, _ = comparison.compare(peers.MODELS, records, keys("majority", seeds=[0]), keep)
    measured = []
    monkeypatch.setattr(
        comparison, "measure", lambda fit, records, seed: measured.append(seed) or {}
    )
    comparison.compare(peers.MODELS, records, keys("majority"), keep)
    assert measured == [1] and len(keep.read_text().split("\n")) == 3
    again, _ = comparison.compare(peers.MODELS, records, keys("majority", seeds=[0]), keep)
    pd.testing.assert_frame_equal(first["majority"], again["majority"])
    other = [("other.csv", *key[1:]) for key in keys("majority")]
    comparison.compare(peers.MODELS, records, other, keep)
    assert measured == [1, 0, 1]


def test_a_line_that_was_cut_off_is_measured_again(tmp_path):
    keep = tmp_path / "kept.jsonl"
    first, second = keys("majority")
    comparison.append_kept(keep, first, {"accuracy": 0.5})
    keep.write_text(keep.read_text() + '\n{"data": "t.c')
    comparison.append_kept(keep, second, {"accuracy": 0.6})
    assert comparison.read_kept(keep) == {first: {"accuracy": 0.5}, second: {"accuracy": 0.6}}


def test_a_peer_without_its_package_is_named_unless_all_of_it_was_kept(records, tmp_path):
    models = {**peers.MODELS, "absent": ("no_such_package", peers.MODELS["majority"][1])}
    keep = tmp_path / "kept.jsonl"
    comparison.append_kept(keep, keys("absent")[0], {"accuracy": 0.5})
    results, missing = comparison.compare(models, records, keys("majority", "absent"), keep)
    assert list(results) == ["majority"] and missing == ["absent"]
    results, missing = comparison.compare(models, records, keys("absent", seeds=[0]), keep)
    assert results["absent"]["accuracy"].tolist() == [0.5] and missing == []


@pytest.mark.parametrize(
    "name", ["spaCy textcat, bag of words", "Keras BiLSTM", "torchTextClassifiers"]
)
def test_each_trained_peer_tells_the_classes_apart(name):
    package, fit = peers.MODELS[name]
    if not importlib.util.find_spec(package):
        pytest.skip(f"{package} is not installed")
    probabilities = fit([("stroke",), ("fall",)] * 40, np.tile(LABELS[:2], 40), 0)([("fall",)])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert probabilities.shape == (1, 2) and probabilities[0, 1] > 0.5


def test_every_ablation_changes_the_recipe():
    for name, fields in ablations.CHANGES.items():
        assert Recipe().with_fields(**fields), name
        assert bool(fields) == (name != ablations.WHOLE)


def test_sentence_embeddings_come_from_the_model_that_is_named(tmp_path, monkeypatch):
    pytest.importorskip("sentence_transformers")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import BoW

    words = BoW(["stroke", "fall", "of"])
    SentenceTransformer(modules=[words]).save(str(tmp_path))
    monkeypatch.setenv("SENTENCE_MODEL", str(tmp_path))
    predict = peers.MODELS["MiniLM embeddings + LR"][1](FIELDS, LABELS, 0)
    assert predict([("stroke", "fall"), ("fall", "stroke")]).argmax(axis=1).tolist() == [0, 1]


# --------------------------------------------------------------------------------------- speed


@pytest.mark.parametrize("distinct", [0, 200, 900])
def test_a_file_has_as_many_distinct_texts_as_it_is_to_have(table, tmp_path, distinct):
    table.to_csv(tmp_path / "t.csv", index=False)
    text, out = ["cause", "other"], tmp_path / "rows.csv"
    speed.write_rows(str(tmp_path / "t.csv"), text, 1000, distinct, out)
    rows = pd.read_csv(out, dtype=str, keep_default_na=False)
    assert len(rows) == 1000 and list(rows) == list(table)
    found, there = len(rows[text].drop_duplicates()), len(table[text].drop_duplicates())
    assert max(distinct, there) - 10 <= found <= max(distinct, there)
    words = {word for cause in table["cause"] for word in cause.split()}
    assert {word for cause in rows["cause"] for word in cause.split()} <= words


def test_the_growth_of_distinct_texts_is_found():
    texts = np.random.default_rng(0).zipf(1.5, size=20_000)
    k, b = speed.growth(texts)
    for n in (20_000, 5_000):
        assert k * n**b == pytest.approx(len(np.unique(texts[:n])), rel=0.1)
    assert speed.growth(np.arange(100)) == pytest.approx((1.0, 1.0))


def test_the_plain_recipe_learns():
    predict = plain.table2(FIELDS, LABELS, 0)
    probabilities = predict(FIELDS[:2])
    assert probabilities.argmax(axis=1).tolist() == [0, 1]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "ratio", "kept"),
    [
        ("--help, seconds", 1.0, True),
        ("--help, seconds", 1.1, False),
        ("file coded, times the plain recipe's rate", 9.9, False),
        ("file coded, times the plain recipe's rate", 10.0, True),
    ],
)
def test_promises(name, ratio, kept):
    assert speed.kept(name, ratio) == kept


def test_a_file_is_coded_as_a_notebook_would(table, tmp_path):
    table.to_csv(tmp_path / "t.csv", index=False)
    names = np.array(["A", "B"])

    def predict(fields):
        return np.array([[0.25, 0.75] if one == "fall" else [1.0, 0.0] for one, _ in fields])

    speed.code_file(predict, str(tmp_path / "t.csv"), ["cause", "other"], names, tmp_path / "o.csv")
    coded = pd.read_csv(tmp_path / "o.csv")
    assert (coded["predicted_label"] == np.where(coded["cause"] == "fall", "B", "A")).all()
    assert set(coded["probability"]) == {0.75, 1.0}


# ------------------------------------------------------------------------------------ promises


def promised(share, error, low, threshold=0.9):
    return {
        "max_error": 0.02,
        "threshold": threshold,
        "coded": {"share": share},
        "error": {"share": error, "low": low},
    }


def test_broken_promises_are_counted_and_those_of_chance_told_apart():
    found = [
        {"promises": [one]}
        for one in (
            promised(0.8, 0.01, 0.005),
            promised(0.9, 0.022, 0.015),
            promised(0.85, 0.04, 0.03),
            promised(0.0, None, 0.0, threshold=None),
        )
    ]
    lines = promises.promise_table(found).splitlines()
    assert lines[2:] == ["| 2 % | 3 of 4 | 85.0% (80.0% to 90.0%) | 2.40% | 4.00% | 1 of 3 | 1 |"]
    assert promises.promise_table(found[3:]).splitlines()[2] == "| 2 % | 0 of 1 |" + " – |" * 5


@pytest.mark.parametrize("split", ["stratified", "grouped"])
def test_promises_are_measured_on_the_holdout_and_kept(
    split, records, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(promises, "RECIPE", "okut-table2")
    command = f"promises --data {tmp_path}/t.csv --text cause --label category --seeds 0 1"
    more = ["--split", split, "--keep", str(tmp_path / "kept.jsonl")]
    monkeypatch.setattr("sys.argv", [*command.split(), *more])
    promises.main()
    first = capsys.readouterr().out
    assert first.startswith("**category** from cause: 120 records, 0 of them")
    assert "| 1 % | 0 of 2 |" in first and "| 95 % | " in first
    monkeypatch.setattr(promises, "measure", None)
    promises.main()
    assert capsys.readouterr().out == first


# ------------------------------------------------------------------------------------ invented


def test_invented_tables_have_the_rare_classes_they_should():
    shares = []
    for seed in range(40):
        population = invented.Population(seed)
        counts = population.draw(population.n_records)["label"].value_counts()
        shares.append(counts[counts < 10].sum() / counts.sum() - population.rare_share)
    assert -0.1 < np.mean(shares) < 0.02 and np.ptp(shares) < 0.4
    again = (invented.Population(3).draw(5) for _ in range(2))
    pd.testing.assert_frame_equal(*again)


def test_invented_tables_are_measured_once_and_what_is_broken_is_told(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(invented, "NEW_RECORDS", 200)
    small = load_recipe("default").with_fields(
        ensemble_size=1,
        epochs=1,
        embedding_size=4,
        hidden_units=4,
        linear_c=0.0,
        embedding_init="narrow-normal",
    )
    monkeypatch.setattr(invented, "recipe", lambda: small)
    keep = ["--keep", str(tmp_path / "kept.jsonl")]
    rare = ["rare", "--tables", "1", "--rare", "drop", *keep]
    invented.main(rare)
    first = capsys.readouterr().out
    assert "**drop**, 1 tables" in first and "| 2% | " in first and "| 95% | " in first
    monkeypatch.setattr(invented, "rare_classes", None)
    invented.main(rare)
    assert capsys.readouterr().out == first
    invented.main(["noise", "--tables", "1", *keep])
    assert "| 1 | 0 |" in capsys.readouterr().out
    line = (tmp_path / "kept.jsonl").read_text().splitlines()[1]
    (tmp_path / "kept.jsonl").write_text(line.replace('"win": false', '"win": true') + "\n")
    with pytest.raises(InputError, match="not all of it holds"):
        invented.main(["noise", "--tables", "1", *keep])


@pytest.mark.parametrize(("errors", "held"), [([0.01] * 20, True), ([0.03, *[0.01] * 19], True),
                                              ([0.03, 0.03, *[None] * 18], False)])  # fmt: skip
def test_promises_hold_in_nineteen_tables_of_twenty(errors, held):
    promised = [{"coded": 0.5, "error": error, "possible": 0.6} for error in errors]
    kept = {"coded": 0.5, "error": 0.0, "possible": 0.6}
    results = [
        {"promises": {str(error): one if error == 0.02 else kept for error in invented.ERRORS}}
        for one in promised
    ]
    table, found = invented.promise_table(results)
    n_broken = sum(error == 0.03 for error in errors)
    assert found == held and f"| {20 - n_broken} of 20 | 50.0% | 60.0% |" in table
