"""Back-off: thresholds along the levels of a book, against counting by hand."""

import numpy as np

from textlstm.codes.tree import CodeTree
from textlstm.uncertainty.back_off import BackOff, deepest
from textlstm.uncertainty.predictions import Predictions
from textlstm.uncertainty.risk_control import promise

TREE = CodeTree.of({"I": "", "I21": "I", "I50": "I", "J": ""}, {}, "book.csv")


def drawn(n=4000, seed=0):
    """Calibrated predictions of four thousand records: the leaf is drawn from them."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet([0.3, 0.3, 0.1], size=n)
    labels = (probabilities.cumsum(axis=1) < generator.random((n, 1))).sum(axis=1)
    return probabilities, labels


def back_off(probabilities, labels):
    known = np.ones(len(labels), dtype=bool)
    return BackOff.along(TREE, Predictions.of(probabilities), labels, known, 0)


def test_errors_are_those_of_the_codes_that_are_given():
    probabilities, labels = drawn()
    records = back_off(probabilities, labels)
    for threshold in (0.95, 0.8, 0.5):
        paths = TREE.best_paths(probabilities)
        codes, reached = deepest(TREE, paths, threshold)
        given = reached >= threshold
        wrong = given & ~TREE.agree(codes, labels)
        assert (records.wrong >= threshold).sum() == wrong.sum() and (
            records.top >= threshold
        ).sum() == given.sum()
        accepted = np.array([given.sum()])
        lowest = (records.wrong >= records.top[accepted - 1]).sum()
        assert records.count_errors(accepted)[0] == lowest


def test_the_promise_is_kept_and_codes_more_than_the_leaves_alone():
    records = back_off(*drawn())
    threshold = promise(records, 0.05).threshold
    probabilities, labels = drawn(seed=1)
    codes, reached = deepest(TREE, TREE.best_paths(probabilities), threshold)
    given = reached >= threshold
    assert (~TREE.agree(codes, labels))[given].mean() < 0.05
    assert given.mean() > (probabilities.max(axis=1) >= threshold).mean() + 0.1


def test_a_label_at_an_inner_code_says_no_more():
    probabilities = np.array([[0.6, 0.3, 0.1]])
    assert back_off(probabilities, np.array([3])).wrong.tolist() == [0.0]
    assert back_off(probabilities, np.array([1])).wrong.tolist() == [0.6]
    assert back_off(probabilities, np.array([-1])).wrong.tolist() == [0.9]


def test_it_is_read_back_as_written():
    records = back_off(*drawn(50))
    again = BackOff.from_dict(records.to_dict())
    assert (again.wrong == records.wrong).all() and (again.top == records.top).all()
