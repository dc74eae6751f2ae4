"""Lists that leave the desk as files: read in portions, bounded, and written down in the audit trail."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from service_desk.base.collector import uncollected
from service_desk.base.errors import Invalid
from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import KeyAccount
from service_desk.models.db import db
from service_desk.models.users import User
from service_desk.services import audit

T = TypeVar("T")
# A worker is busy for half a minute with as many; more than that is not read by people.
MOST_ROWS = 200_000
PORTION = 2_000


@dataclass(frozen=True)
class Taken:
    """What somebody took out: the table by its title, the address asked with its filter, and how many rows."""

    table: str
    asked: str
    rows: int


def in_portions(
    read: Callable[[PageRequest], Page[T]], *, portion: int = PORTION, most: int | None = None
) -> Iterator[T]:
    """All rows of a list in its own order, however many, with no more than a portion of them in memory.

    `read` is the list's own service, so that the file holds what the page counts. Invalid("export_too_many_rows")
    before the first row. The caller has begun a reading that stands still (`models.db.standing_still`).
    """
    first = _read(read, 1, portion)
    require_few(first.total, most)
    return _portions(first, read, portion)


def _portions(page: Page[T], read: Callable[[PageRequest], Page[T]], portion: int) -> Iterator[T]:
    rows: Sequence[T] = page.rows
    number = 1
    while True:
        yield from rows
        if len(rows) < portion:
            return
        number += 1
        rows = _read(read, number, portion).rows


@uncollected()
def _read(read: Callable[[PageRequest], Page[T]], number: int, portion: int) -> Page[T]:
    return read(PageRequest(number, portion))


def require_few(rows: int, most: int | None = None) -> None:
    """Invalid("export_too_many_rows") beyond MOST_ROWS, or fewer, rather than a file that ends without a word."""
    most = MOST_ROWS if most is None else most
    if rows > most:
        raise Invalid("export_too_many_rows", number=f"{rows:,}", most=f"{most:,}")


def keep_audit(taken: Taken, account_id: int | None, *, actor: User, now: datetime) -> None:
    """Write down who took what out of an account; without account it is the desk's own (people, settings)."""
    said = {"export_table": taken.table, "filter": taken.asked, "export_rows": taken.rows}
    _keep("exported", said, account_id, actor, now)


def keep_file_audit(name: str, asked: str, account_id: int | None, *, actor: User, now: datetime) -> None:
    """The same of a file that is no list: a paper, an archive, an original. `asked` is its address."""
    _keep("file_taken", {"export_file": name, "taken_from": asked}, account_id, actor, now)


def _keep(action: str, said: dict[str, object], account_id: int | None, actor: User, now: datetime) -> None:
    account = db.session.get(KeyAccount, account_id) if account_id else None
    audit.record(
        action,
        account or actor,
        actor=actor,
        now=now,
        label=account.code if account else actor.staff_no,
        account_id=account.id if account else None,
        changes={name: (None, value) for name, value in said.items()},
    )
