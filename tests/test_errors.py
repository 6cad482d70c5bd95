"""What comes from outside is shown, and never obeyed."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from textlstm.errors import LONGEST_LINE, InputError, listed, missing, quoted, visible

ANY = st.text(st.characters(codec=None, exclude_categories=()))
OBEYED = "\x1b\x07\0\r\n\t\x7f\x9b\u202e\u2066\u200b\u200d\u2028\ufeff\udcff\u3164\ufe0f\U000e0041"


@given(ANY, st.integers(5, 50))
def test_nothing_that_a_terminal_obeys_is_left(text, longest):
    shown = visible(text, longest)
    assert len(shown) <= longest
    assert all(one.isprintable() or unicodedata.category(one) == "Zs" for one in shown)
    assert visible(shown, longest) == shown


def test_each_character_is_shown_by_its_number():
    for one in OBEYED:
        assert visible(f"a{one}b") == "a" + one.encode("unicode_escape").decode() + "b"
    plain = "Ménière's \\n, 死因, Ожог, 5\u00a0% – “quoted” …"
    assert visible(plain) == plain


def test_an_error_is_one_visible_line_whatever_it_names():
    error = InputError("no column '" + OBEYED * 1000 + "'; give another")
    assert str(error).isprintable() and len(str(error)) == LONGEST_LINE
    assert str(error).endswith("; give another")


def test_names_are_quoted_cut_and_counted():
    assert quoted("a" * 1000) == f"'{'a' * 30}…{'a' * 29}'"
    assert quoted("\x1b[2J") == "'\\\\x1b[2J'".replace("\\\\", "\\")
    names = [f"column {number}" for number in range(10**5)]
    assert listed(names).count("'") == 40 and listed(names).endswith(" and 99980 more")
    found = missing("column", "colunm 7", names)
    assert found.startswith("no column 'colunm 7'; did you mean 'column 7'? It has 'column 0'")
    assert len(missing("column", "x" * 10**6, ["y" * 10**6] * 30)) < LONGEST_LINE
