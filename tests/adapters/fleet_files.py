"""Fleet lists in every dress, made for the tests."""

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

import openpyxl
import xlwt

from service_desk.adapters.spreadsheets import read_workbook
from service_desk.rules.fleet_list import BranchNames, FleetListResult, check

BRANCHES = [BranchNames("中牟客运分公司", ("中牟客运",)), BranchNames("巩义公交分公司", ("巩义公交",))]
HEAD = ("车牌号", "车架号", "座位数", "吨位", "初登日期", "所属分公司")
FIRST = ("豫A12345", "LZYTBTE61N1001850", 49, None, date(2020, 3, 1), "中牟客运")
SECOND = ("豫AD774挂", "LZYTBTBW6H1059669", None, "31,500kg", 20210405, "巩义公交")

Edit = Callable[[Any], None]


def checked(data: bytes) -> FleetListResult:
    return check(read_workbook(data), BRANCHES)


def xlsx(
    rows: Iterable[Sequence[Any]] = (HEAD, FIRST, SECOND), edit: Edit | None = None, title: str = "清单"
) -> bytes:
    """A workbook of one sheet; `edit` gets the sheet before it is saved."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    if edit:
        edit(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def xls(rows: Iterable[Sequence[Any]] = (HEAD, FIRST, SECOND), edit: Edit | None = None) -> bytes:
    """The same in the old binary format."""
    book = xlwt.Workbook(encoding="utf-8")
    sheet = book.add_sheet("清单")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    for index, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(
                    index, column, value, day if isinstance(value, date) else xlwt.Style.default_style
                )
    if edit:
        edit(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def text(rows: Iterable[Sequence[Any]] = (HEAD, FIRST, SECOND), delimiter: str = ",") -> str:
    """The same as delimited text, cells with the separator in quotation marks."""
    return "".join(delimiter.join(_quoted(cell, delimiter) for cell in row) + "\r\n" for row in rows)


def _quoted(cell: Any, delimiter: str) -> str:
    words = "" if cell is None else str(cell)
    return f'"{words}"' if delimiter in words or "\n" in words else words


def html(rows: Iterable[Sequence[Any]] = (HEAD, FIRST, SECOND), before: str = "", after: str = "") -> str:
    """The same as a page with one table."""
    lines = "".join(
        "<tr>" + "".join(f"<td>{'' if cell is None else cell}</td>" for cell in row) + "</tr>\n"
        for row in rows
    )
    return (
        f"<html><head><meta charset='gb2312'></head><body><table>{before}{lines}{after}</table></body></html>"
    )


def sheet_xml(data: bytes, change: Callable[[str], str], part: str = "xl/worksheets/sheet1.xml") -> bytes:
    """A workbook with the XML of one part changed by hand."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()).encode() if name == part else content)
    return out.getvalue()
