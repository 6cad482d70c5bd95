import json
from copy import deepcopy

import numpy as np
import pytest
from sklearn.base import clone

from textlstm import TextLSTMClassifier
from textlstm.encoding.abbreviation_table import checked_abbreviations, read_abbreviations
from textlstm.encoding.abbreviations import Abbreviations
from textlstm.encoding.phrases import common_phrases
from textlstm.encoding.vocabulary import Vocabulary
from textlstm.errors import InputError
from textlstm.insight.activations import neighbours
from textlstm.insight.attributions import attributions
from textlstm.insight.class_words import top_words
from textlstm.insight.token_table import token_table
from textlstm.recipe_sections import EncodingConfig

TEXTS = [
    "gunshot wound of head", "gunshot wounds of chest", "shotgun wound", "congestive heart failure",
    "acute heart failure", "shortness of breath", "hypertensive cardiovascular disease",
    "vascular disease", "coronary artery disease", "cocaine fentanyl", "cocaine", "fentanyl",
    "blunt force injury", "barbiturate fire injury",
]  # fmt: skip
COUNTS = np.array([40, 25, 10, 30, 10, 12, 20, 10, 14, 11, 90, 90, 13, 11])
CONFIG = EncodingConfig(initials=True)


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.fit(TEXTS, CONFIG, COUNTS)


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("gsw", "gunshot wound"),  # a word of two, and two forms of one phrase
        ("chf", "congestive heart failure"),
        ("hcvd", "hypertensive cardiovascular disease"),
        ("cad", "coronary artery disease"),
        ("sob", "shortness of breath"),
        ("hf", None),  # two letters say too little
        ("cvd", "cardiovascular disease"),
        ("hcv", None),  # "hypertensive cardiovascular" goes on
        ("bfi", None),  # it could stand for either
        ("chh", None),
        ("wsg", None),
        ("zebra", None),
    ],
)
def test_initials_of_one_phrase_are_read_as_it(vocabulary, word, meaning):
    assert vocabulary.abbreviations.meaning(word) == meaning
    assert vocabulary.expand_abbreviations(f"old {word} <sep> {word}") == (
        f"old {meaning or word} <sep> {meaning or word}"
    )


def test_what_meets_by_chance_is_no_phrase(vocabulary):
    assert "cocaine fentanyl" not in vocabulary.abbreviations.phrases
    assert "artery disease" in " ".join(vocabulary.abbreviations.phrases)


def test_function_words_are_no_abbreviations():
    texts = ["diabetes underlying embolism"] * 10
    assert Vocabulary.fit(texts, CONFIG).expand_abbreviations("fall due to") == "fall due to"


def test_texts_of_known_words_are_encoded_as_without_abbreviations(vocabulary):
    plain = Vocabulary.fit(TEXTS, EncodingConfig(), COUNTS)
    assert plain.words == vocabulary.words and not plain.abbreviations
    for found, without in zip(vocabulary.count_words(TEXTS), plain.count_words(TEXTS), strict=True):
        assert (found == without).all()
    assert (vocabulary.encode(TEXTS).vocabulary_ids() == plain.encode(TEXTS).vocabulary_ids()).all()
    # A word of the vocabulary is never written out, though its letters be those of a phrase.
    known = Vocabulary.fit([*TEXTS, "gsw"], CONFIG, np.append(COUNTS, 5))
    assert known.expand_abbreviations("gsw") == "gsw"
    assert known.abbreviations.meaning("gsw") == "gunshot wound"


def test_an_abbreviation_is_encoded_and_counted_as_its_words(vocabulary):
    texts, abbreviated = ["gunshot wound of head", "x"], ["gsw of head", "x"]
    same = vocabulary.encode(texts), vocabulary.encode(abbreviated)
    assert (same[0].ids == same[1].ids).all() and same[0].unknown == same[1].unknown
    assert [one.tolist() for one in vocabulary.count_words(abbreviated)] == [[4, 1], [0, 1]]
    assert vocabulary.expanded_words("gsw of head") == ["gunshot wound", "of", "head"]


def test_no_phrase_of_fewer_than_ten_records_is_kept_and_no_number_to_the_last_digit():
    for n, kept in ((9, {}), (10, {"gun shot": 10}), (19, {"gun shot": 10})):
        assert common_phrases(["gun shot"], np.array([n]), {"gun": n, "shot": n}, 5) == kept
    assert common_phrases(["gun shot"], np.array([19]), {"gun": 19, "shot": 19}, 20) == {}
    # Words that are not in the vocabulary stand in no phrase.
    assert common_phrases(["gun miller"] * 2, np.array([9, 9]), {"gun": 18}, 5) == {}


def test_a_table_is_read_as_texts_are(tmp_path):
    path = tmp_path / "short.csv"
    path.write_text("meaning,abbreviation,by\nAlcohol,EtOH,x\n,,\nESRD with  Dialysis,HDESRD,\n"
                    "end-stage renal disease,ESRD.,\nalcohol,etoh,\n")  # fmt: skip
    given = read_abbreviations(str(path))
    assert given == {
        "etoh": "alcohol",
        "hdesrd": "end stage renal disease with dialysis",
        "esrd": "end stage renal disease",
    }
    vocabulary = Vocabulary.fit(TEXTS, EncodingConfig(), COUNTS, given)
    assert vocabulary.expand_abbreviations("etoh hdesrd head") == (
        "alcohol end stage renal disease with dialysis head"
    )
    again = Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict())))
    assert again == vocabulary
    assert again.expand_abbreviations(
        again.expand_abbreviations("etoh hdesrd")
    ) == again.expand_abbreviations("etoh hdesrd")


