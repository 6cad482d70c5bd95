import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from textlstm.evaluation.metrics import reliability
from textlstm.reporting import figures, tokens
from textlstm.uncertainty.predictions import Predictions

HISTORY = {
    "number": [1, 2, 3],
    "train_loss": [2.0, 1.0, 0.5],
    "validation_loss": [1.8, 0.9, 1.1],
    "train_accuracy": [0.3, 0.6, 0.8],
    "validation_accuracy": [0.4, 0.7, 0.6],
}


def test_training_progress_shows_both_parts_and_the_best_epoch():
    loss, accuracy = figures.training_progress(pd.DataFrame(HISTORY)).axes
    shown = {line.get_label(): line.get_xydata().tolist() for line in loss.lines}
    assert shown["training"] == [[1, 2.0], [2, 1.0], [3, 0.5]]
    assert shown["validation"] == [[1, 1.8], [2, 0.9], [3, 1.1]]
    assert shown["lowest validation loss"] == [[2, 0.9]]
    assert accuracy.get_title() == "accuracy"


def test_confusion_is_shaded_by_row_and_numbered_while_it_can_be_read():
    matrix = np.array([[80, 20], [0, 0]])
    axes = figures.confusion(matrix, ["a", "b"], matrix == 0).axes[0]
    assert axes.images[0].get_array().tolist() == [[0.8, 0.2], [0.0, 0.0]]
    assert [text.get_text() for text in axes.texts] == ["80", "20"]
    for n, written in ((31, 31), (41, 0)):
        many = np.eye(n, dtype=int)
        drawn = figures.confusion(many, [str(number) for number in range(n)], many == 0)
        assert len(drawn.axes[0].texts) == written


def test_hidden_cells_are_blank():
    matrix = np.array([[80, 20], [3, 97]])
    axes = figures.confusion(matrix, ["a", "b"], np.array([[0, 0], [1, 1]], dtype=bool)).axes[0]
    assert axes.images[0].get_array().tolist() == [[0.8, 0.2], [0.0, 0.0]]
    assert [text.get_text() for text in axes.texts] == ["80", "20"]


def test_what_blank_cells_come_to_stands_in_a_last_column():
    matrix, hidden = np.array([[80, 20], [3, 97]]), np.array([[0, 1], [1, 0]], dtype=bool)
    axes = figures.confusion(matrix, ["a", "b"], hidden, [20, 3]).axes[0]
    assert axes.images[0].get_array().tolist() == [[0.8, 0.0, 0.2], [0.0, 0.97, 0.03]]
    assert [text.get_text() for text in axes.texts] == ["80", "20", "97", "<10"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["a", "b", "blank cells"]
    for nothing in ([0, 0], [None, None], []):
        axes = figures.confusion(matrix, ["a", "b"], hidden, nothing).axes[0]
        assert axes.images[0].get_array().shape == (2, 2)


def test_reliability_leaves_out_bins_of_few_records():
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 9)
    bins = reliability(Predictions.of(probabilities), np.zeros(19, dtype=int))
    axes = figures.reliability_diagram({"m": bins}).axes[0]
    np.testing.assert_allclose(axes.collections[0].get_offsets(), [[0.9, 1.0]])


