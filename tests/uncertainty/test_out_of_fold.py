import json
import math

import numpy as np
import pytest

from textlstm.errors import InputError
from textlstm.uncertainty.intervals import cluster_sizes
from textlstm.uncertainty.out_of_fold import OutOfFold
from textlstm.uncertainty.predictions import Predictions
from textlstm.uncertainty.risk_control import promise

PROBABILITIES = np.array([[0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
VALUES = {"top": [0.9, 0.8, 0.7], "true": [0.9, 0.8, 0.3], "correct": [1, 1, 0]}


def read_again(out_of_fold):
    return OutOfFold.from_dict(json.loads(json.dumps(out_of_fold.to_dict())))


def test_the_probabilities_of_the_top_class_and_of_the_true_class_are_kept():
    out_of_fold = OutOfFold.of(Predictions.of(PROBABILITIES), np.array([1, 1, 1]))
    assert out_of_fold.top.tolist() == [0.9, 0.8, 0.7]
    assert out_of_fold.true.tolist() == [0.9, 0.8, 0.3]
    assert out_of_fold.correct.tolist() == [True, True, False]
    assert read_again(out_of_fold).to_dict() == out_of_fold.to_dict()


def test_the_records_with_the_same_text_are_counted():
    labels, rows = np.array([0, 1, 0, 1, 1, 0]), np.array([2, 0, 0, 2, 2, 1], dtype=np.int32)
    predictions = Predictions(PROBABILITIES, rows)
    apart, together = (OutOfFold.of(predictions, labels, texts=texts) for texts in (None, rows))
    assert together.top.tolist() == [0.9, 0.9, 0.9, 0.8, 0.7, 0.7]
    assert together.cluster_size.tolist() == [3, 3, 3, 1, 2, 2]
    assert apart.cluster_size.tolist() == [1] * 6 and apart.top.tolist() == together.top.tolist()
    # Sizes of one are not written.
    assert "alike" not in apart.to_dict()
    for out_of_fold in (apart, together):
        again = read_again(out_of_fold)
        assert again.cluster_size.tolist() == out_of_fold.cluster_size.tolist()


@pytest.mark.parametrize("cluster_size", [[1, 1], [0, 1, 1], [1, 1, 4], [[1, 1, 1]]])
def test_impossible_cluster_sizes_are_refused(cluster_size):
    with pytest.raises(InputError, match="fit together"):
        OutOfFold.from_dict(VALUES | {"alike": cluster_size})


@pytest.mark.parametrize(
    "wrong",
    [
        {"true": [0.9, 0.9, 0.3]},  # a correct record has equal probabilities
        {"true": [1, 0.8, 0.3]},
        {"true": [0.9, 0.8, 0.75]},  # that of a wrong record is not the higher one
        {"known": [1, 1, 0]},  # that of an unknown class is 0
        {"known": [1, 1, 2]},
        {"correct": [True, True, False]},
        {"correct": [1, 1, 2]},
        {"top": ["0.9", "0.8", "0.7"]},
        {"top": [True, 0.8, 0.7]},
        {"gain": True},
        {"gain": "1"},
        {"top": [], "true": [], "correct": []},
        {"true": [0.9, 0.8]},
        {"top": [0.9, 0.8, 0.85], "true": [0.9, 0.8, 0.3]},  # not in descending order
    ],
)
def test_records_that_contradict_themselves_are_refused(wrong):
    assert OutOfFold.from_dict(VALUES).to_dict() == VALUES
    with pytest.raises(InputError, match="fit together"):
        OutOfFold.from_dict(VALUES | wrong)


def test_a_sample_of_very_many_records_is_kept():
    probabilities = np.random.default_rng(0).dirichlet([1, 1], 500)
    labels = np.zeros(500, dtype=int)
    out_of_fold = OutOfFold.of(Predictions.of(probabilities), labels, max_records=100)
    assert len(out_of_fold.top) == 100 and (np.diff(out_of_fold.top) <= 0).all()
    assert out_of_fold.top.min() < 0.6 and out_of_fold.top.max() > 0.9
    rows = np.arange(500, dtype=np.int32) // 5
    predictions = Predictions(probabilities, rows)
    out_of_fold = OutOfFold.of(predictions, labels, texts=rows, max_records=100)
    assert (out_of_fold.cluster_size == cluster_sizes(out_of_fold.top)).all()  # within the sample


def test_records_that_are_always_for_review_are_not_accepted():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    out_of_fold = OutOfFold.of(
        Predictions.of(probabilities),
        np.array([0, 0, 1, -1]),
        has_known_word=np.array([True, False, True, True]),
        codable=np.array([True, False]),
    )
    # In order: accepted; of an unknown class; no word is known; predicted as merged classes.
    assert out_of_fold.top.tolist() == [0.9, 0.6, 0.0, 0.0]
    assert out_of_fold.correct.tolist() == [True, False, True, False]
    assert out_of_fold.known.tolist() == [True, False, True, False]
    assert out_of_fold.true.tolist() == [0.9, 0.0, 1.0, 0.0]  # a set of every label holds it
    again = read_again(out_of_fold)
    assert again.to_dict() == out_of_fold.to_dict() and again.unknown_share == 0.5
    for wrong in (
        {"uncodable": 2.0},
        {"known": [1, 1, 1]},
        {"known": [0, 0, 0, 0]},
        {"gain": math.nan},
    ):
        with pytest.raises(InputError, match="fit together"):
            OutOfFold.from_dict(out_of_fold.to_dict() | wrong)
    many = OutOfFold.of(
        Predictions.of(probabilities[[0, 1] * 200]),
        np.zeros(400, int),
        has_known_word=np.array([True, False] * 200),
    )
    assert promise(many, 0.05).accepted == 200 and promise(many, 0.05).threshold == 0.9


def test_a_model_promises_something_only_if_it_gains_over_class_shares():
    generator, shares = np.random.default_rng(0), np.array([0.9, 0.1])
    labels = (generator.random(2000) < 0.1).astype(int)
    noise = np.clip(shares + generator.normal(0, 0.02, (2000, 1)) * [1, -1], 0.01, 0.99)
    learned = np.where(labels[:, None] == [0, 1], 0.97, 0.03)
    for probabilities, gained in ((noise, False), (learned, True)):
        out_of_fold = OutOfFold.of(Predictions.of(probabilities), labels, shares=shares)
        true = np.log(probabilities[np.arange(2000), labels]) - np.log(shares[labels])
        error = true.std(ddof=1) / np.sqrt(2000)
        assert out_of_fold.gain == pytest.approx(true.mean() - 1.645 * error)
        promised = promise(out_of_fold, 0.2)
        assert (out_of_fold.gain > 0) == promised.learned == bool(promised.accepted) == gained
    nothing = promise(OutOfFold.of(Predictions.of(noise), labels, shares=shares), 0.2)
    assert nothing.sentence().startswith(
        "No error is promised: on 2,000 left-out training records the"
    )


def test_the_gain_is_measured_with_the_weights_of_the_training():
    probabilities = np.array([[0.6, 0.4]] * 90 + [[0.4, 0.6]] * 10)
    labels, shares = np.repeat([0, 1], [90, 10]), np.array([0.5, 0.5])
    weights = np.repeat([50 / 90, 5.0], [90, 10])
    predictions = Predictions.of(probabilities)
    gain = OutOfFold.of(predictions, labels, shares=shares, weights=weights).gain
    assert gain == pytest.approx(np.log(1.2))  # every record has the same gain
