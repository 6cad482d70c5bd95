import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textlstm.text.spans import Span, highlight, word_spans
from textlstm.text.tokenizing import preprocess, tokenize


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("Stroke, d/t (Ｏｌｄ) AGE.", ["Stroke", "d", "t", "Ｏｌｄ", "AGE"]),
        ("old, OLD; Old-old", ["old", "OLD", "Old", "old"]),  # a repeated word has several spans
        ("de novo; décédé", ["de", "novo", "décédé"]),
        ("e\u0301tat ﬁbrosis ΟΔΟΣ Straße İ", ["e\u0301tat", "ﬁbrosis", "ΟΔΟΣ", "Straße", "İ"]),
        ("\ufefffall\x00from\u200b la<b>dd</b>er", ["fall", "from", "la", "b", "dd", "b", "er"]),
        ("gun\u00adshot a\ud800b", ["gun\u00adshot", "a", "b"]),
        ("x" * 250, ["x" * 100, "x" * 100, "x" * 50]),
        ("can't", ["ca", "n't"]),
        (" ... \n- ", []),
    ],
)
def test_each_word_has_its_span(field, words):
    spans = word_spans(field)
    assert [field[start:end] for start, end in spans] == words
    assert len(spans) == len(tokenize(field))


@given(st.lists(st.text(max_size=30), min_size=1, max_size=3))
def test_spans_joined_are_the_text_as_written_and_every_word_has_its_value(fields):
    tokens = preprocess([fields])[0].split()
    highlighted = highlight(fields, np.arange(len(tokens), dtype=float).tolist())
    assert ["".join(span.text for span in spans) for spans in highlighted] == fields
    values = [span.value for spans in highlighted for span in spans if span.value is not None]
    assert values == sorted(values)
    for value in values:
        assert tokens[int(value)] != "<sep>"


def test_values_go_to_the_words_of_their_field():
    first, second, third = highlight(["a, b", "", "A"], [1.0, 2.0, 9.0, 9.0, 3.0])
    assert first == [Span("a", 1.0), Span(", "), Span("b", 2.0)]
    assert second == [] and third == [Span("A", 3.0)]
    assert highlight(["", "-"], []) == [[], [Span("-")]]
    with pytest.raises(ValueError, match="each token"):
        highlight(["a b"], [1.0])