def test_class_bars_put_the_most_frequent_class_on_top():
    row = {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    hidden = dict.fromkeys((*row, "support"))
    bounds = {"common": {key: {"low": 0.4, "high": 0.6} for key in row}, "rare": hidden}
    per_class = {"rare": hidden, "common": {**row, "support": 2000}}
    per_class |= {"seldom": hidden | {"support": 20}}
    bounds |= {"seldom": hidden}
    bars = figures.class_bars(per_class, bounds)
    assert [line.get_xdata().tolist() for line in bars.axes[0].lines] == [[0.4, 0.6]] * 2
    labels = [label.get_text() for label in bars.axes[0].get_yticklabels()]
    assert labels == ["seldom (20)", "common (2,000)"]
    assert [bar.get_width() for bar in bars.axes[0].patches] == pytest.approx(
        [np.nan, 0.5], nan_ok=True
    )


def test_without_a_measure_of_a_class_there_is_no_picture():
    hidden = dict.fromkeys(("precision", "recall", "f1", "support"))
    assert figures.class_bars({"rare": hidden}, {"rare": hidden}) is None


@pytest.mark.parametrize("n", [2, 5, 24])
def test_a_confusion_matrix_fills_its_picture(n, tmp_path):
    matrix = np.eye(n, dtype=int) * 50
    figure = figures.confusion(matrix, [f"class {number}" for number in range(n)], matrix == 0)
    figures.save_png(figure, tmp_path / "confusion.png")
    drawn = (imread(tmp_path / "confusion.png")[..., :3] < 1).any(axis=(1, 2))
    assert drawn[:25].any() and drawn[-25:].any()
    axes = figure.axes[0]
    heights = [one.get_window_extent().height for one in (*axes.child_axes, axes)]
    assert heights[0] <= heights[1] + 1


def counted(share, records):
    return {"share": share, "low": 0.0, "high": 0.1, "records": records}


def test_the_workload_is_drawn_with_what_was_promised():
    curve = {"share": [0.5, 1.0], "error": [0.01, 0.04], "low": [0.0, 0.03], "high": [0.1, 0.05]}
    promises = [
        {"max_error": 0.01, "coded": counted(0.0, 100), "error": counted(None, 0)},
        {"max_error": 0.02, "coded": counted(0.8, 100), "error": counted(0.015, 80)},
    ]
    axes = figures.workload(curve, promises).axes[0]
    shown = {line.get_label(): line.get_xydata().tolist() for line in axes.lines}
    assert shown["measured error"] == [[0.5, 0.01], [1.0, 0.04]]
    assert [[0.8, 0.015]] in [line.get_xydata().tolist() for line in axes.lines]
    assert [text.get_text() for text in axes.texts] == ["80.0 % at 2 %"]
    assert [text.xy for text in axes.texts] == [(0.8, 0.02)]  # above what was promised, or the dot
    broken = [promises[1] | {"error": counted(0.03, 80)}]
    assert [text.xy for text in figures.workload(curve, broken).axes[0].texts] == [(0.8, 0.03)]


def test_the_curves_of_the_classes_predicted_most_often_stand_side_by_side():
    curve = {"share": [0.5, 1.0], "error": [0.0, 0.04], "low": [0.0, 0.03], "high": [0.1, 0.05]}
    curves = {f"c{n}": curve for n in range(14)}
    rows = {
        name: {"coded": counted(0.8, 100 + n), "error": counted(0.01, 80)}
        for n, name in enumerate(curves)
    } | {"c13": {"coded": counted(0.0, 113), "error": counted(None, 0)}}
    figure = figures.workload_curves(curves, {"max_error": 0.02, "per_class": rows})
    shown = [axes.get_title() for axes in figure.axes]
    assert shown == [f"c{n} ({100 + n})" for n in range(13, 7, -1)]
    assert {axes.get_yscale() for axes in figure.axes} == {"linear"}
    assert figure.axes[0].get_ylim() == (0, 0.08)  # four times the promised error
    assert figure.get_supylabel() == "share of it that is wrong"
    lines = [line.get_xydata().tolist() for line in figure.axes[1].lines]
    assert lines[0] == [[0.5, 0.0], [1.0, 0.04]] and lines[-1] == [[0.8, 0.01]]
    assert len(figure.axes[0].lines) == 2  # of which nothing is coded, there is no dot
    assert figures.workload_curves({}, {"max_error": 0.02, "per_class": rows}) is None


def test_the_workload_by_class_leaves_out_classes_never_predicted():
    rows = {
        "rare": {"coded": counted(0.0, 2), "error": counted(None, 0)},
        "common": {"coded": counted(0.9, 2000), "error": counted(0.01, 1800)},
        "never": {"coded": counted(None, 0), "error": counted(None, 0)},
    }
    coded, error = figures.workload_by_class({"max_error": 0.02, "per_class": rows}).axes
    labels = [label.get_text() for label in coded.get_yticklabels()]
    assert labels == ["rare (2)", "common (2,000)"]
    assert [bar.get_width() for bar in coded.patches] == [0.0, 0.9]
    assert error.lines[-2].get_xydata().tolist() == [[0.01, 1]]
    assert error.get_xscale() == "linear" and error.get_xlim() == (0, 0.08)
    assert coded.get_xlabel() and error.get_xlabel()


def test_one_seed_draws_one_cloud(tmp_path):
    words = {f"word{number}": number + 10 for number in range(30)}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        figures.save_png(figures.word_cloud(words, seed), tmp_path / f"{name}.png")
    read = {name: (tmp_path / f"{name}.png").read_bytes() for name in "abc"}
    assert read["a"] == read["b"] != read["c"]
    assert imread(tmp_path / "a.png").min() < 0.5


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"the": 100, "of": 50, "s": 40, "due": 30},
        dict.fromkeys("por de la und der et con för och het não mit en y è também".split(), 30),
    ],
)
def test_without_a_word_there_is_no_cloud(words):
    assert figures.word_cloud(words, 0) is None
    assert figures.word_clouds({"a": words}, 0) is None


