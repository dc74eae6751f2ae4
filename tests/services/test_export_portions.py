"""Lists that leave the desk: taken in portions, bounded, written down."""

import io
from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import select

from service_desk.adapters.spreadsheets import Column, TableSheet, write_workbook
from service_desk.base.errors import Invalid
from service_desk.base.paging import Page, PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db
from service_desk.services import exports
from service_desk.services.exports import Taken
from tests.world import World


class Shelf:
    """A list of numbers that notes which pages were asked for."""

    def __init__(self, size: int) -> None:
        self.rows = list(range(size))
        self.asked: list[int] = []

    def read(self, page: PageRequest) -> Page[int]:
        self.asked.append(page.number)
        return Page(self.rows[page.offset : page.offset + page.size], len(self.rows), page.number, page.size)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 7])
def test_all_rows_come_once_and_in_order(size: int) -> None:
    shelf = Shelf(size)
    assert list(exports.in_portions(shelf.read, portion=3)) == shelf.rows


def test_a_portion_is_read_when_the_one_before_has_been_written() -> None:
    shelf = Shelf(9)
    rows = exports.in_portions(shelf.read, portion=3)
    written_when_asked: list[int] = []

    def lines() -> Iterator[list[int]]:
        for row in rows:
            if row % 3 == 0:
                written_when_asked.append(len(shelf.asked))
            yield [row]

    count = write_workbook(io.BytesIO(), [TableSheet("n", "n", [Column("n", "int")], lines())])

    assert count == 9
    assert written_when_asked == [1, 2, 3]


def test_a_list_that_is_too_long_is_refused_before_its_first_row() -> None:
    with pytest.raises(Invalid) as refused:
        exports.in_portions(Shelf(5).read, most=4)
    assert refused.value.code == "export_too_many_rows"


def test_what_was_taken_is_written_down_under_the_account_or_under_the_person(
    world: World, now: datetime
) -> None:
    exports.keep_audit(Taken("案件", "/claims.xlsx?view=open", 7), world.account.id, actor=world.hq, now=now)
    exports.keep_audit(Taken("用户", "/users.xlsx", 9), None, actor=world.admin, now=now)

    kept = select(AuditEntry).where(AuditEntry.action == "exported").order_by(AuditEntry.id)
    of_account, of_desk = db.session.scalars(kept)
    assert (of_account.account_id, of_account.entity_label) == (world.account.id, "ZZLY")
    assert of_account.changes == {
        "export_table": [None, "案件"],
        "filter": [None, "/claims.xlsx?view=open"],
        "export_rows": [None, 7],
    }
    assert (of_desk.account_id, of_desk.entity_kind, of_desk.actor_id) == (None, "users", world.admin.id)
