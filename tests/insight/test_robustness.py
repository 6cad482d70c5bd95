from difflib import SequenceMatcher

import numpy as np
import pytest

from textlstm import TextLSTMClassifier
from textlstm.insight.robustness import (
    CHANGES,
    PHRASE_ABBREVIATIONS,
    abbreviated,
    expanded,
    robustness,
    with_dropped_letters,
    with_shuffled_words,
    with_typo,
)

TEXT = "acute myocardial infarction mi <sep> hypertension htn i46.9"


def generator():
    return np.random.default_rng(0)


def test_a_typo_changes_one_long_word_slightly():
    source = generator()
    for _ in range(50):
        changed = with_typo(TEXT, source).split()
        pairs = [(a, b) for a, b in zip(TEXT.split(), changed, strict=True) if a != b]
        # None changes where two equal letters are swapped, or a letter is replaced by itself.
        assert len(pairs) <= 1
        for before, after in pairs:
            assert len(before) >= 4 and before[0] == after[0]
            assert abs(len(before) - len(after)) <= 1
            assert SequenceMatcher(None, before, after).ratio() >= 0.7
    assert with_typo("mi i46.9 <sep> c", source) == "mi i46.9 <sep> c"


def test_dropped_letters_leave_no_word_empty():
    changed = with_dropped_letters(" ".join([TEXT] * 40), generator())
    assert len(changed.split()) == 40 * len(TEXT.split()) and changed.count("<sep>") == 40
    assert len(changed) == pytest.approx(len(" ".join([TEXT] * 40)) * 0.92, rel=0.03)


def test_abbreviations_are_expanded_and_restored():
    written_out = expanded(TEXT, generator())
    assert written_out == (
        "acute myocardial infarction myocardial infarction <sep> hypertension hypertension i46.9"
    )
    assert abbreviated(written_out, generator()) == "acute mi mi <sep> htn htn i46.9"
    for short, phrase in PHRASE_ABBREVIATIONS.items():
        assert abbreviated(f"old {phrase}s {phrase}", generator()) == f"old {phrase}s {short}"
    assert len(set(PHRASE_ABBREVIATIONS.values())) == len(PHRASE_ABBREVIATIONS)


def test_abbreviations_of_the_users_table_are_not_measured():
    phrases = "myocardial infarction hypertension"
    assert abbreviated(phrases, generator(), excluded={"mi": "x"}) == "myocardial infarction htn"
    texts, labels = ["acute myocardial infarction", "copd"] * 9, ["heart", "lung"] * 9
    small = {
        "epochs": 1,
        "embedding_size": 4,
        "hidden_units": 4,
        "ensemble_size": 1,
        "linear_c": 0.0,
    }
    truth = np.array([0, 1] * 9)
    for own_table, measured in (None, True), ({"MI": "myocardial infarction"}, False):
        classifier = TextLSTMClassifier(**small, abbreviations=own_table).fit(texts * 2, labels * 2)
        results = robustness(classifier.bundle_, texts * 2, np.tile(truth, 2), seed=0)
        assert ("phrases abbreviated" in results) is measured


def test_words_are_shuffled_within_their_field():
    changed = {
        with_shuffled_words("a b c <sep> d e", source)
        for source in [generator()]
        for _ in range(200)
    }
    assert len(changed) == 12  # 3! orders of the first field, 2! of the second
    assert with_shuffled_words("a <sep>", generator()) == "a <sep>"


def test_the_accuracy_is_that_of_the_changed_records():
    texts = ["acute mi"] * 15 + ["copd"] * 15
    labels = ["heart"] * 15 + ["lung"] * 15
    bundle = (
        TextLSTMClassifier(epochs=3, embedding_size=8, hidden_units=8).fit(texts, labels).bundle_
    )
    truth = np.array([0] * 15 + [1] * 15)
    truth[0] = 1
    results = robustness(bundle, texts, truth, seed=0)
    assert (
        set(results) < set(CHANGES) and "phrases abbreviated" not in results
    )  # no text has such a phrase
    assert results["abbreviations written out"]["records"] == 30
    assert results["abbreviations written out"]["before"] == pytest.approx(29 / 30)
    changed = [expanded(text, generator()) for text in texts]
    after = (bundle.predict_proba(changed).argmax(1) == truth).mean()
    assert results["abbreviations written out"]["after"] == pytest.approx(after)
    assert results == robustness(bundle, texts, truth, seed=0)


def test_changes_of_few_records_are_left_out():
    texts, labels = ["acute mi", "copd"] * 9, ["heart", "lung"] * 9
    bundle = (
        TextLSTMClassifier(epochs=1, embedding_size=4, hidden_units=4).fit(texts, labels).bundle_
    )
    assert robustness(bundle, ["mi"] * 9 + ["of"], np.zeros(10, dtype=int), seed=0) == {}
