import numpy as np

from textlstm.classifier import TextLSTMClassifier
from textlstm.encoding.encoded import UNKNOWN
from textlstm.encoding.rare_words import hash_bucket
from textlstm.inference.scoring import Scores, rounded, score
from textlstm.uncertainty.predictions import Predictions

SCORES = Scores.of(
    np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]]), np.array([True, True, False])
)


def test_sure_and_readable_texts_are_accepted():
    assert SCORES.decisions() == ["accept", "review", "review"]
    assert SCORES.decisions(0.4) == ["accept", "accept", "review"]
    assert SCORES.decisions(0.71) == ["review"] * 3


def test_words_known_by_their_hash_alone_go_to_a_person():
    records = ["acute stroke", "fall down"] * 6 + ["quebrada"]
    small = {
        "embedding_size": 4,
        "hidden_units": 4,
        "epochs": 1,
        "max_ngrams": 0,
        "ensemble_size": 1,
    }
    classifier = TextLSTMClassifier(min_count=5, **small)
    bundle = classifier.fit(records, ["a", "b"] * 6 + ["a"]).bundle_
    never_seen = next(
        word
        for word in map("word{}".format, range(100_000))
        if hash_bucket(word) == hash_bucket("quebrada")
    )
    found = score(bundle, ["quebrada", never_seen, "acute quebrada", "nothing"])
    assert bundle.vocabulary.id_of("quebrada") == bundle.vocabulary.id_of(never_seen) > UNKNOWN
    # The model cannot tell one from the other, so neither is accepted, however sure it is.
    assert (found.probabilities[0] == found.probabilities[1]).all()
    assert found.decisions(0.0) == ["review", "review", "accept", "review"]


def test_ranks():
    assert SCORES.ranked(0).tolist() == [0, 2, 1]
    assert SCORES.ranked(1).tolist() == [1, 0, 0]


def test_of_equal_probabilities_the_first_class_ranks_higher():
    probabilities = np.random.default_rng(0).integers(0, 4, (200, 5)) / 10
    scores = Scores.of(probabilities, np.ones(200, dtype=bool))
    order = np.argsort(-probabilities, axis=1, kind="stable")
    for place in range(5):
        assert (scores.ranked(place) == order[:, place]).all()


def test_records_that_share_a_text_have_its_scores():
    rows = np.array([2, 0, 0, 1])
    predictions = Predictions(SCORES.predictions.probabilities, rows)
    scores = Scores(predictions, SCORES.has_known_word, np.array([True, False, True]))
    texts = Scores(SCORES.predictions, SCORES.has_known_word, scores.codable)
    assert (scores.probabilities == texts.probabilities[rows]).all()
    for rank in range(3):
        assert (scores.ranked(rank) == texts.ranked(rank)[rows]).all()
    assert (scores.confidence == texts.confidence[rows]).all()
    assert (scores.accepted(0.35) == texts.accepted(0.35)[rows]).all()
    assert (scores.sets(0.25) == texts.sets(0.25)[rows]).all()


def test_what_is_shown_is_what_is_decided_by():
    scores = Scores.of(np.array([[0.8844696, 0.1155304]]), np.array([True]))
    assert scores.accepted(0.88447).tolist() == [True]
    assert scores.accepted(np.inf).tolist() == [False]


def test_six_decimals():
    assert rounded(np.array([1 / 3])).tolist() == [0.333333]
