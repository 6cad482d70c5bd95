import numpy as np
import pytest
from matplotlib.image import imread

from textlstm.reporting.drawing import save_png
from textlstm.reporting.sections.confusion import Confusion, PublicConfusion, cell_table


def shown(matrix, labels, suppressed, in_blank_cells=()):
    """What may be published of a matrix, its classes in their order."""
    sums = list(in_blank_cells) or [None] * len(labels)
    counts, supports = np.where(suppressed, 0, matrix), matrix.sum(axis=1)
    return PublicConfusion(labels, np.arange(len(labels)), counts, suppressed, supports, sums)


def drawn(*parts):
    return Confusion().figure(shown(*parts))


def test_confusion_is_shaded_by_row_and_numbered_while_it_can_be_read():
    matrix = np.array([[80, 20], [0, 0]])
    axes = drawn(matrix, ["a", "b"], matrix == 0).axes[0]
    assert axes.images[0].get_array().tolist() == [[0.8, 0.2], [0.0, 0.0]]
    assert [text.get_text() for text in axes.texts] == ["80", "20"]
    for n, written in ((31, 31), (41, 0)):
        many = np.eye(n, dtype=int)
        figure = drawn(many, [str(number) for number in range(n)], many == 0)
        assert len(figure.axes[0].texts) == written


def test_suppressed_cells_are_blank():
    matrix = np.array([[80, 20], [3, 97]])
    axes = drawn(matrix, ["a", "b"], np.array([[0, 0], [1, 1]], dtype=bool)).axes[0]
    assert axes.images[0].get_array().tolist() == [[0.8, 0.2], [0.0, 0.0]]
    assert [text.get_text() for text in axes.texts] == ["80", "20"]


def test_what_blank_cells_come_to_stands_in_a_last_column():
    matrix, suppressed = np.array([[80, 20], [3, 97]]), np.array([[0, 1], [1, 0]], dtype=bool)
    axes = drawn(matrix, ["a", "b"], suppressed, [20, 3]).axes[0]
    assert axes.images[0].get_array().tolist() == [[0.8, 0.0, 0.2], [0.0, 0.97, 0.03]]
    assert [text.get_text() for text in axes.texts] == ["80", "20", "97", "<10"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b", "blank cells"]
    for nothing in ([0, 0], [None, None], []):
        axes = drawn(matrix, ["a", "b"], suppressed, nothing).axes[0]
        assert axes.images[0].get_array().shape == (2, 2)


@pytest.mark.parametrize("n", [2, 5, 24])
def test_a_confusion_matrix_fills_its_picture(n, tmp_path):
    matrix = np.eye(n, dtype=int) * 50
    figure = drawn(matrix, [f"class {number}" for number in range(n)], matrix == 0)
    save_png(figure, tmp_path / "confusion.png")
    ink = (imread(tmp_path / "confusion.png")[..., :3] < 1).any(axis=(1, 2))
    assert ink[:25].any() and ink[-25:].any()
    axes = figure.axes[0]
    heights = [one.get_window_extent().height for one in (*axes.child_axes, axes)]
    assert heights[0] <= heights[1] + 1


def test_a_label_is_no_formula_and_not_too_long(tmp_path):
    labels = ["$\\frac{1}$", "x" * 200]
    nothing = np.zeros((2, 2), dtype=int)
    save_png(drawn(nothing, labels, nothing == 0), tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 1000


@pytest.mark.filterwarnings("error")
def test_names_in_scripts_that_the_font_lacks_are_no_reason_for_a_warning(tmp_path):
    labels = ("\u6b7b\u56e0", "\u0645\u0648\u062a", "$\\frac{", "\x1b[2J")
    save_png(
        drawn(np.eye(4, dtype=int) * 20, labels, np.zeros((4, 4), dtype=bool)), tmp_path / "a.png"
    )
    assert (tmp_path / "a.png").stat().st_size


def test_hidden_cells_are_left_out():
    matrix, suppressed = np.array([[30, 2], [20, 40]]), np.array([[False, True], [True, False]])
    expected = {"true": ["a", "b"], "predicted": ["a", "b"], "records": [30, 40]}
    table = Confusion().table(shown(matrix, ["a", "b"], suppressed))
    assert table.to_dict("list") == expected
    assert cell_table(matrix, ["a", "b"], suppressed).to_dict("list") == expected
