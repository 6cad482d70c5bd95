from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from textlstm.config import RARE_LABEL
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.evaluation.decisions import class_intervals, measured_decisions
from textlstm.evaluation.evaluate import Evaluation, _data_facts
from textlstm.evaluation.metrics import per_class
from textlstm.inference.scoring import Scores
from textlstm.recipe import EncodingConfig
from textlstm.reporting.published import public_metrics
from textlstm.reporting.report import full_tables
from textlstm.uncertainty.intervals import cluster_sizes, proportion
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.risk_control import promise

CONFUSION = np.array([[40, 0, 0, 0], [0, 30, 0, 0], [0, 0, 12, 0], [0, 0, 0, 4]])
LABELS = ("a", "b", "c", "d")


def evaluated(confusion, dropped):
    truth, predicted = np.repeat(np.argwhere(confusion + 1), confusion.ravel(), axis=0).T
    answers = np.eye(len(LABELS))[predicted]
    outcome = Scores(answers, truth < 3)  # what the last class has to say cannot be read
    out_of_fold = OutOfFold.of(answers, truth)
    metrics = {
        "per_class": per_class(truth, predicted, LABELS),
        "per_class_intervals": class_intervals(confusion, LABELS),
        "decisions": measured_decisions(out_of_fold, outcome, truth, truth > 1, LABELS),
        "subgroups": {},
        "seen": {},
        "data": {
            "rows": 1000,
            "train": 900,
            "dropped": dropped,
            "uncodable": {"records": 0, "share": 0.0},
        },
    }
    places = np.arange(len(truth))
    return Evaluation(metrics, pd.DataFrame(), LABELS, truth, places, {"model": answers})


def test_what_is_promised_is_measured_class_by_class():
    found = evaluated(CONFUSION, {})
    one, two, five = found.metrics["decisions"]["promises"]
    assert [one["threshold"], two["threshold"], five["threshold"]] == [None, None, 1.0]
    assert five["coded"]["share"] == pytest.approx(82 / 86) and five["error"]["share"] == 0.0
    assert [row["coded"]["records"] for row in five["per_class"].values()] == [40, 30, 12, 4]
    assert five["per_class"]["d"]["coded"]["share"] == 0.0
    for sets in found.metrics["decisions"]["sets"]:
        assert sets["covered"]["share"] == 1.0 and sets["covered_unseen_text"]["records"] == 16
        # Four records have every label in their sets, the others their own.
        assert sets["labels"] == pytest.approx((82 + 4 * 4) / 86)


def test_where_texts_are_new_the_intervals_count_texts():
    truth, answers = np.zeros(90, dtype=int), np.tile([[0.9, 0.1]], (90, 1))
    out_of_fold, outcome = OutOfFold.of(answers, truth), Scores(answers, truth == 0)
    ones, threes = (
        measured_decisions(out_of_fold, outcome, truth, truth == 0, "ab", np.full(90, n))[
            "promises"
        ]
        for n in (1, 3)
    )
    assert ones[2]["coded"] == proportion(truth == 0)
    assert threes[2]["coded"] == proportion(truth[:30] == 0) | {"records": 90}
    assert threes[2]["error"]["high"] == proportion(truth[:30] == 1)["high"]


def test_records_of_unknown_classes_are_errors_of_decisions_and_of_nothing_said_of_a_class():
    answers, truth = np.tile([[0.9, 0.1]], (400, 1)), np.zeros(400, dtype=int)
    out_of_fold, outcome = OutOfFold.of(answers, truth), Scores(answers, truth == 0)
    truth[:40] = -1
    found = measured_decisions(out_of_fold, outcome, truth, truth == 0, "ab")
    five = found["promises"][2]
    assert five["coded"]["records"] == 400 and five["error"]["share"] == 0.1
    assert "is broken by more than chance" in five["kept"]
    assert five["per_class"]["a"]["error"]["share"] == 0.0
    assert five["per_class"]["a"]["coded"]["records"] == 360
    assert found["sets"][1]["covered"]["share"] == 0.9
    assert "missed by more than chance" in found["sets"][1]["outcome"]
    assert found["workload"]["error"][-1] == 0.1
    # Of fewer than ten such records, a curve would tell how many there are.
    truth[9:40] = 0
    found = measured_decisions(out_of_fold, outcome, truth, truth == 0, "ab")
    assert found["workload"]["error"][-1] == 0.0 < found["promises"][2]["error"]["share"]


def test_what_is_taken_for_merged_classes_is_never_coded():
    answers, truth = np.tile([[0.1, 0.9]], (400, 1)), np.ones(400, dtype=int)
    answers[:200] = [0.9, 0.1]
    truth[:200] = 0
    truth[:20] = 1  # of merged classes, and taken for the other one
    outcome = Scores(answers, truth >= 0, np.array([True, False]))
    out_of_fold = OutOfFold.of(answers, truth, codable=outcome.codable)
    found = measured_decisions(out_of_fold, outcome, truth, truth == 0, ["a", RARE_LABEL])
    accepted = outcome.accepted(0.5)
    assert accepted.tolist() == [True] * 200 + [False] * 200
    assert not found["promises"][2]["coded"]["share"]  # a tenth of what it would accept is wrong
    assert promise(out_of_fold, 0.2).accepted == 200
    assert found["sets"][0]["covered"]["share"] == 0.45
    assert found["sets"][0]["per_class"][RARE_LABEL]["share"] == 0.0


