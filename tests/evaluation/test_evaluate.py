import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from textlstm.data.groups import PREFIX
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.evaluation.evaluate import evaluate
from textlstm.recipe_sections import EncodingConfig
from textlstm.uncertainty.calibration import undo_temperature
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.predictions import Predictions

LABELS = ("a", "b", "c", "d")
WORDS = {"a": "acute", "b": "block", "c": "clot", "d": "dead"}
SUMMARY = {
    "rows": 1000, "distinct_texts": 4, "dropped": {"empty_text": 0}, "handled": {},
    "uncodable": {"records": 0, "share": 0.0},
}  # fmt: skip
KEYS = [
    "model", "baselines", "difference", "differences", "learned", "all_records",
    "never_predicted", "per_class", "per_class_intervals", "confusion", "calibration",
    "decisions", "subgroups", "seen", "data",
]  # fmt: skip


def table(counts, first=0, **columns):
    """Records of each label, whose text is the word of the label."""
    labels = [label for label, n in counts.items() for _ in range(n)]
    ids = [f"r{number}" for number in range(first, first + len(labels))]
    texts = [WORDS.get(label, "unknown") for label in labels]
    return pd.DataFrame({"record_id": ids, "text": texts, "label": labels, **columns})


def bundle(answers, labels=LABELS):
    """A model without a network: ``answers`` are its probabilities by text."""
    known = pd.Index(list(WORDS.values()))
    probabilities = np.array([answers[text] for text in known])
    truth = np.repeat(np.arange(len(known)), 100)
    return SimpleNamespace(
        tree=None,
        labels=labels,
        codable=np.ones(len(labels), dtype=bool),
        vocabulary=Vocabulary.fit(list(known), EncodingConfig(min_count=1, max_length=3)),
        temperature=2.0,
        out_of_fold=OutOfFold.of(Predictions(probabilities, truth), truth),
        predict=lambda texts, *_: Predictions(
            np.array([answers[text] for text, _ in texts.values]), texts.inverse
        ),
    )


def answers_of(confidence=0.97, **changes):
    """Probabilities by text: the word of a label speaks for the label."""
    rest = (1 - confidence) / (len(LABELS) - 1)
    answers = {
        word: np.where(np.array(LABELS) == label, confidence, rest) for label, word in WORDS.items()
    }
    return answers | {"unknown": np.array([0.4, 0.3, 0.2, 0.1])} | changes


def evaluated(holdout, answers=None, summary=SUMMARY, rare=None, train=None, steps=str):
    training = table(dict.fromkeys(LABELS, 20), first=1000) if train is None else train
    splits = {"train": training, "validation": training[:0], "holdout": holdout}
    return evaluate(bundle(answers or answers_of()), splits, summary, 0, rare, steps)


# ---------------------------------------------------------------------------------- measures


def test_a_model_that_is_always_right():
    counts = {"a": 40, "b": 30, "c": 12, "d": 4}
    evaluation = evaluated(table(counts))
    assert evaluation.measures["model"].accuracy == evaluation.all_records.share == 1.0
    assert evaluation.measures["model"].log_loss == pytest.approx(-np.log(0.97))
    assert evaluation.measures["majority"].accuracy == pytest.approx(40 / 86)  # the first class
    assert evaluation.measures["model"].accuracy_unseen_text is None
    np.testing.assert_array_equal(evaluation.confusion, np.diag(list(counts.values())))
    assert [row.support for row in evaluation.per_class.values()] == [40, 30, 12, 4]
    assert evaluation.learned and not evaluation.never_predicted
    difference = evaluation.differences["majority"].accuracy
    assert difference.estimate == pytest.approx(46 / 86) and difference.low > 0


def test_what_is_written_has_the_keys_of_metrics_json_and_is_json():
    values = evaluated(table({"a": 40, "b": 30, "c": 12, "d": 4})).to_dict()
    assert list(values) == KEYS
    assert list(values["model"]) == [
        "accuracy", "macro_f1", "weighted_f1", "log_loss", "ece", "brier", "auroc", "auprc",
        "accuracy_unseen_text"
    ]  # fmt: skip
    assert list(values["baselines"]) == list(values["differences"]) == ["majority", "tfidf_logreg"]
    assert values["difference"] == values["differences"]["tfidf_logreg"]
    assert list(values["per_class"]["a"]) == ["precision", "recall", "f1", "support"]
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_a_class_that_is_confused_with_another_is_never_predicted():
    answers = answers_of(dead=answers_of()["acute"])
    evaluation = evaluated(table({"a": 40, "b": 30, "c": 12, "d": 4}), answers)
    assert evaluation.never_predicted == ["d"]
    assert evaluation.confusion[3].tolist() == [4, 0, 0, 0]
    assert evaluation.measures["model"].accuracy == pytest.approx(82 / 86)
    assert evaluation.per_class["a"].precision == pytest.approx(40 / 44)


