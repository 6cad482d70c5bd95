"""Numbers and categories beside the text: knots, values, features, and what is kept of them."""

import numpy as np
import pytest

from textlstm.data.distinct import Distinct
from textlstm.encoding.covariates import Covariates
from textlstm.errors import InputError

AGE, SEX = "number:age", "category:sex"


def fitted(rows, min_count=5, columns=(AGE, SEX)):
    return Covariates.fit(columns, Distinct.of(rows), min_count)


def test_features_of_a_covariate_sum_to_one_and_are_zero_where_it_is_missing():
    covariates = fitted([(str(age), "fm"[age % 2]) for age in range(100)])
    features = covariates.encode([("3", "f"), ("47.5", "x"), ("200", "m"), ("", ""), ()])
    ages, sexes = np.split(features, [covariates.sizes[0]], axis=1)
    np.testing.assert_allclose(ages.sum(axis=1), [1, 1, 1, 0, 0], atol=1e-6)
    assert sexes.tolist() == [[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_the_unit_of_a_number_does_not_matter():
    years = [(f"{age}", "") for age in range(90)]
    months = [(f"{12 * age}", "") for age in range(90)]
    columns = (AGE,)
    of_years = fitted([row[:1] for row in years], columns=columns).encode([("33",), ("71",)])
    of_months = fitted([row[:1] for row in months], columns=columns).encode([("396",), ("852",)])
    np.testing.assert_allclose(of_years, of_months, atol=1e-5)


def test_knots_are_means_of_many_records_and_no_value_of_a_few_is_kept():
    rows = [(f"{1000 + n + 0.123456:.6f}", "common" if n % 10 else f"rare {n}") for n in range(100)]
    covariates = fitted(rows, min_count=10)
    numbers = {float(number) for number, _ in rows}
    assert not numbers & set(covariates.knots["age"])
    assert covariates.categories == {"sex": ("common",)}


def test_outliers_do_not_move_the_knots():
    usual = [(str(n % 60 + 20),) for n in range(1000)]
    with_code = fitted([*usual, ("1e300",), ("-1e300",)], columns=(AGE,))
    assert with_code.knots["age"][0] > 0 and with_code.knots["age"][-1] < 100


def test_a_constant_number_has_one_knot():
    covariates = fitted([("7", "f")] * 20)
    assert covariates.knots == {"age": (7.0,)}
    assert covariates.encode([("9", "f")]).tolist() == [[1.0, 1.0, 0.0]]


def test_a_column_of_few_values_is_refused_in_one_line():
    with pytest.raises(InputError, match=r"--number age: fewer than 5 training records have a num"):
        fitted([("", "f")] * 20 + [("3", "f")] * 4)
    with pytest.raises(InputError, match=r"--category sex: fewer than 5"):
        fitted([("3", "")] * 20)


def test_a_category_of_many_values_keeps_the_most_frequent():
    rows = [(str(n // 5),) for n in range(10_000)] + [("7",)] * 10
    covariates = fitted(rows, columns=(SEX,))
    assert len(covariates.categories["sex"]) == 1000 and covariates.categories["sex"][0] == "7"


def test_they_are_read_back_in_their_order_and_checked():
    covariates = fitted([(str(age), "fm"[age % 2]) for age in range(50)])
    assert Covariates.from_dict(covariates.to_dict()) == covariates
    for damage in (
        {"knots": {"age": [2.0, 1.0]}, "categories": {}},
        {"knots": {"age": []}, "categories": {}},
        {"knots": {"age": [float("nan")]}, "categories": {}},
        {"knots": {}, "categories": {"sex": ["f", "f"]}},
        {"knots": {"sex": [1.0]}, "categories": {"sex": ["f"]}},
    ):
        with pytest.raises(InputError):
            Covariates.from_dict(damage)
