"""Records and folds: each member's validation fold, sampling, arrays larger than memory."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
import torch

from textlstm.encoding.encoded import EncodedTexts, read_encoded, write_encoded
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.recipe import Recipe
from textlstm.storage import arrays
from textlstm.training.folds import as_examples, assign_folds, subsample


def examples_of(texts, n_validation, split="stratified"):
    """Examples with two labels by turns, of which the last records are the validation part."""
    vocabulary = Vocabulary.fit(texts, Recipe().encoding)
    labels = np.arange(len(texts)) % 2
    validation = np.arange(len(texts)) >= len(texts) - n_validation
    return as_examples(vocabulary.encode(texts), labels, vocabulary, validation, split=split)


def test_each_member_has_a_validation_fold_of_its_own():
    examples = assign_folds(examples_of(["a", "b"] * 50, 10), n_members=4, seed=0)
    folds = [set(examples.validation_rows(member).tolist()) for member in range(4)]
    assert folds[0] == set(range(90, 100))
    assert [len(fold) for fold in folds] == [10] * 4
    assert len(set.union(*folds)) == 40
    for member, fold in enumerate(folds):
        assert set(examples.training_rows(member).tolist()) == set(range(100)) - fold
    again = assign_folds(examples_of(["a", "b"] * 50, 10), n_members=4, seed=0)
    assert again.folds.equal(examples.folds)
    assert examples.targets[examples.validation_rows(1)].float().mean() == 0.5


def test_folds_keep_equal_texts_together_if_the_validation_part_does():
    texts = [f"w{number // 4}" for number in range(80)]
    examples = assign_folds(examples_of(texts, 8, "grouped"), n_members=3, seed=1)
    for member in range(3):
        validation, training = examples.validation_rows(member), examples.training_rows(member)
        text_ids = examples.corpus.inverse
        assert not set(text_ids[validation].tolist()) & set(text_ids[training].tolist())
        assert len(validation)


@pytest.mark.parametrize("texts", [["a", "b"] * 3, list("abcdef"), ["a", "a", "b", "b", "c", "d"]])
def test_members_share_folds_where_records_are_few(texts):
    examples = assign_folds(examples_of(texts, 2), n_members=9, seed=0)
    for member in range(9):
        assert len(examples.validation_rows(member)) and len(examples.training_rows(member))
    assert examples.validation_rows(int(examples.folds.max()) + 1).equal(
        examples.validation_rows(0)
    )


@pytest.mark.parametrize("split", ["stratified", "grouped"])
def test_folds_are_limited_and_drawn_from_a_sample_of_very_many_records(split):
    texts = [f"w{number // 4}" for number in range(120)]
    examples = dataclasses.replace(examples_of(texts, 24, split), max_fold_records=6)
    examples = assign_folds(examples, n_members=3, seed=1, max_assigned=60)
    text_ids = examples.corpus.inverse
    for member in range(3):
        validation, training = examples.validation_rows(member), examples.training_rows(member)
        assert 0 < len(validation) <= 6 and (examples.folds[validation] == member).all()
        assert not set(validation.tolist()) & set(training.tolist())
        if split == "grouped":
            assert not set(text_ids[validation].tolist()) & set(text_ids[training].tolist())
    assert (examples.folds == 0).sum() == 24  # not trained on, though few of these validate
    assert validation.equal(examples.validation_rows(2))


def test_sampled_records_keep_their_columns():
    examples = assign_folds(examples_of(["a", "b c", "d", "c"] * 20, 20), n_members=2, seed=0)
    sample = examples.sample(10, seed=0)
    assert len(sample.targets) == len(sample.corpus.inverse) == 10
    rows = torch.from_numpy(subsample(80, 10, seed=0))
    read, whole = sample.corpus, examples.corpus
    assert read.text_ids[read.inverse].equal(whole.text_ids[whole.inverse[rows]])
    assert sample.targets.equal(examples.targets[rows])
    assert sample.folds.equal(examples.folds[rows])
    every = examples.sample(80, seed=0)
    assert every.corpus.text_ids.equal(whole.text_ids) and every.corpus.inverse.equal(whole.inverse)


def test_encoded_records_may_be_larger_than_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "MEMMAP_FROM", 1 << 16)
    monkeypatch.setattr(arrays, "BLOCK_ROWS", 1 << 8)
    words = ("<pad>", "<unk>", *(f"w{number}" for number in range(50)))
    vocabulary, n = Vocabulary(words, 100, "right"), 20_000
    ids = np.random.default_rng(0).integers(2, 52, (n, 100), dtype=np.int32)
    texts = EncodedTexts(ids, np.arange(n, dtype=np.int32), (), len(words))
    path = tmp_path / "part.arrow"
    write_encoded(path, texts, np.arange(n) % 2)
    tracemalloc.start()
    read, labels = read_encoded(path)
    validation = np.arange(n) >= n - 100
    examples = as_examples(read, labels, vocabulary, validation)
    examples = assign_folds(examples, n_members=1, seed=0)
    training = examples.training_rows(0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(training) == n - 100 and len(examples.corpus.text_ids) == n
    assert peak < path.stat().st_size / 4


def test_a_record_takes_fourteen_bytes_and_a_repeated_text_none():
    examples = assign_folds(examples_of(["a", "b c"] * 50, 10), n_members=2, seed=0)
    columns = (examples.corpus.inverse, examples.targets, examples.weights, examples.folds)
    assert [len(column) for column in columns] == [100] * 4
    assert sum(column.element_size() for column in columns) == 14
    tensors = [value for value in vars(examples.corpus).values() if torch.is_tensor(value)]
    assert [len(t) for t in tensors].count(100) == 1 and len(examples.corpus.text_ids) == 2