def test_records_of_unknown_classes_are_errors_among_all_records_and_else_not_measured():
    rare = table({"rare": 10}, first=500)
    evaluation = evaluated(table({"a": 40, "b": 30, "new": 20}), rare=rare)
    assert len(evaluation.truth) == len(evaluation.predictions) == 70
    assert evaluation.measures["model"].accuracy == 1.0
    assert evaluation.all_records.share == pytest.approx(70 / 100)
    assert evaluation.all_records.records == 100
    assert evaluation.data.holdout == 70
    assert evaluation.data.dropped["label_not_in_training"] == 20
    assert evaluation.decisions.promises[0].coding.coded.records == 100


def test_the_table_of_predictions_is_decided_by_the_main_promise():
    answers = answers_of(block=np.array([0.3, 0.5, 0.1, 0.1]))
    evaluation = evaluated(table({"a": 2, "b": 1}), answers)
    promised = evaluation.decisions.main_promise.promise
    assert promised.max_error == 0.02 and promised.threshold == 0.5
    assert evaluation.predictions.to_dict("list") == {
        "record_id": ["r0", "r1", "r2"], "true_label": ["a", "a", "b"],
        "predicted_label": ["a", "a", "b"], "probability": [0.97, 0.97, 0.5],
        "second_label": ["b", "b", "a"], "decision": ["accept"] * 3,
    }  # fmt: skip
    # A text without a known word is for review, whatever its probability.
    unknown = table({"a": 2, "b": 1}).assign(text=["acute", "unknown", "block"])
    decisions = evaluated(unknown, answers).predictions["decision"]
    assert decisions.tolist() == ["accept", "review", "accept"]


def test_groups_are_those_of_the_columns_and_of_the_times_a_text_was_trained_on():
    sexes = {f"{PREFIX}sex": ["F"] * 40 + ["M"] * 30}
    train = table({"a": 20, "b": 9, "c": 9, "d": 9}, first=1000)
    evaluation = evaluated(table({"a": 40, "b": 30}, **sexes), train=train)
    assert {name: group.records for name, group in evaluation.subgroups["sex"].items()} == {
        "F": 40, "M": 30
    }  # fmt: skip
    assert {name: group.records for name, group in evaluation.seen.items()} == {
        "1 to 9 times": 30, "10 times or more": 40
    }  # fmt: skip


def test_if_no_text_was_trained_on_records_count_as_their_texts():
    train = table(dict.fromkeys(LABELS, 20), first=1000)
    train["text"] += " old"
    evaluation = evaluated(table({"a": 40, "b": 40}), train=train)
    assert evaluation.measures["model"].accuracy_unseen_text == 1.0
    coded = evaluation.decisions.promises[2].coding.coded
    assert coded.share == 1.0 and coded.low < 0.2  # 80 records, but two texts
    assert coded.records == 80


def test_the_measures_before_calibration_are_those_without_the_temperature():
    evaluation = evaluated(table({"a": 40, "b": 30}))
    row = undo_temperature(answers_of()["acute"][None], 2.0)
    before = evaluation.calibration.before
    assert before.log_loss == pytest.approx(-np.log(row[0, 0]))
    assert evaluation.calibration.to_dict() == {
        "temperature": 2.0,
        "before": {"log_loss": before.log_loss, "ece": before.ece},
        "after": {name: evaluation.to_dict()["model"][name] for name in ("log_loss", "ece")},
    }


def test_a_model_that_predicts_class_shares_has_learned_nothing():
    shares = np.full(4, 0.25)
    answers = dict.fromkeys(answers_of(), shares)
    model = bundle(answers)
    training = table(dict.fromkeys(LABELS, 20), first=1000)
    splits = {"train": training, "validation": training[:0],
              "holdout": table(dict.fromkeys(LABELS, 10))}  # fmt: skip
    assert not evaluate(model, splits, SUMMARY, 0).learned
    # The out-of-fold records can prove it as well as the holdout.
    model.out_of_fold = dataclasses.replace(model.out_of_fold, gain=0.1)
    assert evaluate(model, splits, SUMMARY, 0).learned


def test_each_step_is_told_before_it_begins():
    steps = []
    evaluated(table({"a": 10, "b": 10}), steps=steps.append)
    assert steps == [
        "reading the records", "coding the holdout", "fitting class shares alone",
        "fitting TF-IDF + logistic regression", "measuring",
    ]  # fmt: skip
