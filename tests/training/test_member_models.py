"""Out-of-fold predictions: of each fold, by the member that was not trained on it."""

import numpy as np
import torch

from textlstm.encoding.vocabulary import Vocabulary
from textlstm.recipe import Recipe
from textlstm.training.folds import as_examples, assign_folds
from textlstm.training.out_of_fold import (
    OutOfFoldPredictions,
    out_of_fold_outputs,
    out_of_fold_targets,
)
from textlstm.uncertainty.predictions import Predictions

CPU = torch.device("cpu")


def examples_of(texts, n_validation, split="stratified"):
    vocabulary = Vocabulary.fit(texts, Recipe().encoding)
    labels = np.arange(len(texts)) % 2
    validation = np.arange(len(texts)) >= len(texts) - n_validation
    return as_examples(vocabulary.encode(texts), labels, vocabulary, validation, split=split)


def test_each_fold_is_predicted_by_its_member_once_a_text():
    examples = assign_folds(examples_of(["a", "b c", "d"] * 20, 6), n_members=2, seed=0)
    truth = out_of_fold_targets(examples, 2)
    records = torch.cat([examples.validation_rows(0), examples.validation_rows(1)])
    assert truth.targets.tolist() == examples.targets[records].tolist()
    assert truth.weights.tolist() == [1.0] * 12

    def first_words(batch, member):
        return member * 100.0 + batch.words[batch.ids[:, :1]].expand(-1, 3)

    members = [lambda batch, member=member: first_words(batch, member) for member in (1, 2)]
    outputs = out_of_fold_outputs(members, examples, CPU)
    assert len(outputs) == 6  # three texts for each member, however many records have them
    corpus = examples.corpus
    words = corpus.words[corpus.text_ids[corpus.inverse[records], 0]].tolist()
    offsets = [100.0] * 6 + [200.0] * 6
    expected = [offset + word for offset, word in zip(offsets, words, strict=True)]
    assert outputs[truth.rows, 0].tolist() == expected


def collected(split):
    examples = assign_folds(examples_of(["a", "b c", "d"] * 20, 6, split), n_members=2, seed=0)
    truth = out_of_fold_targets(examples, 2)
    probabilities = np.tile([0.7, 0.3], (1 + truth.rows.max(), 1))
    predictions = Predictions(probabilities, truth.rows)
    return examples, OutOfFoldPredictions.of(examples, 2, truth, predictions)


def test_after_a_temporal_split_only_the_validation_part_is_evaluated():
    for split, n_records in (("stratified", 12), ("temporal", 6)):
        examples, records = collected(split)
        assert len(records.labels) == len(records.predictions) == n_records
        first = examples.validation_rows(0)
        assert records.text_ids[:6].tolist() == examples.corpus.inverse[first].tolist()
        assert len(records.has_known_word) == len(records.predictions.probabilities)


def test_records_of_rare_classes_are_appended_with_no_label_and_texts_of_their_own():
    _, records = collected("stratified")
    rare = np.array([[0.6, 0.4], [0.1, 0.9], [0.6, 0.4]])
    both = records.with_rare_classes(rare, np.array([True, False, True]), np.array([0, 1, 0]), (1,))
    assert both.labels[12:].tolist() == [-1] * 3 and set(both.labels) == {0, -1}
    assert (both.predictions.probabilities[both.predictions.rows[12:]] == rare).all()
    assert not set(both.text_ids[12:]) & set(records.text_ids)
    assert both.text_ids[12] == both.text_ids[14] != both.text_ids[13]
    assert both.has_known_word[both.predictions.rows[12:]].tolist() == [True, False, True]
    assert both.weights.tolist() == [1.0] * 15
