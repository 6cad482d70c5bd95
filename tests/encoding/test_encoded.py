"""Encoded texts, in memory and in files."""

import numpy as np

from textlstm.encoding.encoded import read_encoded, write_encoded
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.recipe_sections import EncodingConfig


def test_unknown_words_share_an_id_and_stay_apart_as_forms():
    vocabulary = Vocabulary(("<pad>", "<unk>", "a"), 4, "right")
    texts = vocabulary.encode(["x a y", "y x x", ""])
    assert texts.vocabulary_ids().tolist() == [[1, 2, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]]
    assert texts.ids.tolist() == [[3, 2, 4, 0], [4, 3, 3, 0], [0, 0, 0, 0]]
    assert texts.unknown == ("x", "y")


def test_encoded_texts_survive_the_disk(tmp_path):
    vocabulary = Vocabulary(("<pad>", "<unk>", "a"), 2, "left")
    texts, labels = vocabulary.encode(["x a y", "y", ""]), np.array([0, -1, 2])
    texts = texts[[0, 1, 1, 2]]
    labels = labels[[0, 1, 1, 2]]
    write_encoded(tmp_path / "part.arrow", texts, labels)
    read, numbers = read_encoded(tmp_path / "part.arrow")
    assert numbers.tolist() == [0, -1, -1, 2]
    assert (read.ids == texts.ids).all() and (read.inverse == texts.inverse).all()
    assert read.unknown == texts.unknown


def test_repeats_are_encoded_once():
    texts = Vocabulary(("<pad>", "<unk>", "a"), 2, "right").encode(["a", "a x", "a", "a x"])
    assert len(texts) == 4 and texts.ids.tolist() == [[2, 0], [2, 3]]
    assert texts.vocabulary_ids().tolist() == [[2, 0], [2, 1], [2, 0], [2, 1]]


def test_no_texts_survive_the_disk(tmp_path):
    texts = Vocabulary(("<pad>", "<unk>"), 2, "right").encode([])
    write_encoded(tmp_path / "part.arrow", texts, np.array([], dtype=np.int64))
    assert len(read_encoded(tmp_path / "part.arrow")[0]) == 0


def test_several_files_are_read_as_one(tmp_path):
    vocabulary = Vocabulary.fit(["acute mi", "stroke"], EncodingConfig(max_length=3))
    parts = [["acute xyz", "mi"], ["stroke abc", "xyz abc"]]
    for number, texts in enumerate(parts):
        write_encoded(
            tmp_path / f"{number}.arrow", vocabulary.encode(texts), np.array([number] * 2)
        )
    read, labels = read_encoded(tmp_path / "0.arrow", tmp_path / "1.arrow")
    whole = vocabulary.encode(parts[0] + parts[1])
    np.testing.assert_array_equal(read.vocabulary_ids(), whole.vocabulary_ids())
    np.testing.assert_array_equal(read.ids[read.inverse], whole.ids[whole.inverse])
    assert read.unknown == whole.unknown and labels.tolist() == [0, 0, 1, 1]
