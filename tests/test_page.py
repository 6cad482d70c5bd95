import pytest

from textlstm.config import DataConfig, Recipe, RunConfig, load_recipe
from textlstm.page import render, render_explanations

MEASURES = dict.fromkeys(
    ("accuracy", "macro_f1", "weighted_f1", "log_loss", "ece", "brier"), 0.5
) | {"accuracy_unseen_text": None}  # fmt: skip
ALL, NONE = (
    {"share": share, "low": 0.0, "high": 1.0, "records": n} for share, n in ((0.75, 4), (None, 0))
)
DECISIONS = {
    "held_out": 30,
    "promises": [
        {
            "max_error": 0.02, "promised_share": 0.8, "threshold": 0.9, "coded": ALL,
            "error": NONE, "sentence": "80 % can be coded automatically.", "per_class": {},
        }
    ],
    "workload": {},
    "sets": [
        {
            "coverage": 0.9, "labels": 1.25, "single": ALL, "covered": ALL,
            "covered_unseen_text": NONE, "per_class": {"a": ALL},
        }
    ],
}  # fmt: skip
METRICS = {
    "model": MEASURES,
    "baselines": {"majority": MEASURES, "tfidf_logreg": MEASURES | {"log_loss": 0.4}},
    "per_class": {
        "a": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 30},
        "b": {"precision": None, "recall": None, "f1": None, "support": None},
    },
    "per_class_intervals": {
        "a": {key: {"low": 0.875, "high": 1.0} for key in ("precision", "recall", "f1")},
        "b": dict.fromkeys(("precision", "recall", "f1")),
    },
    "calibration": {
        "temperature": 1.25,
        "before": {"log_loss": 0.625, "ece": 0.25},
        "after": {"log_loss": 0.5, "ece": 0.5},
    },
    "decisions": DECISIONS,
    "subgroups": {},
    "seen": {},
    "faithfulness": None,
    "deciding_words": {"a": [("stroke", 1.25), ("acute", 0.5)], "b": [("copd", 2.5)]},
    "hidden_units": {"sentence": "All are in use."},
    "doubtful_labels": {"suspects": 3, "conflicting_texts": 0, "conflicting_records": 2000},
    "data": {
        "rows": None, "train": 60, "validation": 8, "holdout": 30, "distinct_texts": 1500,
        "length": 4, "dropped": {"empty_text": 2, "rare_class": 0}, "truncated_share": 0.0,
        "unknown_token_share": 0.1,
    },
    "timing": {"train": 1.0},
}  # fmt: skip
HOSTILE = "<script>alert('x')</script>"


def test_hostile_labels_columns_and_file_names_are_escaped():
    config = RunConfig(DataConfig(data=f"{HOSTILE}.csv", text=(HOSTILE + "1",), label=HOSTILE))
    sets = [DECISIONS["sets"][0] | {"per_class": {HOSTILE: ALL}}]
    metrics = METRICS | {
        "per_class": {HOSTILE: METRICS["per_class"]["a"]},
        "per_class_intervals": {HOSTILE: METRICS["per_class_intervals"]["a"]},
        "deciding_words": {HOSTILE: [(HOSTILE, 1.0)]},
        "decisions": DECISIONS | {"sets": sets},
    }
    page = render(config, metrics, {"confusion": b"png"}, [HOSTILE])
    assert "<script" not in page and page.count("&lt;script&gt;") >= 5


def test_the_better_model_is_marked_and_missing_values_are_dashes():
    page = render(RunConfig(), METRICS, {}, ["Said in words."])
    row = page.split("log loss<br>")[1].split("</tr>")[0]
    assert '<td class="best">0.4000' in row and row.count("best") == 1
    assert "–" in page.split("accuracy, unseen texts<br>")[1].split("</tr>")[0]
    assert "Said in words." in page
    assert "there is no cloud" in page
    assert "temperature of 1.25" in page and "from 0.6250 to 0.5000" in page
    assert "<td>1.000\n(0.875 to 1.000)</td>" in page
    assert "80 % can be coded automatically." in page
    assert "<td>75.0% (0.0% to 100.0%)</td><td>–</td>" in page


def test_deciding_words_have_bars_to_one_scale():
    page = render(
        RunConfig(), METRICS | {"faithfulness": {"sentence": "They do."}}, {}, ["It won."]
    )
    assert (
        "<caption>b</caption>" in page
        and '<td>stroke</td><td><svg class="bar"><rect width="50.0%"' in page
    )
    assert "They do." in page and "All are in use." in page
    assert "<h2>What the labels rest on</h2>" in page and "copd" in page
    none = render(RunConfig(), METRICS | {"deciding_words": {}}, {}, ["It won."])
    assert "speak most for each class" not in none and "They do." not in none
    assert "fewer than 10 labels of the holdout are probably wrong" in none


def test_small_counts_are_not_shown():
    page = render(RunConfig(), METRICS, {}, ["It won."])
    assert "<dd>fewer than 10: empty text</dd>" in page and "rare class" not in page
    assert "leaves fewer than 10 out" in page
    assert "<dt>read</dt><dd>1,500 distinct texts" in page
    assert "<tr><td>b</td>" + "<td>–</td>" * 4 + "</tr>" in page


@pytest.mark.parametrize(
    ("config", "flags"),
    [
        (RunConfig(recipe=load_recipe("default")), "--seed 0 --recipe default</pre>"),
        (RunConfig(DataConfig(label="cause of death")), "--label &#39;cause of death&#39;"),
        (RunConfig(DataConfig(text=("a", "b"))), "--text a b"),
        (RunConfig(recipe_name="okut-table2"), "--recipe okut-table2"),
    ],
)
def test_the_page_tells_how_to_make_it_again(config, flags):
    assert flags in render(config, METRICS, {}, ["It won."])


def test_fields_that_differ_from_the_recipe_are_told():
    recipe = Recipe().with_fields(epochs=77, bidirectional=False)
    page = render(RunConfig(recipe=recipe, recipe_name="gone.toml"), METRICS, {}, ["It won."])
    assert "--epochs 77" in page and "--no-bidirectional" in page


def test_explanations_escape_what_records_and_labels_say():
    gates = dict.fromkeys(("forward_input_gate", "forward_forget_gate", "forward_cell"), None)
    tokens = [{"token": HOSTILE, "attribution": -0.5, **gates}]
    record = {"name": HOSTILE, "label": HOSTILE, "probability": 0.9, "tokens": tokens,
              "picture": b"png"}  # fmt: skip
    page = render_explanations(RunConfig(), [record, {"name": "2", "tokens": []}], member=1)
    assert "<script" not in page and page.count("&lt;script&gt;") == 3
    assert "-0.500" in page and "–" in page and "This record has no word." in page
