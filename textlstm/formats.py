"""Formats of tables: how the names of files end, and the function that reads each format.

To add a format, write a function that takes a path and :class:`.ReadOptions` and yields tables, and
add a line to :data:`FORMATS`. Help texts and messages name the formats from there.
"""

from pathlib import Path

FORMATS = {
    ".csv": "textlstm.data.delimited:read_csv",
    ".tsv": "textlstm.data.delimited:read_tsv",
    ".jsonl": "textlstm.data.json_lines:read_json_lines",
    ".parquet": "textlstm.data.columnar:read_parquet",
    ".arrow": "textlstm.data.columnar:read_arrow",
    ".xlsx": "textlstm.data.workbooks:read_workbook",
    ".dta": "textlstm.data.statistics_files:read_stata",
    ".sas7bdat": "textlstm.data.sas_files:read_sas",
    ".xpt": "textlstm.data.sas_files:read_xport",
    ".sav": "textlstm.data.statistics_files:read_spss",
}
"""Readers by the ending of a file's name, in lower case; a reader is imported when it is needed."""

ENDINGS = tuple(FORMATS)
"""Endings of the names of data files."""

TEXT_ENDINGS = (".csv", ".tsv", ".jsonl")
"""Endings of the names of text files, which have a character set and may be packed."""

COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
"""Compressions by what the name of a packed text file ends in, behind the ending of its format."""


IN_SPREADSHEET = "save it as .xlsx in the spreadsheet program"
"""How to convert files that only spreadsheet programs read."""

CONVERSIONS = {
    **dict.fromkeys((".xlsm", ".xlsb", ".xls", ".ods", ".numbers", ".dbf"), IN_SPREADSHEET),
    **dict.fromkeys((".txt", ".dat"), "if signs divide its cells, rename it to .csv"),
    **dict.fromkeys((".mdb", ".accdb"), "export the table as .xlsx in Access"),
    **dict.fromkeys((".db", ".sqlite", ".sqlite3"), "give --data sqlite:///FILE and --query"),
    **dict.fromkeys((".rds", ".rda", ".rdata"), "in R: write.csv(table, 'table.csv', na = '')"),
    **dict.fromkeys((".bz2", ".xz", ".zip", ".7z", ".gz", ".zst"), "unpack it first"),
    **dict.fromkeys((".json", ".ndjson"), "write an object a line, and name it .jsonl"),
    ".por": "save it as .sav in SPSS",
    ".zsav": "save it as .sav in SPSS",
    ".feather": "rename it to .arrow",
    ".pkl": "in pandas: table.to_parquet('table.parquet')",
}
"""How to convert files of other formats, by the endings of their names."""


def format_of(path: Path) -> str:
    """Return the ending that tells the format of a file; empty if the format is unknown.

    >>> format_of(Path("deaths.CSV.gz")), format_of(Path("deaths.xlsx")), format_of(Path("a.doc"))
    ('.csv', '.xlsx', '')
    """
    ending = path.suffix.lower()
    if ending in COMPRESSIONS:
        packed = path.with_suffix("").suffix.lower()
        return packed if packed in TEXT_ENDINGS else ""
    return ending if ending in FORMATS else ""


def alternatives(names: tuple[str, ...]) -> str:
    """Return names as a list with ``or`` before the last.

    >>> alternatives((".csv", ".tsv", ".jsonl"))
    '.csv, .tsv or .jsonl'
    """
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1])))
