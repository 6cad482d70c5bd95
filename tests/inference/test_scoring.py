import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from textlstm.classifier import TextLSTMClassifier
from textlstm.data.cells import TextChunk
from textlstm.data.distinct import Distinct
from textlstm.encoding.encoded import UNKNOWN
from textlstm.encoding.subwords import hash_bucket
from textlstm.errors import InputError
from textlstm.inference.bundle import Bundle
from textlstm.inference.drift import InputStatistics
from textlstm.inference.engines import local
from textlstm.inference.engines.local import predict_tables
from textlstm.inference.score_table import require_free_columns
from textlstm.inference.scoring import (  # fmt: skip
    ADDED_COLUMNS,
    DecisionRule,
    Scores,
    rounded,
    score,
)
from textlstm.models.ensemble import Ensemble
from textlstm.text.tokenizing import preprocess

SCORES = Scores(
    np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]]), np.array([True, True, False])
)
TABLE = pa.table({"id": [7, 8, 9], "text": ["a", "b", "c"]})


@pytest.fixture(scope="module")
def bundle(table):
    """Of a small network."""
    classifier = TextLSTMClassifier("okut-table2", epochs=1, hidden_units=4)
    return classifier.fit(table["cause"], table["category"]).bundle_


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
    scores = Scores(probabilities, np.ones(200, dtype=bool))
    order = np.argsort(-probabilities, axis=1, kind="stable")
    for place in range(5):
        assert (scores.ranked(place) == order[:, place]).all()


def coded(bundle, rule, *parts):
    """Code tables of some texts, and return each with a look at it."""
    numbered = [
        (number, TextChunk(table, Distinct(preprocess([(text,) for text in texts]), rows)))
        for number, (table, texts, rows) in enumerate(
            (table, texts, np.array(rows, dtype=np.int64)) for table, texts, rows in parts
        )
    ]
    found = list(predict_tables(numbered, bundle, rule, torch.device("cpu")))
    assert [number for number, _, _ in found] == list(range(len(parts)))
    return [(table, look) for _, table, look in found]


def test_the_table_keeps_its_columns_and_rows(bundle):
    table = pa.table({"id": [7, 8, 9, 10], "text": ["Fall", "", "Fall.", "xyzzy"]})
    [(found, look)] = coded(bundle, DecisionRule(0.0), (table, ["Fall", "", "xyzzy"], [0, 1, 0, 2]))
    probabilities = bundle.predict_proba(["fall", "", "xyzzy"])
    assert found.drop_columns(list(ADDED_COLUMNS)).equals(table)
    assert found.column_names[2:] == [
        "predicted_label", "probability", "second_label", "decision"
    ]  # fmt: skip
    order = np.argsort(-probabilities, axis=1)[[0, 1, 0, 2], 1]
    assert found["second_label"].to_pylist() == [bundle.labels[number] for number in order]
    for number, (place, label, probability) in enumerate(
        zip([0, 1, 0, 2], found["predicted_label"], found["probability"], strict=True)
    ):
        assert label.as_py() == bundle.labels[probabilities[place].argmax()], number
        assert probability.as_py() == round(probabilities[place].max(), 6)
    assert found["decision"].to_pylist() == ["accept", "review", "accept", "review"]
    best = probabilities.max(axis=1)
    assert look == InputStatistics(4, 1, 2, 3, 1, pytest.approx(2 * best[0] + best[2]))
    assert look.empty_share == 1 / 4 and look.unknown_share == 1 / 3
    assert look.mean_probability == pytest.approx((2 * best[0] + best[2]) / 3)


def test_of_one_class_there_is_no_second(bundle):
    alone = replace(
        bundle, labels=("heart",), network=Ensemble(bundle.recipe.network, bundle.vocabulary, 1)
    )
    [(found, _)] = coded(alone, DecisionRule(0.0), (TABLE, ["fall", "xyzzy"], [1, 0, 0]))
    assert found["predicted_label"].to_pylist() == ["heart"] * 3
    assert found["second_label"].to_pylist() == [None] * 3


def test_sets_are_added_where_they_are_asked_for(bundle):
    [(found, _)] = coded(bundle, DecisionRule(0.0, 0.99), (TABLE, ["fall", "xyzzy"], [1, 0, 0]))
    assert found.column_names[-1] == "prediction_set"
    unread, *read = [json.loads(cell) for cell in found["prediction_set"].to_pylist()]
    assert sorted(unread) == list(bundle.labels)  # nothing is known of it
    assert read == [[found["predicted_label"][1].as_py()]] * 2


@pytest.mark.parametrize(("most_known", "times"), [(0, 3), (2, 2), (1 << 17, 1)])
def test_a_record_is_coded_once_in_whatever_parts_it_stands(bundle, monkeypatch, most_known, times):
    texts = ["fall", "Fall.", "copd", "", "stroke", "xyzzy"]
    rows = [[0, 2, 3, 0], [1, 0, 0], [3, 2, 4, 5, 0]]
    whole = pa.table({"row": range(12)})
    together = (whole, texts, np.concatenate(rows))
    [(expected, looked)] = coded(bundle, DecisionRule(0.5, 0.9), together)
    scored = []

    def predict_proba(self, texts, device):
        scored.extend(texts)
        return of_all(self, texts, device)

    of_all = Bundle.predict_proba
    monkeypatch.setattr(Bundle, "predict_proba", predict_proba)
    monkeypatch.setattr(local, "CACHE_SIZE", most_known)
    parts, start = [], 0
    for mine in rows:
        records, places = np.unique(mine, return_inverse=True)
        own = [texts[record] for record in records]
        parts.append((whole.slice(start, len(mine)), own, places))
        start += len(mine)
    found = coded(bundle, DecisionRule(0.5, 0.9), *parts)
    assert pa.concat_tables([table for table, _ in found]).equals(expected)
    seen = sum((look for _, look in found), InputStatistics())
    assert seen == replace(looked, probability=pytest.approx(looked.probability))
    assert scored.count("fall") == times


def test_what_is_shown_is_what_is_decided_by():
    scores = Scores(np.array([[0.8844696, 0.1155304]]), np.array([True]))
    assert scores.accepted(0.88447).tolist() == [True]
    assert scores.accepted(np.inf).tolist() == [False]


def test_an_empty_table_stays_empty(bundle):
    [(found, look)] = coded(bundle, DecisionRule(0.5), (TABLE.slice(0, 0), [], []))
    assert len(found) == 0 and look == InputStatistics()
    assert look.empty_share == look.unknown_share == look.mean_probability == 0.0


def test_a_column_is_never_overwritten():
    table = TABLE.append_column("decision", pa.array(["x"] * 3))
    with pytest.raises(InputError, match="decision"):
        require_free_columns(table, DecisionRule().columns)


def test_six_decimals():
    assert rounded(np.array([1 / 3])).tolist() == [0.333333]


USUAL = {"share of unknown words": 0.01, "mean probability": 0.90}


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (InputStatistics(10_000, 0, 0, 100, 2, 8_800.0), 0),
        (InputStatistics(10_000, 0, 0, 100, 20, 8_800.0), 1),
        (InputStatistics(20_000, 10_000, 0, 100, 20, 6_000.0), 2),
        (InputStatistics(10_000, 0, 0, 100, 0, 9_900.0), 0),
        (InputStatistics(4, 0, 0, 100, 50, 1.6), 0),  # four records may look strange by chance
        (InputStatistics(9, 9, 9, 0, 0, 0.0), 0),
    ],
)
def test_records_unlike_those_of_the_training_are_noticed(found, reasons):
    assert len(found.drift_warnings(USUAL)) == reasons
