"""A model on labelled records of another table."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from test_evaluate import LABELS, SUMMARY, answers_of, bundle, evaluated, table

from textlstm.config import RARE_LABEL
from textlstm.data.labelled import LabelledTable
from textlstm.errors import InputError
from textlstm.evaluation.evaluate import evaluate
from textlstm.evaluation.new_evaluation import evaluate_new
from textlstm.evaluation.new_records import NewRecords

TRAINING = {name: table(dict.fromkeys(LABELS, 20), first=1000) for name in ("train", "validation")}


def model_of(answers=None, labels=LABELS):
    model = bundle(answers or answers_of(), labels)
    model.summary = {
        "training records": 72, "validation records": 8, "share of unknown words": 0.0,
        "mean probability": 0.97,
    }  # fmt: skip
    return model


def new_records(records, labels=LABELS):
    read = records.astype({"text": "category", "label": "category"})
    return NewRecords.of(LabelledTable(read, {"control_characters": 2}), "manner", labels)


def measured(records, training=TRAINING, model=None, **options):
    model = model or model_of()
    return evaluate_new(model, new_records(records, model.labels), training, 0, **options)


def test_the_holdout_as_new_records_has_the_very_same_measures():
    holdout = table({"a": 40, "b": 30, "c": 12, "d": 4, "new": 20})
    answers = answers_of(dead=answers_of()["acute"], confidence=0.8)
    model = model_of(answers)
    first = evaluate(model, TRAINING | {"holdout": holdout}, SUMMARY, 0).to_dict()
    second = measured(holdout, model=model).evaluation.to_dict()
    for name in ("model", "all_records", "per_class", "per_class_intervals", "confusion",
                 "calibration", "never_predicted", "seen", "subgroups", "learned"):  # fmt: skip
        assert first[name] == second[name], name
    for one, other in zip(*(d["decisions"]["promises"] for d in (first, second)), strict=True):
        assert one["kept"].replace("the holdout", "the new records") == other["kept"]
        assert one | {"kept": ""} == other | {"kept": ""}
    assert second["baselines"] == second["differences"] == {} and "difference" not in second


def test_labels_that_the_model_does_not_know_are_errors_of_promises():
    records = table({"a": 60, "b": 20, "new": 20}).sample(frac=1, random_state=0)
    evaluation = measured(records).evaluation
    assert evaluation.measures["model"].accuracy == 1.0 and len(evaluation.truth) == 80
    assert evaluation.all_records.share == pytest.approx(0.8)
    assert evaluation.data.uncodable == {"records": 20, "share": 0.2}
    assert evaluation.data.dropped["label_not_in_training"] == 20
    promised = evaluation.decisions.main_promise
    # A text without a known word is never coded, whatever its label.
    assert promised.coding.coded.records == 100 and promised.coding.error.share == 0.0
    wrong = records.assign(text=records["text"].replace("unknown", "acute"))
    promised = measured(wrong).evaluation.decisions.main_promise
    assert promised.coding.error.share == pytest.approx(0.2)
    assert "on the new records" in promised.sentence().lower()
    assert "broken by more than chance" in promised.sentence()


def test_the_table_of_predictions_has_all_records_in_their_order():
    records = table({"new": 3, "b": 2, "a": 2})
    found = measured(records).evaluation.predictions
    assert found["record_id"].tolist() == records["record_id"].tolist()
    assert found["true_label"].tolist() == ["new"] * 3 + ["b"] * 2 + ["a"] * 2
    assert list(found) == [
        "record_id", "true_label", "predicted_label", "probability", "second_label", "decision"
    ]  # fmt: skip


def test_one_promised_error_is_measured_where_one_is_asked_for():
    decisions = measured(table({"a": 40}), max_errors=(0.04,)).evaluation.decisions
    assert [one.promise.max_error for one in decisions.promises] == [0.04]
    assert decisions.main_promise.promise.max_error == 0.04


def test_without_training_records_nothing_is_said_of_unseen_texts():
    evaluation = measured(table({"a": 40, "b": 10}), training={}).evaluation
    assert evaluation.measures["model"].accuracy_unseen_text is None and evaluation.seen == {}
    assert all(sets.covered_unseen_text.share is None for sets in evaluation.decisions.sets)
    assert evaluation.data.train == 72 and evaluation.data.validation == 8


def test_the_statistics_are_those_of_all_records():
    statistics = measured(table({"a": 40, "new": 10})).statistics
    assert (statistics.records, statistics.words, statistics.unknown) == (50, 50, 10)
    assert statistics.review == 10 and statistics.empty == 0
    assert statistics.probability == pytest.approx(40 * 0.97 + 10 * 0.4)


def test_records_without_text_or_label_are_left_out_and_counted():
    records = pd.concat([table({"a": 5}), table({"a": 2}).assign(text="")], ignore_index=True)
    records = pd.concat([records, table({"": 3})], ignore_index=True)
    found = new_records(records)
    assert found.dropped == {"empty_label": 3, "empty_text": 2}
    assert (len(found.records), found.n_rows) == (5, 10)
    assert found.messages() == [
        "3 records left out: empty label", "2 records left out: empty text"
    ]  # fmt: skip


def test_rare_labels_stand_for_the_merged_class_of_the_model():
    labels = (RARE_LABEL, *LABELS)
    found = new_records(table({"a": 3, "b": 1, "odd": 2, "odder": 1}), labels)
    assert found.records["label"].tolist() == ["a"] * 3 + ["b"] + [RARE_LABEL] * 3
    assert found.unknown_labels == {"odd": 2, "odder": 1}
    assert found.messages() == [
        "3 records have a label that the model cannot give, an error in promises: 'odd', 'odder'"
    ]


@pytest.mark.parametrize("records", [table({"new": 3}), table({RARE_LABEL: 3}), table({"": 3})])
def test_a_table_without_any_known_label_is_refused(records):
    with pytest.raises(InputError, match="none has a label that the model knows: 'a', 'b'"):
        new_records(records)


def test_repeated_texts_count_once_where_the_promises_are_for_new_texts():
    model = model_of()
    narrow = measured(table({"a": 60}), {}, model).evaluation.decisions.main_promise.coding
    n = len(model.out_of_fold.top)
    model.out_of_fold = dataclasses.replace(model.out_of_fold, cluster_size=np.full(n, 2))
    wide = measured(table({"a": 60}), {}, model, max_errors=(0.05,)).evaluation
    assert narrow.coded.low > 0.9 > wide.decisions.main_promise.coding.coded.low


def test_the_evaluation_of_a_run_still_has_baselines():
    assert set(evaluated(table({"a": 40, "b": 30})).models) == {"model", "majority", "tfidf_logreg"}
