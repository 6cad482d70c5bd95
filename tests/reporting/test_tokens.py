import numpy as np
import pandas as pd
import pytest

from textlstm.reporting import tokens
from textlstm.reporting.drawing import png


def test_the_units_of_an_activation_map_stand_in_the_order_of_their_words():
    hidden = np.array([[0.1, -0.9, 0.0], [0.8, 0.2, 0.0], [0.0, 0.0, -0.3]])  # (tokens, H)
    figure = tokens.activation_map(["a", "b", "c"], {"forward": hidden, "backward": hidden})
    axes = figure.axes[0]
    assert axes.images[0].get_array().tolist() == [[-0.9, 0.2, 0], [0.1, 0.8, 0], [0, 0, -0.3]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "b", "c"]
    assert axes.images[0].get_clim() == (-1, 1)
    assert png(figure).startswith(b"\x89PNG")


@pytest.mark.parametrize("gates", [("input", "forget"), ("reset", "update")])
@pytest.mark.parametrize("directions", [["forward"], ["forward", "backward"]])
def test_gates_are_drawn_under_what_the_words_add(directions, gates):
    columns = {f"{one}_{gate}_gate": [0.2, 0.9] for one in directions for gate in gates}
    table = pd.DataFrame({"token": ["a", "b"], "attribution": [-0.5, 1.0], **columns})
    drawn = tokens.token_gates(table).axes
    assert [bar.get_height() for bar in drawn[0].patches] == [-0.5, 1.0]
    assert len({bar.get_facecolor() for bar in drawn[0].patches}) == 2
    assert len(drawn) == 1 + len(directions)
    assert drawn[-1].lines[0].get_ydata().tolist() == [0.2, 0.9]
    # The gate that keeps what was read before comes first.
    assert [line.get_label() for line in drawn[1].lines] == [f"{one} gate" for one in gates[::-1]]


def test_a_cell_without_gates_is_drawn_by_its_attributions_alone():
    table = pd.DataFrame({"token": ["a"], "attribution": [0.5], "forward_hidden": [0.1]})
    assert len(tokens.token_gates(table).axes) == 1
