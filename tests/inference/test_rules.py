import pyarrow as pa
import pytest

from textlstm.errors import InputError
from textlstm.inference.rules import DecisionRequest, DecisionRule, require_free_columns


def test_a_column_is_never_overwritten():
    table = pa.table({"id": [7], "decision": ["x"]})
    with pytest.raises(InputError, match="decision"):
        require_free_columns(table, DecisionRule().columns)
    require_free_columns(table.drop_columns("decision"), DecisionRule().columns)


def test_a_request_names_the_columns_of_its_rule():
    assert DecisionRequest().columns == DecisionRule().columns
    assert DecisionRequest(coverage=0.9).columns == DecisionRule(0.5, 0.1).columns


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (DecisionRequest(min_probability=-0.1), "--min-probability must lie between 0 and 1"),
        (DecisionRequest(min_probability=90), "for 90 % write 0.9 or 90%"),
        (DecisionRequest(max_error=0.0), "--max-error must lie between 0 and 1"),
        (DecisionRequest(coverage=1.0), "--coverage must lie between 0 and 1"),
        (DecisionRequest(coverage=95), "for 95 % write 0.95 or 95%"),
    ],
)
def test_a_share_out_of_range_is_refused(request_, message):
    with pytest.raises(InputError, match=message):
        request_.require_shares()


def test_the_ends_of_the_ranges():
    DecisionRequest(0.0, None, 0.999).require_shares()
    DecisionRequest(1.0, None, 0.001).require_shares()
