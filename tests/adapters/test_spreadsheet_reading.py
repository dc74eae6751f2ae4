"""Reading fleet lists in every format, layout and encoding, and refusing what is none."""

import io
import re
import zipfile
from datetime import date, datetime, timedelta

import openpyxl
import pytest
import xlsxwriter
import xlwt
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.rules.fleet_list import CellError, FileError, FileKind, Verdict
from tests.adapters.fleet_files import FIRST, HEAD, SECOND, checked, html, sheet_xml, text, xls, xlsx

PLAIN = text()


def facts(data: bytes) -> list[tuple[object, ...]]:
    return [row.values() for row in checked(data).accepted]


EXPECTED = facts(xlsx())


def test_the_pattern_has_two_vehicles() -> None:
    assert len(EXPECTED) == 2
    assert EXPECTED[0][9:] == (None, "中牟客运分公司")
    assert EXPECTED[1][7] == date(2021, 4, 5)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (xls(), FileKind.XLS),
        (PLAIN.encode(), FileKind.TEXT),
        (PLAIN.encode("utf-8-sig"), FileKind.TEXT),
        (PLAIN.encode("gbk"), FileKind.TEXT),
        (PLAIN.encode("gb18030"), FileKind.TEXT),
        (PLAIN.encode("utf-16"), FileKind.TEXT),
        (b"\xfe\xff" + PLAIN.encode("utf-16-be"), FileKind.TEXT),
        (PLAIN.encode("utf-16-le"), FileKind.TEXT),
        (PLAIN.encode("utf-16-be"), FileKind.TEXT),
        (text(delimiter=";").encode(), FileKind.TEXT),
        (text(delimiter="\t").encode("gbk"), FileKind.TEXT),
        (text(delimiter="\t").encode("utf-16"), FileKind.TEXT),
        (PLAIN.replace("\r\n", "\n").encode(), FileKind.TEXT),
        (PLAIN.replace("\r\n", "\r").encode(), FileKind.TEXT),
        (PLAIN.rstrip().encode(), FileKind.TEXT),
        (html().encode(), FileKind.HTML),
        (html().encode("utf-8-sig"), FileKind.HTML),
        (html().encode("gbk"), FileKind.HTML),
        (html().encode("utf-16"), FileKind.HTML),
        (html().upper().replace("中牟", "中牟").encode(), FileKind.HTML),
    ],
)
def test_the_same_list_in_another_dress_says_the_same(data: bytes, kind: FileKind) -> None:
    assert read_workbook(data).kind is kind
    assert facts(data) == EXPECTED


# .xlsx


def test_hidden_rows_columns_and_sheets_count() -> None:
    def hide(sheet: openpyxl.worksheet.worksheet.Worksheet) -> None:
        sheet.row_dimensions[2].hidden = True
        sheet.column_dimensions["B"].hidden = True
        sheet.parent.create_sheet("封面")
        sheet.sheet_state = "hidden"

    assert facts(xlsx(edit=hide)) == EXPECTED


def test_merged_cells_hold_for_each_row_also_beside_empty_cells() -> None:
    rows = [HEAD, FIRST, (*SECOND[:5], None)]

    result = checked(xlsx(rows, lambda sheet: sheet.merge_cells("F2:F3")))

    assert [row.branch for row in result.accepted] == ["中牟客运分公司", "中牟客运分公司"]


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"])
def test_error_cells_are_found_with_their_text(error: str) -> None:
    data = xlsx([HEAD, FIRST, (*SECOND[:4], error, SECOND[5])])

    assert [(r.row, r.code, r.value) for r in checked(data).rejected] == [(3, Verdict.CELL_ERROR, error)]


def test_an_error_beyond_the_last_value_is_found() -> None:
    data = xlsx([HEAD, FIRST, (None, None, None, None, None, "#N/A")])

    assert [(r.row, r.code) for r in checked(data).rejected] == [(3, Verdict.IDENTITY_MISSING)]


def test_an_error_with_formula_and_empty_or_missing_value_is_found() -> None:
    for cell in (
        '<c r="F3" t="e"><f>VLOOKUP(A3,X!A:B,2,0)</f><v>#REF!</v></c>',
        "<c t='e' r='F3' ><f t=\"shared\" si=\"0\"/><v>#REF!</v></c>",
        '<c r="F3" s="1" t="e"/>',
        '<c r="F3" t="e"></c>',
    ):
        data = sheet_xml(xlsx(), lambda xml, cell=cell: re.sub(r'<c r="F3".*?</c>', cell, xml))

        assert [(r.row, r.code) for r in checked(data).rejected] == [(3, Verdict.CELL_ERROR)]


