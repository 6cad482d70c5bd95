import numpy as np
import pytest

from textlstm.encoding.corpus import subword_table
from textlstm.encoding.encoded import PAD, UNKNOWN
from textlstm.encoding.rare_words import BUCKETS, hash_bucket, hashed_ngrams
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.recipe_sections import EncodingConfig

TEXTS = ["acute mi", "acute stroke", "stroke <sep> htn", "acute mi mi mi"]
WHOLE = EncodingConfig(min_count=1)


def test_ids_run_from_0_to_n_by_falling_number_of_records():
    vocabulary = Vocabulary.fit(TEXTS, WHOLE)
    assert vocabulary.words == ("<pad>", "<unk>", "acute", "mi", "stroke", "<sep>", "htn")
    assert list(vocabulary.index.values()) == list(range(7))


def test_rare_words_are_counted_by_records_and_left_out_before_numbering():
    vocabulary = Vocabulary.fit(TEXTS, EncodingConfig(min_count=2))
    assert vocabulary.words == (
        "<pad>",
        "<unk>",
        "acute",
        "mi",
        "stroke",
        "<sep>",
        hash_bucket("htn"),
    )
    assert vocabulary.known_words == ["acute", "mi", "stroke"]


def test_by_default_no_word_of_fewer_than_five_records_can_be_read_off():
    texts = ["fall <sep> of jane doe"] * 4 + ["fall <sep> of stairs"] * 5
    vocabulary = Vocabulary.fit(texts, EncodingConfig(max_ngrams=1000))
    assert vocabulary.known_words == ["fall", "of", "stairs"]
    hashes = {word for word in vocabulary.words if word.startswith("<")}
    assert hashes == {"<pad>", "<unk>", "<sep>", hash_bucket("jane"), hash_bucket("doe")}
    rare = {*hashed_ngrams("jane"), *hashed_ngrams("doe")}
    assert not rare & set(vocabulary.subwords) and set(hashed_ngrams("stairs")) <= set(
        vocabulary.subwords
    )


def test_a_rare_word_has_the_id_of_its_bucket_and_a_new_one_that_of_the_unknown_word():
    vocabulary = Vocabulary.fit(["fall"] * 5 + ["jane"], EncodingConfig())
    same = next(w for w in map(str, range(10 * BUCKETS)) if hash_bucket(w) == hash_bucket("jane"))
    ids = [vocabulary.id_of(word) for word in ("fall", "jane", same, "stairs")]
    assert ids == [2, 3, 3, UNKNOWN]
    assert [n.tolist() for n in vocabulary.count_words(["jane", "fall jane"])] == [[1, 2], [1, 1]]


def test_length_is_the_99th_percentile_or_as_given():
    texts = ["a"] * 990 + ["a b c d e f"] * 10
    assert Vocabulary.fit(texts, EncodingConfig()).length == 2
    assert Vocabulary.fit(texts, EncodingConfig(max_length=5)).length == 5


@pytest.mark.parametrize(
    ("padding", "rows"), [("left", [[0, 0, 2], [2, 3, 2]]), ("right", [[2, 0, 0], [2, 3, 2]])]
)
def test_padding_and_truncation(padding, rows):
    vocabulary = Vocabulary(("<pad>", "<unk>", "a", "b"), 3, padding)
    texts = vocabulary.encode(["a", "a b a b"])
    assert texts.vocabulary_ids().tolist() == rows


def test_the_beginning_of_a_long_text_may_be_cut_off():
    config = EncodingConfig(max_length=2, min_count=1, truncation="left")
    vocabulary = Vocabulary.fit(["a b c"], config)
    words = np.array(vocabulary.words)[vocabulary.encode(["a b c", "a"]).vocabulary_ids()]
    assert words.tolist() == [["b", "c"], ["a", "<pad>"]]
    assert vocabulary.fill_unread(np.array([1.0, 2.0]), 3, 0.0).tolist() == [0.0, 1.0, 2.0]
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary


def test_beginnings_are_cut_off_of_one_field_only():
    with pytest.raises(InputError, match="--truncation left is for one text column"):
        Vocabulary.fit(["a <sep> b"], EncodingConfig(truncation="left"))


def test_a_vocabulary_of_an_older_bundle_cuts_the_end_off():
    values = Vocabulary.fit(["a b"], EncodingConfig(min_count=1)).to_dict()
    del values["truncation"]
    assert Vocabulary.from_dict(values).truncation == "right"


@pytest.mark.parametrize(("percentile", "length"), [(0, 1), (50, 2), (100, 9)])
def test_length_is_the_percentile_that_is_asked_for(percentile, length):
    texts = ["a", "a b", "a b c d e f g h i"]
    config = EncodingConfig(length_percentile=percentile, min_count=1)
    assert Vocabulary.fit(texts, config).length == length


def test_an_encoding_survives_json():
    vocabulary = Vocabulary.fit(TEXTS, EncodingConfig(max_ngrams=8, min_count=2))
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary


def test_a_vocabulary_without_its_reserved_words_is_refused():
    with pytest.raises(InputError):
        Vocabulary(("a", "b"), 2, "right")
    assert (PAD, UNKNOWN) == (0, 1)


def test_subwords_are_those_of_the_bracketed_word():
    vocabulary = Vocabulary.fit(["mi a <sep> mi"], EncodingConfig(max_ngrams=100, min_count=1))
    # <mi> has <mi, mi>, <mi>; <a> has itself; padding, the unknown word, the separator none.
    assert vocabulary.words[2:] == ("<sep>", "a", "mi")
    numbers, offsets = subword_table(vocabulary, ["mia", "zzz"])
    assert np.diff(offsets).tolist() == [0, 0, 0, 1, 3, 1, 0]
    assert [vocabulary.subwords[n] for n in numbers[1:4]] == hashed_ngrams("mi")


def test_the_most_frequent_subwords_are_kept():
    vocabulary = Vocabulary.fit(["mi a", "mi"], EncodingConfig(max_ngrams=3, min_count=1))
    assert set(vocabulary.subwords) == set(hashed_ngrams("mi"))
    assert Vocabulary.fit(["mi"], EncodingConfig()).subwords == ()


@pytest.mark.parametrize("config", [WHOLE, EncodingConfig(min_count=3, max_ngrams=40)])
def test_a_text_with_a_count_is_so_many_texts(config):
    counts = np.array([3, 1, 40, 2])
    repeated = [text for text, n in zip(TEXTS, counts, strict=True) for _ in range(n)]
    assert Vocabulary.fit(TEXTS, config, counts) == Vocabulary.fit(repeated, config)
