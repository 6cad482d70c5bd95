"""The benchmark measures what it says; its figures are another matter."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import peers

FIELDS = [("stroke", "fall"), ("fall", "stroke")] * 20
LABELS = np.array(["Circulatory", "External"] * 20)


def test_the_paired_difference_and_its_interval_by_hand():
    ours, theirs = pd.Series([0.5, 0.7, 0.9]), pd.Series([0.4, 0.5, 0.6])
    # Differences 0.1, 0.2, 0.3: mean 0.2, deviation 0.1, t(0.975, 2) = 4.303.
    assert peers.difference(ours, theirs) == "+0.2000 ±0.2484"
    assert peers.difference(ours[:1], theirs[:1]) == "+0.1000"


@pytest.mark.parametrize("name", ["majority", *(n for n in peers.MODELS if n.startswith("TF-IDF"))])
def test_each_peer_gives_probabilities_in_sorted_order(name):
    probabilities = peers.MODELS[name][1](FIELDS, LABELS, 0)(FIELDS[:3])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert probabilities.shape == (3, 2)
    if "blocks" in name:
        assert probabilities[0].argmax() == 0 and probabilities[1].argmax() == 1


def test_a_table_of_two_peers(table, tmp_path):
    table.to_csv(tmp_path / "t.csv", index=False)
    records = peers.load(str(tmp_path / "t.csv"), ["cause", "other"], "category")
    results = {
        name: pd.DataFrame([peers.measure(peers.MODELS[name][1], records, 0)])
        for name in ("majority", "TF-IDF word + LR")
    }
    lines = peers.table(results).splitlines()
    assert len(lines) == 4 and "| majority | 0.3333 |" in lines[2]
