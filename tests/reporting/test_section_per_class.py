import numpy as np
import pandas as pd
import pytest

from textlstm.reporting.sections.per_class import PerClass, PublicPerClass


def test_class_bars_put_the_most_frequent_class_on_top():
    row = {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    suppressed = dict.fromkeys((*row, "support"))
    bounds = {"common": {key: {"low": 0.4, "high": 0.6} for key in row}, "rare": suppressed}
    per_class = {"rare": suppressed, "common": {**row, "support": 2000}}
    per_class |= {"seldom": suppressed | {"support": 20}}
    bounds |= {"seldom": suppressed}
    bars = PerClass().figure(PublicPerClass(per_class, bounds))
    assert [line.get_xdata().tolist() for line in bars.axes[0].lines] == [[0.4, 0.6]] * 2
    labels = [label.get_text() for label in bars.axes[0].get_yticklabels()]
    assert labels == ["seldom (20)", "common (2,000)"]
    assert [bar.get_width() for bar in bars.axes[0].patches] == pytest.approx(
        [np.nan, 0.5], nan_ok=True
    )


def test_without_a_measure_of_a_class_there_is_no_picture():
    suppressed = dict.fromkeys(("precision", "recall", "f1", "support"))
    assert PerClass().figure(PublicPerClass({"rare": suppressed}, {"rare": suppressed})) is None


def test_measures_that_are_none_are_empty_cells():
    row = {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    nothing = dict.fromkeys((*row, "support"))
    bounds = {name: {"low": 0.4, "high": 0.6} for name in row}
    measures = {"a": {**row, "support": 20}, "b": nothing}
    table = PerClass().table(PublicPerClass(measures, {"a": bounds, "b": nothing}))
    assert table.to_csv(index=False).splitlines()[1:] == [
        "a,20,0.5,0.4,0.6,0.5,0.4,0.6,0.5,0.4,0.6",
        "b,,,,,,,,,,",
    ]
    assert table.drop(columns="label").dtypes.map(pd.api.types.is_numeric_dtype).all()
