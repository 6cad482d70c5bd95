import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from spacy.lang.en import English

from textlstm.text.cleaning import MAX_CHARACTERS, MAX_RUN, clean, clean_runs, count_repairs
from textlstm.text.tokenizing import (
    SEPARATOR,
    preprocess,
    split_fields,
    tokenize,
    word_document_counts,
)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("", []),
        ("   \t\n", []),
        ("\ufeff", []),
        ("...", []),
        ("ASCVD.", ["ascvd"]),
        ("COVID-19", ["covid-19"]),
        ("I46.9,E11.9", ["i46.9,e11.9"]),
        ("end-stage renal disease", ["end", "stage", "renal", "disease"]),
        ("(Chronic) \u201cCOPD\u201d", ["chronic", "copd"]),
        ("NA", ["na"]),
        ("None null", ["none", "null"]),
        ("a\x00b", ["a", "b"]),
        ("fib\u200brosis", ["fibrosis"]),
        ("\u202ecopd\u202c", ["copd"]),
        ("\ud800 stroke", ["stroke"]),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467 stroke", ["stroke"]),
        ("0123", ["0123"]),
    ],
)
def test_words_of_a_field(field, words):
    assert tokenize(field) == words


@pytest.mark.parametrize(
    ("field", "kinds"),
    [
        ("", set()),
        ("Sjögren's café,\t\n1 µ", {"other_unicode_forms"}),  # the micro sign
        ("Sjögren's café, \t\r\n", set()),
        ("a\x00", {"control_characters"}),
        ("a\u200b", {"invisible_characters"}),
        ("\ufeffa\x07", {"invisible_characters", "control_characters"}),
        ("a\ud800", {"replacement_characters"}),
        ("a\ufffd", {"replacement_characters"}),
        ("cafe\u0301", {"other_unicode_forms"}),
        ("x" * MAX_RUN, set()),
        ("y " + "x" * (MAX_RUN + 1), {"overlong_words"}),
        ("x " * (MAX_CHARACTERS // 2), set()),
        ("x " * (MAX_CHARACTERS // 2) + "\x00", {"overlong_texts"}),  # not the part that is cut off
    ],
)
def test_repairs_of_a_field_are_counted_by_kind(field, kinds):
    assert count_repairs({field: 3, "plain": 5}) == dict.fromkeys(kinds, 3)


def test_composed_and_decomposed_letters_are_the_same():
    text = "Sjögren's café"
    assert clean(unicodedata.normalize("NFD", text)) == clean(unicodedata.normalize("NFC", text))


def test_a_run_without_spaces_is_broken():
    assert max(map(len, tokenize("x" * 1_000_000))) == MAX_RUN
    assert tokenize("!" * 1_000_000) == []


def test_fields_are_joined_by_a_separator_even_where_they_are_empty():
    assert preprocess([("stroke", ""), ("", "stroke"), ("", "")]) == [
        f"stroke {SEPARATOR}",
        f"{SEPARATOR} stroke",
        "",
    ]
    assert split_fields(f"stroke {SEPARATOR}") == ["stroke", ""]
    assert preprocess([("a", "", "b")]) == [f"a {SEPARATOR} {SEPARATOR} b"]


def test_no_text_contains_the_separator():
    for text in ("a <sep> b", "a-<sep>-b", "a.<sep>.b", "see http://a.com/<sep>b", "<<sep>>"):
        assert SEPARATOR not in preprocess([(text,)])[0]


def test_the_separator_is_no_word():
    assert word_document_counts([f"a {SEPARATOR} b", f"a {SEPARATOR}"], 1) == {"a": 2, "b": 1}


@given(st.text(max_size=200))
def test_any_text_gives_clean_words(text):
    words = tokenize(text)
    assert all(word == word.lower() or word.lower() for word in words)
    assert all(word and not any(c.isspace() for c in word) for word in words)
    # Preprocessing again changes nothing: predictions on preprocessed text are the same.
    assert preprocess([(text,)]) == [" ".join(words)]


@given(st.lists(st.text(max_size=30), max_size=8))
def test_a_record_does_not_depend_on_its_neighbours(texts):
    together = preprocess([(text,) for text in texts])
    assert together == [preprocess([(text,)])[0] for text in texts]


SPACY = English().tokenizer
PUNCTUATION = "".join(
    sign for sign in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(sign)[0] in "PS"
)
PIECES = [
    *"abcXYZ019.,:;()[]=<>-'’/\"!?°^_~ ",
    " ", " ", "=]", "’’", ":)", "o.O", "a.m.", "d/t", "w/o", "don't", "COVID-19", "10mg", "e.g.",
    "http://a.b", "\u00df", "é", "...",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
@example("( =]")
@example("Jun.8) :]Whollve")
@example("x o .O o.O")
def test_words_are_those_of_the_tokenizer_on_the_whole_field(field):
    tokens = SPACY(clean(field))
    stripped = [token.text.lower().strip(PUNCTUATION) for token in tokens]
    assert tokenize(field) == [word for word in stripped if word]


def test_angle_brackets_divide_words():
    assert clean_runs("a<b") == clean_runs("a>b") == clean_runs("<a> b") == ["a", "b"]
