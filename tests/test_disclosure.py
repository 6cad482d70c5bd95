import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.optimize import linprog

from textlstm.data.groups import is_age, pooled_ages
from textlstm.disclosure import Suppressed, any_shown, suppress, suppress_cells, suppress_counts

COUNTS = st.one_of(st.integers(0, 12), st.integers(0, 200))
TABLES = arrays(np.int64, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=COUNTS)
SQUARES = st.integers(2, 5).flatmap(lambda n: arrays(np.int64, (n, n), elements=COUNTS))


def small(counts):
    return (counts > 0) & (counts < 10)


def width(table, known_sums, wanted_sum):
    """Width of the range of a sum of cells in all tables that agree on the known sums."""
    sums = np.array(known_sums, dtype=float).reshape(-1, table.size)
    objective = np.array(wanted_sum, dtype=float).ravel()
    low, high = (
        sign * linprog(sign * objective, A_eq=sums, b_eq=sums @ table.ravel()).fun
        for sign in (1, -1)
    )
    return high - low


def indicators(shape, *indices):
    """Return for each index a table of zeros with ones there."""
    tables = []
    for index in indices:
        table = np.zeros(shape)
        table[index] = 1
        tables.append(table)
    return tables


# ------------------------------------------------------------------------------ worked examples


@pytest.mark.parametrize(
    ("counts", "suppressed"),
    [
        ([40, 30], []),
        ([40, 4, 12, 30], [1, 2]),  # alone, the 4 is the sum minus the others
        ([40, 4, 5, 30], [1, 2, 3]),  # the two together are 9, a small count, too
        ([40, 4, 6, 30], [1, 2]),
        ([40, 9, 0, 10], [1, 2, 3]),
        ([40, 0, 30], [1]),  # zeros are suppressed too
        ([3, 4], [0, 1]),
        ([10, 10, 9], [0, 2]),
    ],
)
def test_suppressed_counts(counts, suppressed):
    assert np.flatnonzero(suppress_counts(np.array(counts))).tolist() == suppressed


