import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from textlstm.errors import InputError
from textlstm.scoring import Look, Scores, coded, output_writer, require_free_columns, rounded

SCORES = Scores(
    np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]]), np.array([True, True, False])
)
TABLE = pa.table({"id": [7, 8, 9], "text": ["a", "b", "c"]})


def test_sure_and_readable_texts_are_accepted():
    assert SCORES.decisions() == ["accept", "review", "review"]
    assert SCORES.decisions(0.4) == ["accept", "accept", "review"]
    assert SCORES.decisions(0.71) == ["review"] * 3


def test_ranks():
    assert SCORES.ranked(0).tolist() == [0, 2, 1]
    assert SCORES.ranked(1).tolist() == [1, 0, 0]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_the_table_keeps_its_columns_and_rows(tmp_path, ending):
    path = tmp_path / f"out{ending}"
    output_writer(path)(coded(TABLE, SCORES, ["A", "B", "C"], 0.5))
    read = (pa.csv.read_csv if ending == ".csv" else pq.read_table)(path)
    assert read.to_pydict() == {
        "id": [7, 8, 9],
        "text": ["a", "b", "c"],
        "predicted_label": ["A", "C", "B"],
        "probability": [0.7, 0.4, 0.9],
        "decision": ["accept", "review", "review"],
    }


def test_an_empty_table_stays_empty():
    empty = Scores(np.empty((0, 3)), np.empty(0, dtype=bool))
    assert len(coded(TABLE.slice(0, 0), empty, ["A", "B", "C"], 0.5)) == 0


def test_a_column_is_never_overwritten():
    table = TABLE.append_column("decision", pa.array(["x"] * 3))
    with pytest.raises(InputError, match="decision"):
        require_free_columns(table)


def test_what_a_format_cannot_hold_is_said(tmp_path):
    table = pa.table({"list": [[1], [2]]})
    with pytest.raises(InputError, match="parquet"):
        output_writer(tmp_path / "out.csv")(table)
    assert not list(tmp_path.iterdir())


def test_the_format_is_checked_before_any_work(tmp_path):
    with pytest.raises(InputError, match=r"\.csv or \.parquet"):
        output_writer(tmp_path / "out.xlsx")


def test_six_decimals():
    assert rounded(np.array([1 / 3])).tolist() == [0.333333]


USUAL = {"share of unknown words": 0.01, "mean probability": 0.90}


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (Look(10_000, 0.0, 0.02, 0.88), 0),
        (Look(10_000, 0.0, 0.20, 0.88), 1),
        (Look(10_000, 0.5, 0.20, 0.60), 2),
        (Look(10_000, 0.0, 0.00, 0.99), 0),
        (Look(4, 0.0, 0.50, 0.40), 0),  # four records may look strange by chance
        (Look(0, 1.0, 0.0, 0.0), 0),
    ],
)
def test_records_unlike_those_of_the_training_are_noticed(found, reasons):
    assert len(found.strange(USUAL)) == reasons
