import numpy as np
import pytest
from matplotlib.image import imread

from textlstm.reporting import clouds
from textlstm.reporting.clouds import draw_cloud, draw_clouds, word_table
from textlstm.reporting.drawing import save_png


def test_one_seed_draws_one_cloud(tmp_path):
    words = {f"word{number}": number + 10 for number in range(30)}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        save_png(draw_cloud(words, seed), tmp_path / f"{name}.png")
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
    assert draw_cloud(words, 0) is None
    assert draw_clouds({"a": words}, 0) is None


def test_stop_words_of_other_languages_that_mean_something_in_english_are_drawn(monkeypatch):
    drawn = {}
    monkeypatch.setattr(
        clouds.WordCloud,
        "generate_from_frequencies",
        lambda self, words: drawn.update(words) or self,
    )
    monkeypatch.setattr(clouds.WordCloud, "to_array", lambda _: np.zeros((2, 2, 3), np.uint8))
    words = "die male fire toe car od als sah af ich fall wound por und".split()
    draw_cloud(dict.fromkeys(words, 30), 0)
    assert list(drawn) == words[:-2]


def test_without_a_font_there_is_no_cloud(monkeypatch):
    monkeypatch.setattr("wordcloud.wordcloud.FONT_PATH", "/no/such/font.ttf")
    assert draw_cloud({"stroke": 10}, 0) is None


def test_clouds_side_by_side_leave_out_classes_without_words():
    drawn = draw_clouds({"a": {"stroke": 12}, "b": {}, "c": {"fall": 11}}, 0)
    assert [axes.get_title() for axes in drawn.axes if axes.get_title()] == ["a", "c"]


def test_no_number_of_records_with_a_word_tells_another():
    # Of 57 records with a word 52 are of one class: 5 of the other are not to be known.
    table = word_table({"": {"fall": 57}, "a": {"fall": 52}})
    assert table["records_at_least"].tolist() == [50, 50]