def test_of_repeated_texts_the_same_is_measured_as_of_each():
    chance = np.random.default_rng(0)
    answers, places = chance.dirichlet(np.ones(4), size=20), chance.integers(20, size=200)
    truth, unseen = chance.integers(4, size=200), chance.random(200) < 0.5
    has_known_word = chance.random(20) < 0.9
    out_of_fold = OutOfFold.of(answers[places], truth)
    texts, each = Scores(answers, has_known_word), Scores(answers[places], has_known_word[places])
    cluster_size = cluster_sizes(places)
    expected = measured_decisions(out_of_fold, each, truth, unseen, LABELS, cluster_size)
    assert (
        measured_decisions(out_of_fold, texts, truth, unseen, LABELS, cluster_size, places)
        == expected
    )


def test_small_classes_and_one_more_are_left_out_of_what_is_published():
    evaluation = evaluated(CONFUSION, {"empty_text": 0})
    np.testing.assert_array_equal(evaluation.confusion, CONFUSION)
    shown = public_metrics(evaluation)
    nothing = dict.fromkeys(("precision", "recall", "f1", "support"))
    assert shown["per_class"]["d"] == shown["per_class"]["c"] == nothing
    assert set(shown["per_class_intervals"]["d"].values()) == {None}
    assert shown["per_class_intervals"]["a"]["f1"]["high"] == 1.0
    assert shown["per_class"]["a"] == evaluation.metrics["per_class"]["a"]
    for one in (*shown["decisions"]["promises"], *shown["decisions"]["sets"]):
        assert list(one["per_class"]) == ["a", "b"]
    assert shown["data"]["rows"] == 1000
    assert shown["confusion"]["counts"] == [
        [40, *[None] * 3],
        [None, 30, None, None],
        *[[None] * 4] * 2,
    ]
    assert full_tables(evaluation)["confusion"]["records"].tolist() == [40, 30, 12, 4]
    assert evaluation.metrics["per_class"]["d"]["support"] == 4  # what the house keeps is whole


def test_of_small_classes_and_of_single_points_no_curve_is_published():
    evaluation = evaluated(CONFUSION, {"empty_text": 0})
    curves = evaluation.metrics["decisions"]["workload_per_class"]
    assert [curve["share"] for curve in curves.values()] == [[1.0]] * 4  # all of them equally sure
    assert not public_metrics(evaluation)["decisions"]["workload_per_class"]
    curves |= {label: curves[label] | {"share": [0.5, 1.0]} for label in "bcd"}
    assert list(public_metrics(evaluation)["decisions"]["workload_per_class"]) == ["b"]


def test_intervals_of_a_class_hold_its_measures_and_narrow_with_records():
    few, many = (class_intervals(n * np.array([[8, 2], [4, 6]]), "ab")["a"] for n in (1, 100))
    for name, value in (("precision", 8 / 12), ("recall", 8 / 10), ("f1", 16 / 22)):
        for one in (few, many):
            assert one[name]["low"] < value < one[name]["high"]
        assert many[name]["high"] - many[name]["low"] < few[name]["high"] - few[name]["low"]
    exact = binomtest(8, 10).proportion_ci(method="exact")
    assert few["recall"] == pytest.approx({"low": exact.low, "high": exact.high})
    exact = binomtest(8, 14).proportion_ci(method="exact")
    assert few["f1"]["low"] == pytest.approx(2 * exact.low / (1 + exact.low))


@pytest.mark.parametrize(("number", "rows"), [(0, 1000), (1, None), (9, None), (10, 1000)])
def test_the_number_of_rows_does_not_tell_how_few_were_left_out(number, rows):
    evaluation = evaluated(CONFUSION, {"empty_text": number, "rare_class": 20})
    assert public_metrics(evaluation)["data"]["rows"] == rows


def test_written_out_abbreviations_are_counted():
    texts = ["gunshot wound"] * 12 + ["gsw head"] * 2 + ["stroke cva"]
    encoding = Vocabulary.fit(
        texts, EncodingConfig(initials=True, max_length=2), given={"cva": "x"}
    )
    parts = {name: pd.DataFrame({"text": texts}) for name in ("train", "validation", "holdout")}
    facts = _data_facts(
        SimpleNamespace(vocabulary=encoding), parts,
        {"rows": 45, "distinct_texts": 3, "dropped": {}, "handled": {"odd": 1},
         "uncodable": {"records": 1}},
        n_unknown_label=0,
    )  # fmt: skip
    assert facts["handled"] == {"odd": 1, "abbreviations_written_out": 9}
    assert facts["truncated_share"] == 2 / 15  # "gunshot wound head"
    assert facts["unknown_token_share"] == 4 / 32  # twice "head", "stroke", "x"
