"""A cell and a pooling that are not the default ones, from the table to the explained record."""

import json
import re

import pandas as pd
import pytest

from pipelines import explain
from pipelines import run as run_stage

FLAGS = (
    "--text cause other --label category --id record_id --cell gru --pooling attention "
    "--ensemble-size 2 --epochs 6 --embedding-size 16 --hidden-units 12 --batch-size 16 "
    "--min-steps 0 --learning-rate 0.02 --device cpu"
).split()


@pytest.fixture(scope="module")
def home(tmp_path_factory, table):
    """A folder with the records as CSV and a finished run of GRUs with attention."""
    folder = tmp_path_factory.mktemp("gru")
    table.to_csv(folder / "records.csv", index=False)
    run_stage.main(["--data", f"{folder}/records.csv", "--run", f"{folder}/run", *FLAGS])
    return folder


def explained(home, name, *more):
    arguments = ["--run", "run", "--data", "records.csv", "--out", name]
    files = [str(home / value) if index % 2 else value for index, value in enumerate(arguments)]
    explain.main([*files, "--gates", "--records", "3", "1", *more])
    return home / name


def test_a_run_of_another_network_is_measured_and_reported(home):
    network = json.loads((home / "run/config.json").read_text())["recipe"]["network"]
    assert (network["cell"], network["pooling"]) == ("gru", "attention")
    metrics = json.loads((home / "run/metrics.json").read_text())
    assert metrics["model"]["accuracy"] > 0.9
    assert metrics["hidden_units"]["size"] == 12
    assert "12 hidden units" in (home / "run/report.html").read_text()


def test_the_gates_of_the_cell_are_explained(home):
    page = explained(home, "why.html", "--member", "2").read_text()
    headers = re.findall(r'<th scope="col">([a-z ]+)</th>', page)
    assert [name for name in headers if "gate" in name] == ["reset gate", "update gate"] * 4
    assert headers.count("hidden") == 4 and "forget" not in page
    assert "Where the update gate is near 1, the state keeps what was read before." in page


def test_gates_are_written_word_by_word(home):
    rows = pd.read_csv(explained(home, "why.csv"))
    for direction in ("forward", "backward"):
        for gate in ("reset_gate", "update_gate"):
            assert rows[f"{direction}_{gate}"].between(0, 1).all()
        assert rows[f"{direction}_hidden"].between(0, 1).all()
    assert not [name for name in rows if "input" in name or "forget" in name]
