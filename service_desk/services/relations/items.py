"""Agreed items: opened by whoever may plan, with an owner of either side and a day; done, dropped or moved."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany
from service_desk.base.text import one_line
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.relations import AgreedItem, ItemSource, ItemState, ItemStep, ItemStepKind
from service_desk.models.users import User, UserAccount
from service_desk.rules.permissions import Action, Role
from service_desk.services import access, audit, notices
from service_desk.services.notices import Matter
from service_desk.services.relations.visibility import get_item

MATTER_KIND = "agreed_item"


@dataclass(frozen=True)
class NewItem:
    """An item as typed. `measure` is how it is to be done, `branch_id` None the whole account."""

    title: str
    measure: str
    owner_id: int
    due_on: date
    branch_id: int | None = None


def matter_of(item: AgreedItem) -> Matter:
    """The item as notices know it."""
    return Matter(MATTER_KIND, item.id, f"#{item.id}", item.account_id, item.branch_id)


def open_item(
    account_id: int,
    source: ItemSource,
    source_id: int,
    item: NewItem,
    *,
    actor: User,
    now: datetime,
    mails_owner: bool = True,
) -> AgreedItem:
    """Open an item of an opinion or a meeting, and tell its owner; by mail too unless another mail says it.

    The caller has checked that the source is the actor's to work on.
    Invalid: required, words_too_long, item_owner_unknown, item_due_past (a day before today in China),
    contact_branch_unknown.
    """
    access.require(actor, Action.PLAN_RELATIONS)
    access.get_account(actor, account_id)
    problems = problems_of(account_id, item, now)
    if problems:
        raise InvalidMany(problems)
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
    if row.owner_id != actor.id:
        tell("item_opened", row, [row.owner_id], f"item:{row.id}:opened", now, mail=mails_owner)
    return row


def problems_of(account_id: int, item: NewItem, now: datetime) -> list[Invalid]:
    """What stands against opening an item; nothing when it may be opened."""
    problems: list[Invalid] = []
    if not item.title.strip():
        problems.append(Invalid("required", field="title"))
    if len(one_line(item.title)) > 200:
        problems.append(Invalid("words_too_long", field="title", length=200))
    if not _may_own(account_id, item.owner_id):
        problems.append(Invalid("item_owner_unknown", field="owner_id"))
    if item.due_on < local_date(now):
        problems.append(Invalid("item_due_past", field="due_on"))
    branch = db.session.get(Branch, item.branch_id) if item.branch_id is not None else None
    if item.branch_id is not None and (branch is None or branch.account_id != account_id):
        problems.append(Invalid("contact_branch_unknown", field="branch_id"))
    return problems


def _may_own(account_id: int, user_id: int) -> bool:
    """Somebody of either side with an open login of the account."""
    serves = select(UserAccount.id).where(
        UserAccount.user_id == user_id, UserAccount.account_id == account_id
    )
    owner = db.session.get(User, user_id)
    return owner is not None and owner.is_active and db.session.scalar(serves) is not None


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


def may_report(item: AgreedItem, actor: User) -> bool:
    """Whether the actor may say that it was done: its owner, of either side, or a manager."""
    return item.owner_id == actor.id or access.may(actor, Action.LEAD_RELATIONS)


def finish(item_id: int, result: str, version: int, *, actor: User, now: datetime) -> AgreedItem:
    """Say that an item was done and what came of it. Forbidden item_of_another; Conflict item_ended, stale."""
    item = get_item(item_id, actor=actor)
    if not may_report(item, actor):
        raise Forbidden("item_of_another")
    _require_open(item, version)
    return _end(item, ItemState.DONE, _words(result, "result"), actor, now)


def drop(item_id: int, reason: str, version: int, *, actor: User, now: datetime) -> AgreedItem:
    """Give an item up, with the reason; for managers."""
    item = get_item(item_id, actor=actor)
    access.require(actor, Action.LEAD_RELATIONS)
    _require_open(item, version)
    return _end(item, ItemState.DROPPED, _words(reason, "reason"), actor, now)


def move_due(
    item_id: int, due_on: date, reason: str, version: int, *, actor: User, now: datetime
) -> AgreedItem:
    """Set another day, with the reason; counted. For its owner at the desk and for managers.

    Invalid: required, item_due_past, item_due_same.
    """
    item = get_item(item_id, actor=actor)
    access.require(actor, Action.PLAN_RELATIONS)
    if not may_report(item, actor):
        raise Forbidden("item_of_another")
    _require_open(item, version)
    words = _words(reason, "reason")
    if due_on < local_date(now):
        raise Invalid("item_due_past", field="due_on")
    if due_on == item.due_on:
        raise Invalid("item_due_same", field="due_on")
    before = item.due_on
    changes = audit.change(item, due_on=due_on, due_moves=item.due_moves + 1)
    _keep_step(item, ItemStepKind.DUE_MOVED, words, actor, now, before, due_on)
    audit.record("item_due_moved", item, actor=actor, now=now, label=item.title, changes=changes)
    return item


def give(item_id: int, owner_id: int, reason: str, version: int, *, actor: User, now: datetime) -> AgreedItem:
    """Let another own an open item, with the reason; for managers. They are told, and chased from then on.

    Invalid: required, item_owner_unknown, item_owner_same.
    """
    item = get_item(item_id, actor=actor)
    access.require(actor, Action.LEAD_RELATIONS)
    _require_open(item, version)
    words = _words(reason, "reason")
    if not _may_own(item.account_id, owner_id):
        raise Invalid("item_owner_unknown", field="owner_id")
    if owner_id == item.owner_id:
        raise Invalid("item_owner_same", field="owner_id")
    changes = audit.change(item, owner_id=owner_id)
    db.session.add(
        ItemStep(
            item_id=item.id, kind=ItemStepKind.GIVEN, at=now, by_id=actor.id, note=words, owner_id=owner_id
        )
    )
    audit.record("item_given", item, actor=actor, now=now, label=item.title, changes=changes)
    if owner_id != actor.id:
        tell("item_opened", item, [owner_id], f"item:{item.id}:given:{version}", now)
    return item


def _require_open(item: AgreedItem, version: int) -> None:
    if item.state is not ItemState.OPEN:
        raise Conflict("item_ended")
    if item.version != version:
        raise Conflict("stale")


def _words(text: str, field: str) -> str:
    words = text.strip()
    if not words:
        raise Invalid("required", field=field)
    return words


def _end(item: AgreedItem, state: ItemState, words: str, actor: User, now: datetime) -> AgreedItem:
    changes = audit.change(item, state=state, result=words, ended_at=now, ended_by_id=actor.id)
    _keep_step(item, ItemStepKind(state.value), words, actor, now)
    audit.record(f"item_{state.value}", item, actor=actor, now=now, label=item.title, changes=changes)
    others = {item.owner_id, item.opened_by_id} - {actor.id}
    tell("item_ended", item, sorted(others), f"item:{item.id}:ended", now, mail=False)
    return item


def _keep_step(
    item: AgreedItem,
    kind: ItemStepKind,
    note: str,
    actor: User,
    now: datetime,
    before: date | None = None,
    after: date | None = None,
) -> None:
    db.session.add(
        ItemStep(
            item_id=item.id,
            kind=kind,
            at=now,
            by_id=actor.id,
            note=note,
            due_before=before,
            due_after=after,
        )
    )


def tell(
    kind: str,
    item: AgreedItem,
    user_ids: Collection[int],
    dedupe: str,
    now: datetime,
    *,
    mail: bool = True,
    days: int = 0,
    is_shared: bool = True,
) -> None:
    """Tell people of an item, each once for a key; who has left is not told. `is_shared`: groups are told as well."""
    people = audit.people_of({*user_ids, item.owner_id})
    owner = people[item.owner_id]
    params = {
        "url": f"/relations/items/{item.id}",
        "title": item.title,
        "measure": item.measure,
        "due_on": item.due_on.isoformat(),
        "owner": owner.name,
        "staff_no": owner.staff_no,
        "state": item.state.value,
        "result": item.result,
        "days": days,
    }
    for user_id in user_ids:
        if people[user_id].is_active:
            notices.queue(
                kind,
                notices.user_recipient(people[user_id]),
                params,
                dedupe=dedupe,
                now=now,
                matter=matter_of(item),
                mail=mail,
                is_shared=is_shared,
            )


def possible_owners(account_id: int) -> list[User]:
    """Who may own an item of an account: its people of both sides, by staff number."""
    return access.account_members(account_id, *Role)
