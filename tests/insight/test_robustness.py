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


def chance():
    return np.random.default_rng(0)


def test_a_typo_changes_one_long_word_a_little():
    source = chance()
    for _ in range(50):
        changed = with_typo(TEXT, source).split()
        pairs = [(a, b) for a, b in zip(TEXT.split(), changed, strict=True) if a != b]
        assert (
            len(pairs) <= 1
        )  # two equal letters may be swapped, or a letter be replaced by itself
        for before, after in pairs:
            assert len(before) >= 4 and before[0] == after[0]
            assert abs(len(before) - len(after)) <= 1
            assert SequenceMatcher(None, before, after).ratio() >= 0.7
    assert with_typo("mi i46.9 <sep> c", source) == "mi i46.9 <sep> c"


def test_letters_are_dropped_but_no_word_is_lost():
    changed = with_dropped_letters(" ".join([TEXT] * 40), chance())
    assert len(changed.split()) == 40 * len(TEXT.split()) and changed.count("<sep>") == 40
    assert len(changed) == pytest.approx(len(" ".join([TEXT] * 40)) * 0.92, rel=0.03)


def test_abbreviations_there_and_back():
    written_out = expanded(TEXT, chance())
    assert written_out == (
        "acute myocardial infarction myocardial infarction <sep> hypertension hypertension i46.9"
    )
    assert abbreviated(written_out, chance()) == "acute mi mi <sep> htn htn i46.9"
    for short, phrase in PHRASE_ABBREVIATIONS.items():
        assert abbreviated(f"old {phrase}s {phrase}", chance()) == f"old {phrase}s {short}"
    assert len(set(PHRASE_ABBREVIATIONS.values())) == len(PHRASE_ABBREVIATIONS)


def test_abbreviations_of_the_own_table_are_not_tried():
    phrases = "myocardial infarction hypertension"
    assert abbreviated(phrases, chance(), told={"mi": "x"}) == "myocardial infarction htn"
    texts, labels = ["acute myocardial infarction", "copd"] * 9, ["heart", "lung"] * 9
    small = {
        "epochs": 1,
        "embedding_size": 4,
        "hidden_units": 4,
        "ensemble_size": 1,
        "linear_c": 0.0,
    }
    truth = np.array([0, 1] * 9)
    for told, tried in (None, True), ({"MI": "myocardial infarction"}, False):
        classifier = TextLSTMClassifier(**small, abbreviations=told).fit(texts * 2, labels * 2)
        found = robustness(classifier.bundle_, texts * 2, np.tile(truth, 2), seed=0)
        assert ("phrases abbreviated" in found) is tried


def test_words_are_shuffled_within_their_field():
    changed = {
        with_shuffled_words("a b c <sep> d e", source) for source in [chance()] for _ in range(200)
    }
    assert len(changed) == 12  # 3! orders of the first field, 2! of the second
    assert with_shuffled_words("a <sep>", chance()) == "a <sep>"


def test_the_accuracy_is_that_of_the_changed_records():
    texts = ["acute mi"] * 15 + ["copd"] * 15
    labels = ["heart"] * 15 + ["lung"] * 15
    bundle = (
        TextLSTMClassifier(epochs=3, embedding_size=8, hidden_units=8).fit(texts, labels).bundle_
    )
    truth = np.array([0] * 15 + [1] * 15)
    truth[0] = 1
    found = robustness(bundle, texts, truth, seed=0)
    assert set(found) < set(CHANGES) and "phrases abbreviated" not in found  # none is changed
    assert found["abbreviations written out"]["records"] == 30
    assert found["abbreviations written out"]["before"] == pytest.approx(29 / 30)
    new = [expanded(text, chance()) for text in texts]
    after = (bundle.predict_proba(new).argmax(1) == truth).mean()
    assert found["abbreviations written out"]["after"] == pytest.approx(after)
    assert found == robustness(bundle, texts, truth, seed=0)


def test_changes_of_few_records_are_left_out():
    texts, labels = ["acute mi", "copd"] * 9, ["heart", "lung"] * 9
    bundle = (
        TextLSTMClassifier(epochs=1, embedding_size=4, hidden_units=4).fit(texts, labels).bundle_
    )
    assert robustness(bundle, ["mi"] * 9 + ["of"], np.zeros(10, dtype=int), seed=0) == {}