def test_cells_that_do_not_say_where_they_stand_are_counted() -> None:
    data = xlsx([HEAD, FIRST, (*SECOND[:5], "#N/A")])
    without_places = sheet_xml(data, lambda xml: re.sub(r'<(c|row) r="\w+"', r"<\1", xml))

    # Empty cells need a place of their own then, as a writer without references gives them.
    filled = sheet_xml(
        xlsx([[c or " " for c in row] for row in (HEAD, FIRST, (*SECOND[:5], "#N/A"))]),
        lambda xml: re.sub(r'<(c|row) r="\w+"', r"<\1", xml),
    )

    assert read_workbook(without_places).file_error is None
    assert [(r.row, r.code) for r in checked(filled).rejected] == [(3, Verdict.CELL_ERROR)]


def test_names_with_a_prefix_and_comments_are_read() -> None:
    data = xlsx([HEAD, FIRST, (*SECOND[:5], "#N/A")], lambda sheet: sheet.merge_cells("F4:F5"))
    prefixed = sheet_xml(
        data,
        lambda xml: re.sub(r"<(/?)(\w)", r"<\1x:\2", xml).replace("xmlns=", "xmlns:x="),
    )
    commented = sheet_xml(
        data, lambda xml: xml.replace("<sheetData>", '<sheetData><!-- <c r="A1" t="e"> -->')
    )

    for changed in (prefixed, commented):
        assert [(r.row, r.code) for r in checked(changed).rejected] == [(3, Verdict.CELL_ERROR)]


def test_dates_with_time_text_numbers_booleans_and_inline_strings() -> None:
    rows = [
        HEAD,
        (*FIRST[:4], datetime(2020, 3, 1, 23, 30), FIRST[5]),
        (*SECOND[:4], 20210405, SECOND[5]),
        ("豫A00001", None, True, None, None, "巩义公交"),
        ("豫A00002", None, 5, None, timedelta(hours=30), "巩义公交"),
    ]

    result = checked(xlsx(rows))

    assert [row.values() for row in result.accepted] == EXPECTED
    assert [(r.row, r.code) for r in result.rejected] == [
        (4, Verdict.NUMBER_INVALID),
        (5, Verdict.DATE_INVALID),
    ]


def test_the_1904_date_system_is_honoured_for_dates_and_bare_serials() -> None:
    book = openpyxl.Workbook()
    book.epoch = CALENDAR_MAC_1904
    book.active.append(HEAD)
    book.active.append(FIRST)
    book.active.append((*SECOND[:4], 44291 - 1462, SECOND[5]))
    out = io.BytesIO()
    book.save(out)

    assert facts(out.getvalue()) == EXPECTED


def test_a_formula_counts_with_its_stored_value() -> None:
    data = sheet_xml(
        xlsx(),
        lambda xml: re.sub(r'(<c r="C2"[^>]*>)<v>49</v>', r"\1<f>7*7</f><v>49</v>", xml),
    )

    assert facts(data) == EXPECTED


def test_chart_sheets_and_empty_sheets_are_passed_over() -> None:
    def add(sheet: openpyxl.worksheet.worksheet.Worksheet) -> None:
        sheet.parent.create_chartsheet("图表", 0)
        sheet.parent.create_sheet("空", 0)

    assert facts(xlsx(edit=add)) == EXPECTED


def test_a_format_far_away_costs_nothing() -> None:
    def far(sheet: openpyxl.worksheet.worksheet.Worksheet) -> None:
        sheet["XFD1048576"].font = openpyxl.styles.Font(bold=True)

    assert facts(xlsx(edit=far)) == EXPECTED


@pytest.mark.parametrize("value", ["x", "#N/A"])
def test_a_value_too_far_away_is_refused(value: str) -> None:
    def far(sheet: openpyxl.worksheet.worksheet.Worksheet) -> None:
        sheet["XFD1048576"] = value

    assert read_workbook(xlsx(edit=far)).file_error is FileError.UNREADABLE


def test_a_false_count_of_strings_does_no_harm() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for index, row in enumerate((HEAD, ("豫A12345", "", 49, "", "2020-3-1", "中牟客运"))):
            sheet.write_row(index, 0, row)
    false = sheet_xml(
        out.getvalue(),
        lambda xml: re.sub(r'(count|uniqueCount)="\d+"', r'\1="99999999999"', xml),
        "xl/sharedStrings.xml",
    )

    assert [row.plate for row in checked(false).accepted] == ["豫A12345"]


# .xls