def test_a_table_wins_over_initials():
    vocabulary = Vocabulary.fit(TEXTS, CONFIG, COUNTS, {"gsw": "good sound word"})
    assert vocabulary.expand_abbreviations("gsw chf") == "good sound word congestive heart failure"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a b", "x"), ("c", "")], "rows 2, 3: not one word and its meaning"),
        ([("a", "x"), ("A", "y")], "row 3: another meaning"),
        ([("...", "x")], "row 2: not one word"),
        ([("<sep>x y", "x")], "row 2: not one word"),
        ([("a", "x " * 21)], "row 2: not one word and its meaning"),
        ([("a", "b c"), ("b", "a")], "stand for each other"),
        ([("a", "a")], "stand for each other"),
        ([("a", "b " * 20), ("b", "c c")], "too many words"),
        ([("a b", "x")] * 9, "rows 2, 3, 4, 5, 6 and 4 more"),
    ],
)
def test_wrong_rows_of_a_table_are_named(rows, message):
    with pytest.raises(InputError, match=message) as caught:
        checked_abbreviations(rows, "t.csv")
    assert str(caught.value).startswith("t.csv: ")


@pytest.mark.parametrize(
    "values",
    [
        {"given": {"a b": "x"}, "phrases": {}},
        {"given": {"a": "b", "b": "c"}, "phrases": {}},
        {"given": {"a": "<sep>"}, "phrases": {}},
        {"given": {"a": "x " * 21}, "phrases": {}},
        {"given": {"a": 1}, "phrases": {}},
        {"given": {"a": "\ud800"}, "phrases": {}},
        {"given": [], "phrases": {"gunshot wound": "40"}},
        {"given": {}, "phrases": {"gunshot": 40}},
        {"given": {}, "phrases": {"gunshot nonsense": 40}},
        {"given": {}, "phrases": {"<unk> wound": 40}},
        {"phrases": {}},
    ],
)
def test_abbreviations_of_a_strange_bundle_are_refused(vocabulary, values):
    with pytest.raises((InputError, TypeError, ValueError, KeyError, AttributeError)):
        Vocabulary.from_dict({**vocabulary.to_dict(), "abbreviations": values})


def test_the_parts_of_a_strange_bundle_take_no_time():
    word = "+".join("abcdefghijklmnopqrstuvwxyz" * 15)
    assert Abbreviations({}, {f"{word} {word}": 10}).meaning("abc") is None


LEARNED = ["gunshot wound of head", "stroke", "asthma"] * 15, ["ext", "circ", "resp"] * 15
SMALL = {"epochs": 1, "embedding_size": 4, "hidden_units": 4, "ensemble_size": 1, "linear_c": 0.0,
         "embedding_init": "narrow-normal", "min_steps": 0}  # fmt: skip


def test_the_estimator_writes_them_out(tmp_path):
    classifier = TextLSTMClassifier(**SMALL, abbreviations={"CVA": "Stroke"})
    assert clone(classifier).get_params()["abbreviations"] == {"CVA": "Stroke"}
    classifier.fit(*LEARNED).save(tmp_path)
    loaded = TextLSTMClassifier.load(tmp_path)
    assert loaded.abbreviations == {"cva": "stroke"}
    for known in (classifier, deepcopy(classifier), loaded):
        found = known.predict_proba(["GSW of head", "gunshot wound of head", "cva", "stroke"])
        assert (found[0] == found[1]).all() and (found[2] == found[3]).all()
    without = TextLSTMClassifier(**SMALL, initials=False).fit(*LEARNED)
    found = without.predict_proba(["GSW of head", "gunshot wound of head"])
    assert (found[0] != found[1]).any()
    for wrong in ("cva", [("cva", "stroke")], {"cva": ""}):
        with pytest.raises(InputError, match="abbreviations"):
            clone(classifier).set_params(abbreviations=wrong).fit(*LEARNED)


def test_an_explanation_gives_an_abbreviation_the_sum_of_its_words():
    for padding in ("left", "right"):
        bundle = TextLSTMClassifier(**SMALL, padding=padding, max_length=3).fit(*LEARNED).bundle_
        short, long = attributions(bundle, ["of gsw of", "of gunshot wound of"], [1, 1])
        assert len(short) == 3 and len(long) == 4 and long[3] == short[2] == 0
        np.testing.assert_allclose(short[:2], [long[0], long[1] + long[2]])
        table = token_table(bundle, ["of gsw of", "of gunshot wound of"])
        assert table["read_as"].tolist() == ["", "gunshot wound", *[""] * 5]
        gates = table["forward_forget_gate"]
        np.testing.assert_allclose(gates[:2], [gates[3], gates[4:6].mean()])
        assert np.isnan(gates[2]) and np.isnan(gates[6])
        decided = top_words(bundle, ["gsw"] * 3, [0, 1, 2])
        assert {word for words in decided for word, _ in words} == {"gsw"}
        assert len(neighbours(bundle, ["gsw", "stroke"])) == 2
