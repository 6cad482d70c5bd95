import pytest
import torch

from textlstm.encoding.corpus import Corpus
from textlstm.encoding.rare_words import hashed_ngrams
from textlstm.encoding.vocabulary import Vocabulary

WORDS = ("<pad>", "<unk>", "acute", "mi", "stroke")


NGRAMS = (*hashed_ngrams("xyz"), *hashed_ngrams("stroke"))


def corpus(texts, padding="right", subwords=()):
    vocabulary = Vocabulary(WORDS, 4, padding, subwords)
    return Corpus(vocabulary.encode(texts), vocabulary)


def test_a_batch_lists_each_word_once_and_gives_the_text_back():
    batch = corpus(["acute mi", "stroke", "mi mi mi"]).batch(torch.tensor([0, 2]))
    assert batch.words.tolist() == [0, 2, 3]
    assert batch.words[batch.ids][batch.inverse].tolist() == [[2, 3, 0], [3, 3, 3]]
    assert batch.lengths[batch.inverse].tolist() == [2, 3]


def test_left_padding_is_read_whole():
    batch = corpus(["mi"], padding="left").batch(torch.tensor([0]))
    assert batch.words[batch.ids].tolist() == [[0, 0, 0, 3]]
    assert batch.lengths.tolist() == [4]


def test_an_empty_text_has_one_step():
    assert corpus([""]).batch(torch.tensor([0])).lengths.tolist() == [1]


def test_subwords_follow_their_words_unknown_ones_too():
    batch = corpus(["stroke xyz"], subwords=NGRAMS).batch(torch.tensor([0]))
    assert batch.words.tolist() == [0, 4, 1]
    n_stroke, n_xyz = len(hashed_ngrams("stroke")), len(hashed_ngrams("xyz"))
    assert batch.offsets.tolist() == [0, 0, n_stroke]
    assert batch.subwords.tolist() == [*range(n_xyz, n_xyz + n_stroke), *range(n_xyz)]


def test_a_text_that_records_share_is_there_once():
    batch = corpus(["mi", "stroke", "mi", "mi"]).batch(torch.tensor([3, 1, 0]))
    assert batch.ids.shape == (2, 1)
    assert batch.words[batch.ids][batch.inverse].tolist() == [[3], [4], [3]]
    assert batch.counts[batch.ids][batch.inverse].tolist() == [[3], [1], [3]]


def test_selected_records_are_read_as_in_the_whole():
    whole = corpus(["acute mi", "xyz", "mi mi mi", "acute mi"], subwords=NGRAMS)
    part = whole.select(torch.tensor([3, 1]))
    assert len(part) == 2 and len(part.text_ids) == 2 and len(whole.text_ids) == 3
    alone, among = part.batch(torch.tensor([0, 1])), whole.batch(torch.tensor([3, 1]))
    for one, other in zip(alone[:-1], among[:-1], strict=True):
        assert one.equal(other)


def test_the_share_of_unknown_words_counts_records():
    assert corpus(["acute xyz", "acute xyz", "mi mi"]).unknown_share() == pytest.approx(2 / 6)
    assert corpus([""]).unknown_share() == 0.0
