import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textlstm.text.marked import Span, highlight, word_spans
from textlstm.text.tokenizing import preprocess, tokenize


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("Stroke, d/t (Ｏｌｄ) AGE.", ["Stroke", "d", "t", "Ｏｌｄ", "AGE"]),
        ("old, OLD; Old-old", ["old", "OLD", "Old", "old"]),  # repeated: each where it stands
        ("de novo; décédé", ["de", "novo", "décédé"]),
        ("e\u0301tat ﬁbrosis ΟΔΟΣ Straße İ", ["e\u0301tat", "ﬁbrosis", "ΟΔΟΣ", "Straße", "İ"]),
        ("\ufefffall\x00from\u200b la<b>dd</b>er", ["fall", "from", "la", "b", "dd", "b", "er"]),
        ("gun\u00adshot a\ud800b", ["gun\u00adshot", "a", "b"]),
        ("x" * 250, ["x" * 100, "x" * 100, "x" * 50]),
        ("can't", ["ca", "n't"]),
        (" ... \n- ", []),
    ],
)
def test_words_are_found_where_they_stand(field, words):
    places = word_spans(field)
    assert [field[start:end] for start, end in places] == words
    assert len(places) == len(tokenize(field))


@given(st.lists(st.text(max_size=30), min_size=1, max_size=3))
def test_pieces_are_the_text_as_written_and_every_word_has_its_value(fields):
    tokens = preprocess([fields])[0].split()
    found = highlight(fields, np.arange(len(tokens), dtype=float).tolist())
    assert ["".join(piece.text for piece in pieces) for pieces in found] == fields
    values = [piece.value for pieces in found for piece in pieces if piece.value is not None]
    assert values == sorted(values)
    for value in values:
        assert tokens[int(value)] != "<sep>"


def test_values_stand_behind_their_field():
    first, second, third = highlight(["a, b", "", "A"], [1.0, 2.0, 9.0, 9.0, 3.0])
    assert first == [Span("a", 1.0), Span(", "), Span("b", 2.0)]
    assert second == [] and third == [Span("A", 3.0)]
    assert highlight(["", "-"], []) == [[], [Span("-")]]
    with pytest.raises(ValueError, match="each token"):
        highlight(["a b"], [1.0])