@pytest.mark.parametrize(
    ("table", "suppressed"),
    [
        ([[20, 30], [40, 50]], [[0, 0], [0, 0]]),
        ([[20, 30], [40, 9]], [[1, 1], [1, 1]]),
        ([[20, 30], [40, 0]], [[0, 0], [0, 1]]),
        # The smallest four that can change together.
        ([[90, 5, 40], [30, 60, 20], [70, 80, 95]], [[0, 1, 1], [0, 1, 1], [0, 0, 0]]),
        # A cell that is suppressed elsewhere does not change that.
        (
            [[90, 5, 40, 50], [30, 60, 20, 50], [70, 80, 95, 50], [50, 50, 50, 0]],
            [[0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]],
        ),
        # Small cells protect each other, if their sum is large enough.
        ([[6, 6, 50], [6, 6, 60], [70, 80, 90]], [[1, 1, 0], [1, 1, 0], [0, 0, 0]]),
        # A column that sums to four leaves a narrower range, unless all cells are suppressed.
        ([[2, 2, 50], [2, 2, 60], [70, 80, 90]], [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
    ],
)
def test_suppressed_cells(table, suppressed):
    assert suppress_cells(np.array(table)).astype(int).tolist() == suppressed


def test_where_a_model_errs_often_enough_nothing_is_suppressed():
    confusion = np.array([[100, 20], [30, 200]])
    assert not any(mask.any() for mask in suppress(confusion))


def test_a_small_cell_between_two_classes_suppresses_their_rates():
    suppressed = suppress(np.array([[95, 5], [40, 60]]))
    assert suppressed.rates.all() and suppressed.cells.all() and not suppressed.supports.any()


def test_small_cells_that_protect_each_other_suppress_no_rates():
    suppressed = suppress(np.array([[90, 3, 0, 1], [2, 80, 4, 0], [0, 1, 70, 0], [0, 0, 2, 60]]))
    assert not suppressed.supports.any() and not suppressed.rates.any()
    assert (suppressed.cells == ~np.eye(4, dtype=bool)).all()


def test_everything_of_a_small_class_is_suppressed():
    suppressed = suppress(np.array([[1, 0, 2], [18, 14, 53], [11, 37, 14]]))
    assert suppressed.supports.tolist() == suppressed.rates.tolist() == [True, False, True]
    assert suppressed.cells.tolist() == [[True] * 3, [False] * 3, [True] * 3]


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
    suppressed = suppress_counts(counts)
    assert suppressed[counts < 10].all()
    assert counts[suppressed].sum() >= 10 or not counts[suppressed].any() or suppressed.all()
    if (counts >= 10).all():
        assert not suppressed.any()


@given(TABLES)
def test_no_small_cell_can_be_worked_out_from_rows_and_columns(table):
    suppressed = suppress_cells(table)
    assert suppressed[table < 10].all()
    rows = indicators(table.shape, *range(table.shape[0]))
    columns = indicators(table.shape, *((slice(None), n) for n in range(table.shape[1])))
    shown = indicators(table.shape, *map(tuple, np.argwhere(~suppressed)))
    for cell in indicators(table.shape, *map(tuple, np.argwhere(small(table)))):
        # Where all cells are suppressed and the sums still tell one, sums must be suppressed.
        assert suppressed.all() or width(table, rows + columns + shown, cell) > 10 - 1e-6


@given(SQUARES)
def test_sums_of_suppressed_cells_can_be_worked_out_from_published_measures(confusion):
    suppressed = suppress(confusion)
    for number, row_sum in enumerate(suppressed.suppressed_row_sums(confusion)):
        if row_sum is not None:
            assert not suppressed.supports[number] and not suppressed.rates[number]
            shown = confusion[number][~suppressed.cells[number]]
            assert row_sum == confusion[number].sum() - shown.sum()
            assert not suppressed.cells[number, number]  # support times recall


@given(SQUARES)
def test_no_small_count_can_be_worked_out_from_a_report(confusion):
    suppressed, n = suppress(confusion), len(confusion)
    assert (suppressed.rates == suppressed.cells.diagonal()).all()
    assert suppressed.cells[suppressed.supports].all()
    published = [np.ones((n, n)), np.eye(n)]  # the number of records, and of the correct ones
    published += indicators((n, n), *map(tuple, np.argwhere(~suppressed.cells)))
    published += indicators((n, n), *np.flatnonzero(~suppressed.supports))
    published += indicators((n, n), *((slice(None), m) for m in np.flatnonzero(~suppressed.rates)))
    if suppressed.cells.all():
        return
    for row in indicators((n, n), *np.flatnonzero(small(confusion.sum(axis=1)))):
        assert width(confusion, published, row) > 1 - 1e-6
    for cell in indicators((n, n), *map(tuple, np.argwhere(small(confusion)))):
        assert width(confusion, published, cell) > 1 - 1e-6


@pytest.mark.parametrize("hidden", ["supports", "rates", "diagonal"])
def test_the_sum_of_suppressed_cells_is_published_where_it_is_known_anyway(hidden):
    confusion = np.array([[90, 3, 8], [20, 80, 0], [7, 5, 60]])
    nothing = np.zeros(3, dtype=bool)
    cells = np.zeros((3, 3), dtype=bool)
    cells[0, 1] = cells[0, 2] = cells[2, 0] = True
    first = np.array([True, False, False])
    supports, rates = first & (hidden == "supports"), first & (hidden == "rates")
    cells[0, 0] = hidden == "diagonal"
    assert Suppressed(nothing, nothing, cells & ~np.eye(3, dtype=bool)).suppressed_row_sums(
        confusion
    ) == [11, 0, 7]
    sums = Suppressed(supports, rates, cells).suppressed_row_sums(confusion)
    assert sums == [None, 0, 7]


def test_a_class_is_shown_if_any_measure_is():
    assert any_shown({"f1": 0.0, "recall": None}) and not any_shown({"f1": None, "recall": None})
