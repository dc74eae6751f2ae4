"""Reading a file by what it holds: its name and its ending are often wrong."""

from service_desk.adapters.spreadsheets.html_tables import is_markup, read_html
from service_desk.adapters.spreadsheets.limits import MOST_FILE_BYTES, UnreadableError
from service_desk.adapters.spreadsheets.text_files import decode, read_text
from service_desk.adapters.spreadsheets.xls import read_xls
from service_desk.adapters.spreadsheets.xlsx import read_xlsx
from service_desk.rules.fleet_list.workbook import FileError, FileKind, Workbook

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BARE_BIFF = (b"\x09\x02", b"\x09\x04", b"\x09\x08")
_NEVER_A_TABLE = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"%PDF",
    b"{\\rtf",
    b"PK",
    b"Rar!",
    b"7z\xbc\xaf",
    b"\x1f\x8b",
)


def read_workbook(data: bytes) -> Workbook:
    """Read any spreadsheet, HTML table or delimited text; never raises, a bad file has a `file_error`."""
    if len(data) > MOST_FILE_BYTES:
        return Workbook(kind=None, file_error=FileError.UNREADABLE)
    try:
        return _read(data)
    except UnreadableError:
        return Workbook(kind=None, file_error=FileError.UNREADABLE)


def _read(data: bytes) -> Workbook:
    if not data.strip(b" \t\r\n\0"):
        return Workbook(kind=None, file_error=FileError.EMPTY)
    if data.startswith(_ZIP):
        return Workbook(FileKind.XLSX, read_xlsx(data))
    if data.startswith((_OLE, *_BARE_BIFF)):
        return Workbook(FileKind.XLS, read_xls(data))
    if data.startswith(_NEVER_A_TABLE):
        raise UnreadableError("a picture, a document or an archive")
    return _read_characters(decode(data))


def _read_characters(text: str) -> Workbook:
    if not text.strip():
        return Workbook(kind=None, file_error=FileError.EMPTY)
    if is_markup(text):
        return Workbook(FileKind.HTML, read_html(text))
    sheet, delimiter = read_text(text)
    return Workbook(FileKind.TEXT, (sheet,), delimiter=delimiter)
