"""Names from outside are shown so that no terminal obeys them."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from textlstm.errors import LONGEST_LINE, InputError, listed, no_such, quoted, visible

ANY = st.text(st.characters(codec=None, exclude_categories=()))
CONTROLS = (
    "\x1b\x07\0\r\n\t\x7f\x9b\u202e\u2066\u200b\u200d\u2028\ufeff\udcff\u3164\ufe0f\U000e0041"
)


@given(ANY, st.integers(5, 50))
def test_no_character_is_left_that_a_terminal_obeys(text, longest):
    shown = visible(text, longest)
    assert len(shown) <= longest
    assert all(sign.isprintable() or unicodedata.category(sign) == "Zs" for sign in shown)
    assert visible(shown, longest) == shown


def test_each_character_is_shown_by_its_number():
    for control in CONTROLS:
        escape = control.encode("unicode_escape").decode()
        assert visible(f"a{control}b") == f"a{escape}b"
    plain = "Ménière's \\n, 死因, Ожог, 5\u00a0% – “quoted” …"
    assert visible(plain) == plain


def test_an_error_is_one_visible_line_whatever_it_names():
    error = InputError("no column '" + CONTROLS * 1000 + "'; give another")
    assert str(error).isprintable() and len(str(error)) == LONGEST_LINE
    assert str(error).endswith("; give another")


def test_names_are_quoted_cut_and_counted():
    assert quoted("a" * 1000) == f"'{'a' * 30}…{'a' * 29}'"
    assert quoted("\x1b[2J") == "'\\\\x1b[2J'".replace("\\\\", "\\")
    names = [f"column {number}" for number in range(10**5)]
    assert listed(names).count("'") == 40 and listed(names).endswith(" and 99980 more")
    message = no_such("column", "colunm 7", names)
    assert message.startswith("no column 'colunm 7'; did you mean 'column 7'? It has 'column 0'")
    assert len(no_such("column", "x" * 10**6, ["y" * 10**6] * 30)) < LONGEST_LINE
