from dataclasses import asdict

import numpy as np
import pandas as pd

from textlstm.evaluation.subgroups import RecordOutcomes
from textlstm.reporting.sections.groups import Groups, PublicGroups


def test_groups_stand_with_their_intervals():
    flags = np.array([True, False])
    outcomes = RecordOutcomes(flags, np.array([1.0, 3.0]), np.array([False, False]), flags | True)
    found = {name: asdict(row) for name, row in outcomes.by(pd.Series(["F", "F"]), 0).items()}
    table = Groups().table(PublicGroups({}, {"sex": found}, 0.02))
    assert table.loc[0, ["column", "group", "records"]].tolist() == ["sex", "F", 2]
    assert table.loc[0, ["accuracy", "log_loss", "coded"]].tolist() == [0.5, 2.0, 0.0]
    assert np.isnan(table.loc[0, "error"]) and table.loc[0, "error_high"] == 1.0


def test_where_no_group_may_be_shown_the_table_is_empty():
    assert not len(Groups().table(PublicGroups({}, {"sex": {}}, 0.02)))