def test_stop_words_of_other_languages_that_mean_something_in_english_are_drawn(monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        figures.WordCloud,
        "generate_from_frequencies",
        lambda self, words: drawn.update(words) or self,
    )
    monkeypatch.setattr(figures.WordCloud, "to_array", lambda _: np.zeros((2, 2, 3), np.uint8))
    words = "die male fire toe car od als sah af ich fall wound por und".split()
    figures.word_cloud(dict.fromkeys(words, 30), 0)
    assert list(drawn) == words[:-2]


def test_without_a_font_there_is_no_cloud(monkeypatch):
    monkeypatch.setattr("wordcloud.wordcloud.FONT_PATH", "/no/such/font.ttf")
    assert figures.word_cloud({"stroke": 10}, 0) is None


def test_clouds_side_by_side_leave_out_classes_without_words():
    drawn = figures.word_clouds({"a": {"stroke": 12}, "b": {}, "c": {"fall": 11}}, 0)
    assert [axes.get_title() for axes in drawn.axes if axes.get_title()] == ["a", "c"]


def test_a_label_is_no_formula_and_not_too_long(tmp_path):
    labels = ["$\\frac{1}$", "x" * 200]
    nothing = np.zeros((2, 2), dtype=int)
    figures.save_png(figures.confusion(nothing, labels, nothing == 0), tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 1000


def test_the_units_of_an_activation_map_stand_in_the_order_of_their_words():
    hidden = np.array([[0.1, -0.9, 0.0], [0.8, 0.2, 0.0], [0.0, 0.0, -0.3]])  # (tokens, H)
    figure = tokens.activation_map(["a", "b", "c"], {"forward": hidden, "backward": hidden})
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[-0.9, 0.2, 0], [0.1, 0.8, 0], [0, 0, -0.3]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    assert axes.images[0].get_clim() == (-1, 1)
    assert figures.png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("directions", [["forward"], ["forward", "backward"]])
def test_gates_are_drawn_under_what_the_words_add(directions):
    columns = {
        f"{one}_{gate}_gate": [0.2, 0.9] for one in directions for gate in ("input", "forget")
    }
    table = pd.DataFrame({"token": ["a", "b"], "attribution": [-0.5, 1.0], **columns})
    drawn = tokens.token_gates(table).axes
    assert [bar.get_height() for bar in drawn[0].patches] == [-0.5, 1.0]
    assert len({bar.get_facecolor() for bar in drawn[0].patches}) == 2
    assert len(drawn) == 1 + len(directions)
    assert drawn[-1].lines[0].get_ydata().tolist() == [0.2, 0.9]


def test_words_taken_away_are_two_curves():
    drawn = figures.words_taken_away({"highest": [0.9, 0.5], "random": [0.9, 0.8]}).axes[0]
    shown = {line.get_label(): line.get_ydata().tolist() for line in drawn.lines}
    assert shown == {"at random": [0.9, 0.8], "highest attribution": [0.9, 0.5]}


def test_robustness_shows_before_and_after_with_the_number_of_records():
    changes = {"one typo": {"records": 1200, "before": 0.9, "after": 0.8}}
    drawn = figures.robustness_bars(changes).axes[0]
    assert [label.get_text() for label in drawn.get_yticklabels()] == ["one typo (1,200)"]
    points = {one.get_label(): one.get_offsets().tolist() for one in drawn.collections[1:]}
    assert points == {"as written": [[0.9, 0]], "changed": [[0.8, 0]]}
    assert [text.get_text() for text in drawn.texts] == ["80.0 %"]
    assert figures.robustness_bars({}) is None


@pytest.mark.filterwarnings("error")
def test_names_in_scripts_that_the_font_lacks_are_no_reason_for_a_warning(tmp_path):
    labels = ("\u6b7b\u56e0", "\u0645\u0648\u062a", "$\\frac{", "\x1b[2J")
    figures.save_png(figures.confusion(np.eye(4, dtype=int) * 20, labels, None), tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size
