"""The tree of a code book, worked by hand on five codes."""

import numpy as np
import pytest

from textlstm.codes.tree import CodeTree
from textlstm.errors import InputError

BOOK = {"I": "", "I21": "I", "I50": "I", "J": "", "K": "", "K1": "K", "K2": "K"}
TREE = CodeTree.of(BOOK, {}, "book.csv")
PROBABILITIES = np.array([[0.3, 0.3, 0.35, 0.05, 0.0]])


def test_leaves_come_first_and_each_code_has_neighbours():
    assert TREE.codes == ("I21", "I50", "J", "K1", "K2", "I", "K")
    assert TREE.spans.tolist() == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [0, 2], [3, 5]]
    assert TREE.levels.tolist() == [2, 2, 1, 2, 2, 1, 1]


def test_a_code_has_the_sum_of_its_leaves():
    assert TREE.of_level(PROBABILITIES, 1).round(6).tolist() == [[0.6, 0.35, 0.05]]
    assert TREE.codes_of_level(1).tolist() == [5, 2, 6]
    assert TREE.of_level(PROBABILITIES, 2).tolist() == PROBABILITIES.tolist()


def test_the_best_path_stays_below_its_top():
    paths = TREE.best_paths(PROBABILITIES)
    assert paths.codes.tolist() == [[5, 0]]  # though J is the most probable leaf
    assert paths.probabilities.round(6).tolist() == [[0.6, 0.3]]


def test_codes_have_a_deepest_common_one():
    assert TREE.common([0, 1]) == 5 and TREE.common([0, 5]) == 5 and TREE.common([0, 3]) == -1


def test_it_is_read_back_as_written():
    assert CodeTree.from_dict(TREE.to_dict(), "labels.json") == TREE
    values = TREE.to_dict()
    values["codes"][0], values["codes"][3] = values["codes"][3], values["codes"][0]
    values["parents"] = [-1, 5, -1, 6, 5, -1, -1]
    with pytest.raises(InputError, match="in another order"):
        CodeTree.from_dict(values, "labels.json")


@pytest.mark.parametrize(
    ("parents", "message"),
    [
        ({"a": "b", "b": "a", "c": ""}, "code 'a' is above itself, in a circle"),
        ({"a": "x", "b": ""}, "the parent 'x' of code 'a' is no code of the book"),
        ({"a": "", "b": "a"}, "two codes at least"),
        ({f"c{n}": f"c{n - 1}" if n else "" for n in range(30)} | {"d": ""}, "more than 20 levels"),
    ],
)
def test_what_is_no_tree_is_told_in_a_line(parents, message):
    with pytest.raises(InputError, match=message):
        CodeTree.of(parents, {}, "book.csv")
