"""Agreed items: opened by whoever may plan, with an owner of either side and a day."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from service_desk.base.clock import CHINA
from service_desk.base.errors import Invalid, InvalidMany
from service_desk.base.text import one_line
from service_desk.models.db import db
from service_desk.models.relations import AgreedItem, ItemSource, ItemState
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import Action
from service_desk.services import access, audit


@dataclass(frozen=True)
class NewItem:
    """An item as typed. `measure` is how it is to be done, `branch_id` None the whole account."""

    title: str
    measure: str
    owner_id: int
    due_on: date
    branch_id: int | None = None


def open_item(
    account_id: int, source: ItemSource, source_id: int, item: NewItem, *, actor: User, now: datetime
) -> AgreedItem:
    """Open an item of an opinion or a meeting. The caller has checked that the source is the actor's to work on.

    Invalid: required, words_too_long, item_owner_unknown, item_due_past (a day before today in China).
    """
    access.require(actor, Action.PLAN_RELATIONS)
    access.get_account(actor, account_id)
    _check(account_id, item, now)
    row = AgreedItem(
        account_id=account_id,
        branch_id=item.branch_id,
        source=source,
        source_id=source_id,
        title=one_line(item.title),
        measure=item.measure.strip(),
        owner_id=item.owner_id,
        due_on=item.due_on,
        state=ItemState.OPEN,
        opened_by_id=actor.id,
        opened_at=now,
    )
    db.session.add(row)
    changes = {name: (None, getattr(row, name)) for name in ("title", "owner_id", "due_on")}
    audit.record("item_opened", row, actor=actor, now=now, label=row.title, changes=changes)
    return row


def _check(account_id: int, item: NewItem, now: datetime) -> None:
    problems: list[Invalid] = []
    if not item.title.strip():
        problems.append(Invalid("required", field="title"))
    if len(one_line(item.title)) > 200:
        problems.append(Invalid("words_too_long", field="title", length=200))
    serves = select(UserAccount.id).where(
        UserAccount.user_id == item.owner_id, UserAccount.account_id == account_id
    )
    owner = db.session.get(User, item.owner_id)
    if owner is None or not owner.is_active or db.session.scalar(serves) is None:
        problems.append(Invalid("item_owner_unknown", field="owner_id"))
    if item.due_on < now.astimezone(CHINA).date():
        problems.append(Invalid("item_due_past", field="due_on"))
    if problems:
        raise InvalidMany(problems)


def items_of(source: ItemSource, source_ids: Collection[int]) -> dict[int, list[AgreedItem]]:
    """The items of several sources, the earliest day first. The caller has checked that they are visible."""
    found: dict[int, list[AgreedItem]] = {source_id: [] for source_id in source_ids}
    statement = (
        select(AgreedItem)
        .where(AgreedItem.source == source, AgreedItem.source_id.in_(found))
        .order_by(AgreedItem.due_on, AgreedItem.id)
    )
    for item in db.session.scalars(statement):
        found[item.source_id].append(item)
    return found
