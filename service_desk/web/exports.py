"""Any table as .xlsx: exactly what is filtered, in portions through a file on disk, and written into the audit trail."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from tempfile import TemporaryFile
from typing import TypeVar

from flask import send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from wtforms import BooleanField, Form
from wtforms.fields.core import Field

from service_desk.adapters.spreadsheets import XLSX, TableSheet, write_workbook
from service_desk.base.paging import Page, PageRequest
from service_desk.forms.fields import Choosing
from service_desk.models.db import read_standing_still
from service_desk.presenters.exports import filter_note
from service_desk.services import exports
from service_desk.web.http import keep_export

T = TypeVar("T")


def send_list(
    read: Callable[[PageRequest], Page[T]],
    sheet_of: Callable[[Iterable[T]], TableSheet],
    name: str,
    chosen: Sequence[tuple[str, str]] = (),
    *,
    of_desk: bool = False,
    account_id: int | None = None,
) -> ResponseReturnValue:
    """A list as a file to be saved under a name.

    `read` is the service behind the page, so that count and order are the page's. `chosen` says the filter in words,
    `of_desk` that it is not the account's, `account_id` whose it is where the address names what it is of.
    """

    def sheets() -> list[TableSheet]:
        sheet = sheet_of(exports.in_portions(read))
        return [replace(sheet, notes=[*sheet.notes, filter_note(chosen)])]

    return send_book(sheets, name, of_desk=of_desk, account_id=account_id)


def send_book(
    read: Callable[[], Sequence[TableSheet]],
    name: str,
    *,
    of_desk: bool = False,
    account_id: int | None = None,
    asked: str | None = None,
) -> ResponseReturnValue:
    """A page's tables as a file to be saved under a name, a sheet each. Who took it is written into the audit trail.

    Called once, `read` answers the sheets of one state of the database; rows it leaves to be read are read while they
    are written. `of_desk`, `account_id` and `asked` as `http.keep_export` has them. Never within the unit of work of
    a form: it would be wrong to hold the only writer's lock of SQLite as long as a long list takes.
    """
    read_standing_still()
    sheets = read()
    out = TemporaryFile()  # noqa: SIM115 - the answer closes it, when all of it has been sent
    try:
        rows = write_workbook(out, sheets)
        keep_export(sheets[0].title, rows, of_desk=of_desk, account_id=account_id, asked=asked)
        out.seek(0)
        return send_file(out, mimetype=XLSX, as_attachment=True, download_name=name)
    except BaseException:
        out.close()
        raise


def whole(rows: Sequence[T]) -> Callable[[PageRequest], Page[T]]:
    """The reading of a short list that its service answers as a whole."""

    def read(page: PageRequest) -> Page[T]:
        return Page(rows[page.offset : page.offset + page.size], len(rows), page.number, page.size)

    return read


def chosen_in(form: Form) -> list[tuple[str, str]]:
    """What was chosen in a filter's form, each as field and choice in words."""
    return [
        (str(field.label.text), words)
        for field in form
        if field.data and field.type not in {"CSRFTokenField", "HiddenField"}
        for words in [_words_of(field)]
        if words
    ]


def _words_of(field: Field) -> str:
    if isinstance(field, Choosing):
        return next((str(words) for value, words in field.pairs if str(value) == str(field.data)), "")
    return _("Yes") if isinstance(field, BooleanField) else str(field.data)
