"""The table of an explanation: a row for each token and covariate, with the name of its record.

Torch is not needed here, so that pages can be written without it.
"""

from collections.abc import Sequence

import pandas as pd

from textlstm.text.tokenizing import SEPARATOR

NEXT_FIELD = "(next field)"
"""Text shown between the words of two fields."""

TABLE_DECIMALS = 6
"""Digits behind the decimal point in the table."""


def explanation_rows(
    names: Sequence[str], tokens: pd.DataFrame, beside: pd.DataFrame
) -> pd.DataFrame:
    """Return a row for each token, and for each covariate, with the name of its record.

    Parameters
    ----------
    names
        (n,) names of the records.
    tokens, beside
        Of the n records, as :func:`.token_table` and :func:`.covariate_table` give them.
    """
    rows = tokens.assign(token=tokens["token"].replace(SEPARATOR, NEXT_FIELD))
    if len(beside):
        of_text = rows.drop_duplicates("row")[["row", "predicted_label", "probability"]]
        covariates = beside.rename(columns={"covariate": "token", "value": "read_as"})
        rows = pd.concat([rows, covariates.merge(of_text, on="row")])
        rows = rows.astype({"number": "Int64"}).sort_values("row", kind="stable")
    named = rows.assign(row=rows["row"].map(names.__getitem__))
    return named.round(TABLE_DECIMALS).rename(columns={"row": "record"})