def test_xls_error_cells_and_merged_cells() -> None:
    def edit(sheet: xlwt.Worksheet) -> None:
        sheet.merge(1, 2, 5, 5)
        sheet.row(3).set_cell_text(0, "豫A00001")
        sheet.row(3).set_cell_error(2, 0x2A)
        sheet.row(4).set_cell_boolean(0, True)

    rows = [HEAD, FIRST, (*SECOND[:5], None)]

    result = checked(xls(rows, edit))

    assert [row.branch for row in result.accepted] == ["中牟客运分公司", "中牟客运分公司"]
    assert [(r.row, r.code, r.value) for r in result.rejected] == [
        (4, Verdict.CELL_ERROR, "#N/A"),
        (5, Verdict.PLATE_INVALID, "TRUE"),
    ]


def test_xls_numbers_with_a_date_format_that_are_no_serials_stay_numbers() -> None:
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    data = xls([HEAD, FIRST, (*SECOND[:4], None, SECOND[5])], lambda sheet: sheet.write(2, 4, 20210405, day))

    assert facts(data) == EXPECTED


def test_xls_blanks_far_below_the_list_are_nothing() -> None:
    assert facts(xls(edit=lambda sheet: sheet.write(65535, 255, " "))) == EXPECTED


# Text


def test_lines_are_counted_as_written_with_empty_lines_and_line_breaks_in_cells() -> None:
    lines = '标题\r\n\r\n"车牌\r\n号",车架号,座位数,单位\r\n,,,\r\n"豫A\r\n12345",,"4\r\n9",中牟客运\r\n豫A1,,,中牟客运\r\n'

    result = checked(lines.encode())

    assert [(r.sheet, r.row, r.plate, r.seats) for r in result.accepted] == [(None, 6, "豫A12345", 49)]
    assert [(r.row, r.code) for r in result.rejected] == [(9, Verdict.PLATE_INVALID)]


def test_a_record_with_a_line_break_has_the_number_of_its_first_line() -> None:
    lines = '车牌号,车架号,座位数,车型,单位\n豫A12345,,49,"宇通\nZK6119H",中牟客运\n豫A54321,,5,,中牟客运\n'

    result = checked(lines.encode("gbk"))

    assert [(r.row, r.model) for r in result.accepted] == [(2, "宇通 ZK6119H"), (4, None)]
    assert {r.sheet for r in result.accepted} == {None}


def test_commas_in_cells_do_not_hide_a_semicolon_or_tab() -> None:
    for delimiter in (";", "\t"):
        lines = (
            delimiter.join(HEAD)
            + "\n"
            + delimiter.join(("豫A1234挂", "", "", "31,500kg", "", "中牟客运"))
            + "\n"
        )

        assert [str(row.load_t) for row in checked(lines.encode()).accepted] == ["31.5"]


def test_a_quotation_mark_that_never_closes_swallows_nothing() -> None:
    lines = '车牌号,车型,座位数,单位\n豫A12345,"宇通ZK6119H,49,中牟客运\n豫A54321,比亚迪K9,5,中牟客运\n'

    assert [row.plate for row in checked(lines.encode()).accepted] == ["豫A12345", "豫A54321"]


def test_a_guarded_text_is_unwrapped() -> None:
    lines = '车牌号,车架号,座位数,单位\n="豫A12345",="LZYTBTE61N1001850",="49",中牟客运\n'

    assert [(r.plate, r.seats) for r in checked(lines.encode()).accepted] == [("豫A12345", 49)]


def test_an_error_written_as_text_is_a_cell_error() -> None:
    lines = text([HEAD, (*FIRST[:5], "#N/A"), SECOND])

    assert [(r.row, r.code) for r in checked(lines.encode()).rejected] == [(2, Verdict.CELL_ERROR)]


# HTML


def test_html_rows_are_numbered_by_their_tr_and_spans_are_merged_cells() -> None:
    page = """<html><style>td {mso-number-format:"\\@"}</style><table border=1>
      <tr><th colspan=6>车辆<br>清册</th></tr><tr></tr>
      <tr><th rowspan=2>车牌号<th rowspan="2">车架号<th rowspan=2>座位数<th colspan=2>保险<th rowspan=2>单位</tr>
      <tr><th>交强险<br/>到期</th><th>商业险到期</th></tr>
      <tr><td>豫A&middot;12345<td>LZYTBTE61N1001850</td><td>49&nbsp;<td>2027-1-2<td>2027-3-4<td rowspan=2>中牟<b>客运</b></tr>
      <TR style="display:none"><TD>豫AD774挂</TD><TD></TD><TD></TD><TD>#N/A</TD><TD></TD></TR>
      <tr><td>合计<td><td>49</tr>
      <tr><td>豫A54321<td><td>5<td><td><td rowspan=0>巩义公交</tr>
      <tr><td>豫A54322<td><td>6</tr>
    </table></html>"""

    result = checked(page.encode())

    assert [(r.row, r.plate, r.seats, r.branch) for r in result.accepted] == [
        (5, "豫A12345", 49, "中牟客运分公司"),
        (8, "豫A54321", 5, "巩义公交分公司"),
        (9, "豫A54322", 6, "巩义公交分公司"),
    ]
    assert result.accepted[0].commercial_expires_on == date(2027, 3, 4)
    assert [(r.row, r.code) for r in result.rejected] == [(6, Verdict.CELL_ERROR)]


