"""Workbooks: cells of every kind, sheets, and files that are not what they seem."""

import datetime as dt
import io
import zipfile

import openpyxl
import pytest
from written_tables import read_all, write

from textlstm.data import workbooks
from textlstm.data.options import Limits, TableChoices
from textlstm.data.readers import iter_tables, read_table
from textlstm.errors import InputError


def workbook(path, rows, **sheets):
    """Write a workbook with a sheet of these rows, and further sheets by their names."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, others in sheets.items():
        sheet = book.create_sheet(name)
        for row in others:
            sheet.append(row)
    book.save(path)
    return str(path)


def with_sheet(path, rows):
    """Write a workbook whose sheet has these rows as XML, shared strings "a" and "b" and dates."""
    workbook(path, [["a", "b"], ["a", dt.date(2020, 1, 1)]])
    made = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w") as new:
        for part in old.infolist():
            content = old.read(part)
            if part.filename.endswith("sheet1.xml"):
                start, end = content.index(b"<sheetData>"), content.index(b"</sheetData>")
                content = content[: start + 11] + rows.encode() + content[end:]
            if part.filename == "[Content_Types].xml":
                content = content.replace(b"</Types>", SHARED_TYPE + b"</Types>")
            new.writestr(part, content)
        new.writestr("xl/sharedStrings.xml", SHARED)
    path.write_bytes(made.getvalue())
    return str(path)


HEADER = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>'
"""A header of the columns a and b."""

SHARED = (
    b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>a</t></si>'
    b"<si><r><rPr><b/></rPr><t>b</t></r><rPh sb='0' eb='1'><t>spoken</t></rPh></si></sst>"
)
"""The strings a and b, one in bold and with its pronunciation."""

SHARED_TYPE = (
    b'<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-'
    b'officedocument.spreadsheetml.sharedStrings+xml"/>'
)
"""What the list of parts says about these strings."""


def cells_of(source, **choices):
    return read_table(source, choices=TableChoices(**choices)).to_pydict()


def lines_of(source):
    lines = []
    list(iter_tables(source, log=lines.append))
    return lines


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0123", "0123"), ("NA", "NA"), (None, ""), (1, "1"), (1.0, "1"), (0.5, "0.5"),
        (-0.0, "0"), (1e20, "1e+20"), (True, "True"), (dt.date(2020, 1, 31), "2020-01-31"),
        (dt.datetime(2020, 1, 31, 14, 5), "2020-01-31 14:05:00"), (dt.time(14, 5), "14:05:00"),
        (dt.timedelta(hours=26, seconds=5), "26:00:05"),
        ("fall,\n\"at\" home", "fall,\n\"at\" home"),
        ("x" * 32_000, "x" * 32_000), (" fall ", " fall "),
    ],
)  # fmt: skip
def test_cells_are_read_as_text(tmp_path, value, text):
    source = workbook(tmp_path / "t.xlsx", [["a", "b"], ["x", value]])
    assert cells_of(source) == {"a": ["x"], "b": [text]}


def test_a_cell_may_be_longer_than_spreadsheets_permit(tmp_path):
    cell = f'<c r="A2" t="inlineStr"><is><t>{"x" * 40_000}</t></is></c>'
    source = with_sheet(tmp_path / "t.xlsx", HEADER + f'<row r="2">{cell}</row>')
    assert cells_of(source)["a"] == ["x" * 40_000]


def test_formulas_have_their_values_and_errors_are_empty(tmp_path):
    rows = (
        '<row r="2"><c r="A2" t="str"><f>"fa"&amp;"ll"</f><v>fall</v></c>'
        '<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
        '<row r="3"><c r="A3"><f>1+1</f><v>2</v></c><c r="B3" t="e"><v>#REF!</v></c></row>'
        '<row r="4"><c r="A4"><f>1+1</f><v></v></c><c r="B4" t="s"><v>1</v></c></row>'
        '<row r="5"><c r="A5"><f>1+1</f></c><c r="B5" t="s"><v>1</v></c></row>'
    )
    source = with_sheet(tmp_path / "t.xlsx", HEADER + rows)
    assert cells_of(source) == {"a": ["fall", "2", "", ""], "b": ["", "", "b", "b"]}
    without_value, errors = lines_of(source)
    assert "2 formulas have no value" in without_value and "save it" in without_value
    assert "2 cells have an error such as #REF!" in errors


def test_merged_cells_are_told_and_hidden_rows_are_read(tmp_path):
    book = openpyxl.Workbook()
    for row in (["cause", "label"], ["fall", "External"], ["burn", None], ["asthma", "Disease"]):
        book.active.append(row)
    book.active.merge_cells("B2:B3")
    book.active.row_dimensions[4].hidden = True
    book.save(tmp_path / "t.xlsx")
    source = str(tmp_path / "t.xlsx")
    assert cells_of(source)["label"] == ["External", "", "Disease"]
    (line,) = lines_of(source)
    assert "1 block of merged cells" in line and "the others are read as empty" in line


def test_the_first_visible_sheet_is_read_and_others_with_cells_are_told(tmp_path):
    source = workbook(tmp_path / "t.xlsx", [["a"], ["1"]], Deaths=[["a"], ["2"]], Empty=[])
    assert cells_of(source) == {"a": ["1"]}
    assert cells_of(source, sheet="Deaths") == {"a": ["2"]}
    (line,) = lines_of(source)
    assert "sheet 'Sheet'; not read: 'Deaths' (--sheet names another)" in line
    with pytest.raises(InputError, match="no sheet 'deaths'; did you mean 'Deaths'"):
        cells_of(source, sheet="deaths")
    book = openpyxl.load_workbook(source)
    book.worksheets[0].sheet_state = "hidden"
    book.active = 1
    book.save(source)
    assert cells_of(source) == {"a": ["2"]}


def test_rows_keep_their_numbers_and_empty_ones_at_the_end_are_left_out(tmp_path):
    rows = [["a", "b", None], ["1", "2"], [None, None], ["3"], ["", None], [None, " "], [None]]
    source = workbook(tmp_path / "t.xlsx", rows)
    expected = {"a": ["1", "", "3", "", ""], "b": ["2", "", "", "", " "]}
    assert cells_of(source) == expected
    chunks = list(iter_tables(source, limits=Limits(chunk_rows=2)))
    assert [len(chunk) for chunk in chunks] == [2, 2, 1]
    assert read_all(source, chunk_cells=1).to_pydict() == expected


def test_a_header_alone_gives_a_table_without_rows(tmp_path):
    assert cells_of(workbook(tmp_path / "t.xlsx", [["a", 2020]])) == {"a": [], "2020": []}


def test_characters_that_xml_cannot_hold_are_unescaped(tmp_path):
    cells = "".join(
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>{text}</t></is></c></row>'
        for row, text in ((2, "a_x000D_b"), (3, "_x005F_x000D_"), (4, "a_xb"), (5, "_xD800_"))
    )
    source = with_sheet(tmp_path / "t.xlsx", HEADER + cells)
    assert cells_of(source)["a"] == ["a\rb", "_x000D_", "a_xb", "\ufffd"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "first row of the sheet is empty"),
        ([[None, None], ["a", "b"]], "first row of the sheet is empty"),
        ([["a", None, "b"]], "column B has no name"),
        ([["a", " ", "b"]], "column B has no name"),
        ([["a", "b", "a"]], "'a' stands there twice"),
        ([["Deaths of 2020"], ["cause", "label"]], "row 2 has a cell in a column that has no name"),
    ],
)
def test_headers_that_do_not_name_the_columns_are_refused(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_table(workbook(tmp_path / "t.xlsx", rows))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('<row r="2"><c r="A2"><v>1e</v></c></row>', r"not a readable \.xlsx"),
        ('<row r="2"><c r="A2" t="s"><v>99</v></c></row>', r"not a readable \.xlsx"),
        ('<row r="2"><c r="ABCD2"><v>1</v></c></row>', r"not a readable \.xlsx"),
        ('<row r="2"><c r="A2"><v>', r"not a readable \.xlsx"),
        ('<row r="999999999"><c r="A999999999"><v>1</v></c></row>', "1,048,576 rows"),
    ],
)
def test_damaged_sheets_are_refused(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        read_table(with_sheet(tmp_path / "t.xlsx", HEADER + rows))


def test_a_date_out_of_range_is_an_error_value_and_warns_nobody(tmp_path, recwarn):
    rows = '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" s="1"><v>99999999</v></c></row>'
    source = with_sheet(tmp_path / "t.xlsx", HEADER + rows)
    assert cells_of(source)["b"] == [""]
    assert not recwarn


def test_sheets_that_lie_about_their_size_are_read_whole(tmp_path):
    source = workbook(tmp_path / "t.xlsx", [["a", "b"], ["1", "2"]])
    made = io.BytesIO()
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(made, "w") as new:
        for part in old.infolist():
            new.writestr(part, old.read(part).replace(b'ref="A1:B2"', b'ref="A1"'))
    (tmp_path / "t.xlsx").write_bytes(made.getvalue())
    assert cells_of(source) == {"a": ["1"], "b": ["2"]}


def test_encrypted_broken_and_bomb_workbooks_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "t.xlsx"
    for content, message in (
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted with a password"),
        (b"cause,label\n", r"not a readable \.xlsx"),
    ):
        with pytest.raises(InputError, match=message):
            read_table(write(path, content))
    whole = (tmp_path / "t.xlsx", workbook(path, [["a"], ["fall"]]))[0].read_bytes()
    for end in range(0, len(whole), 97):
        path.write_bytes(whole[:end] or b"x")
        with pytest.raises(InputError, match=r"not a readable \.xlsx"):
            read_table(str(path))
    path.write_bytes(whole)
    monkeypatch.setattr(workbooks, "MAX_UNPACKED_WORKBOOK", 100)
    monkeypatch.setattr(workbooks, "MAX_WORKBOOK_RATIO", 1)
    with pytest.raises(InputError, match="if it is not a bomb"):
        read_table(str(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "")
    with pytest.raises(InputError, match=r"not a readable \.xlsx"):
        read_table(str(path))
