import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.optimize import linprog

from textlstm.data.groups import is_age, pooled_ages
from textlstm.disclosure import suppress, suppress_cells, suppress_counts

COUNTS = st.one_of(st.integers(0, 12), st.integers(0, 200))
TABLES = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=COUNTS)
SQUARES = st.integers(2, 5).flatmap(lambda n: arrays(np.int64, (n, n), elements=COUNTS))


def small(counts):
    return (counts > 0) & (counts < 10)


def width(table, equations, wanted):
    """How far apart a sum of cells can be in two tables of which the equations hold."""
    known = np.array(equations, dtype=float).reshape(-1, table.size)
    aim = np.array(wanted, dtype=float).ravel()
    low, high = (
        sign * linprog(sign * aim, A_eq=known, b_eq=known @ table.ravel()).fun for sign in (1, -1)
    )
    return high - low


def indicators(shape, *places):
    """Return a table of zeros with ones at each place."""
    tables = []
    for place in places:
        table = np.zeros(shape)
        table[place] = 1
        tables.append(table)
    return tables


# ------------------------------------------------------------------------------ worked examples


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ([40, 30], []),
        ([40, 4, 12, 30], [1, 2]),  # alone, the 4 is what is missing
        ([40, 4, 5, 30], [1, 2, 3]),  # nine in both is a small count, too
        ([40, 4, 6, 30], [1, 2]),
        ([40, 9, 0, 10], [1, 2, 3]),
        ([40, 0, 30], [1]),  # nobody
        ([3, 4], [0, 1]),
        ([10, 10, 9], [0, 2]),
    ],
)
def test_hidden_counts(counts, hidden):
    assert np.flatnonzero(suppress_counts(np.array(counts))).tolist() == hidden


@pytest.mark.parametrize(
    ("table", "hidden"),
    [
        ([[20, 30], [40, 50]], [[0, 0], [0, 0]]),
        ([[20, 30], [40, 9]], [[1, 1], [1, 1]]),
        ([[20, 30], [40, 0]], [[0, 0], [0, 1]]),
        # The cheapest four that can change together.
        ([[90, 5, 40], [30, 60, 20], [70, 80, 95]], [[0, 1, 1], [0, 1, 1], [0, 0, 0]]),
        # What is hidden elsewhere does not change that.
        (
            [[90, 5, 40, 50], [30, 60, 20, 50], [70, 80, 95, 50], [50, 50, 50, 0]],
            [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]],
        ),
        # Small ones protect each other, if there are enough of them.
        ([[6, 6, 50], [6, 6, 60], [70, 80, 90]], [[1, 1, 0], [1, 1, 0], [0, 0, 0]]),
        # A column of four in all tells more than that, unless all of it is hidden.
        ([[2, 2, 50], [2, 2, 60], [70, 80, 90]], [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
    ],
)
def test_hidden_cells(table, hidden):
    assert suppress_cells(np.array(table)).astype(int).tolist() == hidden


def test_where_a_model_errs_often_enough_all_is_shown():
    confusion = np.array([[100, 20], [30, 200]])
    assert not any(part.any() for part in suppress(confusion))


def test_one_kind_of_error_between_two_classes_cannot_be_told_but_by_their_measures():
    hidden = suppress(np.array([[95, 5], [40, 60]]))
    assert hidden.rates.all() and hidden.cells.all() and not hidden.supports.any()


def test_errors_that_may_be_of_any_kind_cost_no_class_its_measures():
    hidden = suppress(np.array([[90, 3, 0, 1], [2, 80, 4, 0], [0, 1, 70, 0], [0, 0, 2, 60]]))
    assert not hidden.supports.any() and not hidden.rates.any()
    assert (hidden.cells == ~np.eye(4, dtype=bool)).all()


def test_of_a_small_class_nothing_is_shown():
    hidden = suppress(np.array([[1, 0, 2], [18, 14, 53], [11, 37, 14]]))
    assert hidden.supports.tolist() == hidden.rates.tolist() == [True, False, True]
    assert hidden.cells.tolist() == [[True] * 3, [False] * 3, [True] * 3]


def test_ages_above_89_are_one_group():
    ages = ["0", "9", "89", "89.9", "90", "104", "90-94", "85-94", "85+", ">95", "", "unknown"]
    pooled = ["0", "9", "89", "89.9", *["90+"] * 3, "85-94", "85+", "90+", "", "unknown"]
    assert pooled_ages(ages) == pooled


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("age", True), ("AGE", True), ("Age at death", True), ("AgeAtDeath", True),
        ("decedentAge", True), ("age_group", True), ("age2", True), ("AGE_YEARS", True),
        ("stage", False), ("Dosage", False), ("manager", False), ("", False),
    ],
)  # fmt: skip
def test_columns_named_for_ages(column, expected):
    assert is_age(column) == expected


# ------------------------------------------------------------------------------ for any table


@given(arrays(np.int64, st.integers(1, 8), elements=COUNTS))
def test_no_small_count_can_be_worked_out_from_a_sum(counts):
    hidden = suppress_counts(counts)
    assert hidden[counts < 10].all()
    assert counts[hidden].sum() >= 10 or not counts[hidden].any() or hidden.all()
    if (counts >= 10).all():
        assert not hidden.any()


@given(TABLES)
def test_no_small_cell_can_be_worked_out_from_rows_and_columns(table):
    hidden = suppress_cells(table)
    assert hidden[table < 10].all()
    rows = indicators(table.shape, *range(table.shape[0]))
    columns = indicators(table.shape, *((slice(None), n) for n in range(table.shape[1])))
    shown = indicators(table.shape, *map(tuple, np.argwhere(~hidden)))
    for cell in indicators(table.shape, *map(tuple, np.argwhere(small(table)))):
        # Where all is hidden and the sums still tell a cell, only hiding sums can help.
        assert hidden.all() or width(table, rows + columns + shown, cell) > 10 - 1e-6


@given(SQUARES)
def test_what_blank_cells_come_to_can_be_worked_out_from_what_is_shown(confusion):
    hidden = suppress(confusion)
    for number, found in enumerate(hidden.in_blank_cells(confusion)):
        if found is not None:
            assert not hidden.supports[number] and not hidden.rates[number]
            shown = confusion[number][~hidden.cells[number]]
            assert found == confusion[number].sum() - shown.sum()
            assert not hidden.cells[number, number]  # support times recall


@given(SQUARES)
def test_no_small_count_can_be_worked_out_from_a_report(confusion):
    hidden, n = suppress(confusion), len(confusion)
    assert (hidden.rates == hidden.cells.diagonal()).all()
    assert hidden.cells[hidden.supports].all()
    told = [np.ones((n, n)), np.eye(n)]  # all records, and by the accuracy the right ones
    told += indicators((n, n), *map(tuple, np.argwhere(~hidden.cells)))
    told += indicators((n, n), *np.flatnonzero(~hidden.supports))
    told += indicators((n, n), *((slice(None), m) for m in np.flatnonzero(~hidden.rates)))
    if hidden.cells.all():
        return
    for row in indicators((n, n), *np.flatnonzero(small(confusion.sum(axis=1)))):
        assert width(confusion, told, row) > 1 - 1e-6
    for cell in indicators((n, n), *map(tuple, np.argwhere(small(confusion)))):
        assert width(confusion, told, cell) > 1 - 1e-6
