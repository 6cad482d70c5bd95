import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from textlstm.classifier import TextLSTMClassifier
from textlstm.data.distinct import Distinct
from textlstm.data.inputs import Input
from textlstm.inference.bundle import Bundle
from textlstm.inference.drift import InputStatistics
from textlstm.inference.engines.chunks import InputChunk
from textlstm.inference.engines.local import predict_tables
from textlstm.inference.rules import ADDED_COLUMNS, DecisionRule
from textlstm.models import logits
from textlstm.models.ensemble import Ensemble
from textlstm.tasks import SingleLabel
from textlstm.text.tokenizing import preprocess

TABLE = pa.table({"id": [7, 8, 9], "text": ["a", "b", "c"]})
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def bundle(table):
    """The bundle of a small network."""
    classifier = TextLSTMClassifier("okut-table2", epochs=1, hidden_units=4)
    return classifier.fit(table["cause"], table["category"]).bundle_


def scored(bundle, rule, *chunks, cache_size=1 << 17):
    """Score (table, distinct texts, inverse) chunks; return each table and its statistics."""
    numbered = [
        (
            number,
            InputChunk(
                table,
                Distinct(
                    preprocess([(text,) for text in texts]), np.array(inverse, dtype=np.int64)
                ),
            ),
        )
        for number, (table, texts, inverse) in enumerate(chunks)
    ]
    results = list(predict_tables(numbered, bundle, rule, CPU, cache_size))
    assert [chunk.number for chunk in results] == list(range(len(chunks)))
    return [(chunk.table, chunk.statistics) for chunk in results]


def test_the_table_keeps_its_columns_and_rows(bundle):
    table = pa.table({"id": [7, 8, 9, 10], "text": ["Fall", "", "Fall.", "xyzzy"]})
    inverse = [0, 1, 0, 2]
    chunk = table, ["Fall", "", "xyzzy"], inverse
    [(result, statistics)] = scored(bundle, DecisionRule(0.0), chunk)
    probabilities = bundle.predict_proba(["fall", "", "xyzzy"])
    assert result.drop_columns(list(ADDED_COLUMNS)).equals(table)
    assert result.column_names[2:] == [
        "predicted_label", "probability", "second_label", "decision"
    ]  # fmt: skip
    seconds = np.argsort(-probabilities, axis=1)[inverse, 1]
    assert result["second_label"].to_pylist() == [bundle.labels[number] for number in seconds]
    for row, (text, label, probability) in enumerate(
        zip(inverse, result["predicted_label"], result["probability"], strict=True)
    ):
        assert label.as_py() == bundle.labels[probabilities[text].argmax()], row
        assert probability.as_py() == round(probabilities[text].max(), 6)
    assert result["decision"].to_pylist() == ["accept", "review", "accept", "review"]
    best = probabilities.max(axis=1)
    assert statistics == InputStatistics(4, 1, 2, 3, 1, pytest.approx(2 * best[0] + best[2]))
    assert statistics.empty_share == 1 / 4 and statistics.unknown_share == 1 / 3
    assert statistics.mean_probability == pytest.approx((2 * best[0] + best[2]) / 3)


def test_a_model_of_one_class_gives_no_second_label(bundle):
    alone = replace(
        bundle,
        task=SingleLabel(("heart",)),
        network=Ensemble(bundle.recipe.network, bundle.vocabulary, 1),
    )
    [(result, _)] = scored(alone, DecisionRule(0.0), (TABLE, ["fall", "xyzzy"], [1, 0, 0]))
    assert result["predicted_label"].to_pylist() == ["heart"] * 3
    assert result["second_label"].to_pylist() == [None] * 3


def test_prediction_sets_are_added_where_asked_for(bundle):
    [(result, _)] = scored(bundle, DecisionRule(0.0, 0.99), (TABLE, ["fall", "xyzzy"], [1, 0, 0]))
    assert result.column_names[-1] == "prediction_set"
    unread, *read = [json.loads(cell) for cell in result["prediction_set"].to_pylist()]
    assert sorted(unread) == list(bundle.labels)  # nothing is known of it
    assert read == [[result["predicted_label"][1].as_py()]] * 2


@pytest.mark.parametrize(("cache_size", "times"), [(0, 3), (2, 2), (1 << 17, 1)])
def test_a_distinct_text_is_scored_once_for_all_chunks(bundle, monkeypatch, cache_size, times):
    texts = ["fall", "Fall.", "copd", "", "stroke", "xyzzy"]
    rows = [[0, 2, 3, 0], [1, 0, 0], [3, 2, 4, 5, 0]]
    table = pa.table({"row": range(12)})
    rule = DecisionRule(0.5, 0.9)
    [(expected, of_table)] = scored(bundle, rule, (table, texts, np.concatenate(rows)))
    predicted = []
    predict = Bundle.predict

    def recorded(self, inputs, *arguments):
        predicted.extend(inputs.values)
        return predict(self, inputs, *arguments)

    monkeypatch.setattr(Bundle, "predict", recorded)
    chunks, start = [], 0
    for of_chunk in rows:
        distinct, inverse = np.unique(of_chunk, return_inverse=True)
        chunk = table.slice(start, len(of_chunk))
        chunks.append((chunk, [texts[text] for text in distinct], inverse))
        start += len(of_chunk)
    results = scored(bundle, rule, *chunks, cache_size=cache_size)
    assert pa.concat_tables([result for result, _ in results]).equals(expected)
    statistics = sum((of_chunk for _, of_chunk in results), InputStatistics())
    assert statistics == replace(of_table, probability=pytest.approx(of_table.probability))
    assert predicted.count(Input("fall")) == times


def test_an_empty_table_stays_empty(bundle):
    [(result, statistics)] = scored(bundle, DecisionRule(0.5), (TABLE.slice(0, 0), [], []))
    assert len(result) == 0 and statistics == InputStatistics()
    assert statistics.empty_share == statistics.unknown_share == statistics.mean_probability == 0.0


def test_all_chunks_share_one_pool_of_batch_threads(bundle, monkeypatch):
    pools, thread_pool = [], logits.thread_pool

    def recorded(workers, *arguments, **options):
        pools.append(workers)
        return thread_pool(workers, *arguments, **options)

    monkeypatch.setattr(logits, "thread_pool", recorded)
    chunks = [(TABLE, [f"fall {number}", "stroke"], [0, 1, 0]) for number in range(20)]
    scored(bundle, DecisionRule(), *chunks)
    assert len(pools) == 1
