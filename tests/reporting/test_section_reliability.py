import numpy as np

from textlstm.evaluation.metrics import reliability_bins
from textlstm.reporting.sections.reliability import Bins, PublicReliability, Reliability
from textlstm.uncertainty.predictions import Predictions


def shown(bins):
    return PublicReliability({"m": Bins.of(bins)}, {})


def test_reliability_leaves_out_bins_of_few_records():
    probabilities = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 9)
    bins = reliability_bins(Predictions.of(probabilities), np.zeros(19, dtype=int))
    axes = Reliability().figure(shown(bins)).axes[0]
    np.testing.assert_allclose(axes.collections[0].get_offsets(), [[0.9, 1.0]])


def test_bins_of_few_records_are_left_out_with_one_more():
    bins = {
        "confidence": np.array([0.4, 0.6, 0.9]),
        "accuracy": np.array([0.5, 0.7, 1.0]),
        "records": np.array([3.0, 20.0, 70.0]),
    }
    table = Reliability().table(shown(bins))
    assert table.to_dict("list") == {
        "model": ["m"], "confidence": [0.9], "accuracy": [1.0], "records": [70]
    }  # fmt: skip
    assert shown(bins).models["m"].records.tolist() == [0, 70]  # 20 would tell the 3


def test_where_no_bin_may_be_shown_the_table_is_empty():
    few = np.array([3.0, 4.0])
    assert not len(
        Reliability().table(shown(dict.fromkeys(("confidence", "accuracy", "records"), few)))
    )