@pytest.mark.parametrize("section", ["<![endif]>", "<![foo[x]]>", "<![if !supportMisalignedColumns]>"])
def test_sections_that_only_an_office_program_knows_are_passed_over(section: str) -> None:
    assert facts(f"<p>{section}{html()}{section}".encode()) == EXPECTED


def test_a_table_inside_a_layout_table_is_found() -> None:
    page = f"<table><tr><td>菜单</td><td>{html()}</td></tr></table>"

    assert facts(page.encode()) == EXPECTED
    assert [row.row for row in checked(page.encode()).accepted] == [3, 4]


# What cannot be read


def _locked() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "x" * 100)
    data = bytearray(out.getvalue())
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    return bytes(data)


def _bomb() -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part,
    ):
        for _ in range(600):
            part.write(bytes(1024 * 1024))
    return out.getvalue()


def _expansion() -> bytes:
    entities = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    return sheet_xml(xlsx(), lambda xml: entities + xml)


def _other_archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(xlsx()[:-200], id="cut xlsx"),
        pytest.param(xlsx()[:400], id="stump of an xlsx"),
        pytest.param(xls()[:1000], id="cut xls"),
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000), id="hollow xls"),
        pytest.param(_locked(), id="locked archive"),
        pytest.param(_expansion(), id="entity expansion"),
        pytest.param(_other_archive(), id="another archive"),
        pytest.param(sheet_xml(xlsx(), lambda xml: xml[:300]), id="cut sheet"),
        pytest.param(sheet_xml(xlsx(), lambda _: "", "xl/workbook.xml"), id="no workbook"),
        pytest.param(b"PK\x05\x06" + bytes(18), id="empty archive"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(range(256)), id="picture"),
        pytest.param(b"%PDF-1.7\n" + PLAIN.encode(), id="pdf"),
        pytest.param("车牌号".encode("gbk") + b"\xff\xff\x81", id="no encoding"),
        pytest.param(b"a,b,c\n\x01\x02\x03,d,e\n", id="control characters"),
        pytest.param(b"<html><body>Error 500</body></html>", id="page without table"),
        pytest.param(b"<?xml version='1.0'?><a/>", id="xml"),
        pytest.param(b"<table>" + b"<tr><td colspan=2000>" * 5000, id="page of wide cells"),
        pytest.param(b"," * 9_000_000, id="nine million commas"),
        pytest.param(b"a,b,c\n" * 200_001, id="too many lines"),
        pytest.param(b"\xff\xfe\x00\xd8", id="broken utf-16"),
    ],
)
def test_what_cannot_be_read_is_said_to_be_unreadable(data: bytes) -> None:
    assert checked(data).file_error is FileError.UNREADABLE


def test_a_zip_bomb_is_said_to_be_unreadable() -> None:
    """Alone, for it takes seconds to make: a parameter is made by every worker that collects."""
    assert checked(_bomb()).file_error is FileError.UNREADABLE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \r\n\t",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbf\r\n",
        b"\xff\xfe",
        b",,,\r\n,,,\r\n",
        xlsx([]),
        xls([]),
        b"<table><tr><td>&nbsp;</td></tr></table>",
        b"<table></table>",
    ],
)
def test_a_file_without_content_is_empty(data: bytes) -> None:
    assert checked(data).file_error is FileError.EMPTY


@pytest.mark.parametrize("data", ["你好，世界".encode(), b"a,b,c\n1,2,3\n", xlsx([("a", "b", "c")])])
def test_a_file_without_header_says_so(data: bytes) -> None:
    assert checked(data).file_error is FileError.HEADER_NOT_FOUND


def test_fifty_thousand_rows_are_read_whole() -> None:
    rows = [f"豫A{number:05d},,49,,2020-3-1,中牟客运" for number in range(50_000)]

    result = checked("\n".join([",".join(HEAD), *rows]).encode("gbk"))

    assert (len(result.accepted), result.rejected) == (50_000, ())


def test_error_cells_are_values_of_their_own() -> None:
    sheet = read_workbook(xlsx([("a", "#N/A")])).sheets[0]

    assert sheet.rows[0][1] == CellError("#N/A")
