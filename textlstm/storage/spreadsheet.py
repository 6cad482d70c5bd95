"""Cells of files for spreadsheets: text that looks like a formula is escaped."""

FORMULA_STARTS = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV injection); the last ones are the
first, as wide as East Asian characters."""


def escape_formula(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: with an apostrophe before it, if so.

    >>> [escape_formula(cell) for cell in ("=1+1", "-", "Fall", "")]
    ["'=1+1", "'-", 'Fall', '']
    """
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


def unescape_formula(cell: str) -> str:
    """Return a cell as it was before :func:`escape_formula`.

    >>> [unescape_formula(cell) for cell in ("'=1+1", "'-", "Fall", "'s")]
    ['=1+1', '-', 'Fall', "'s"]
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell
