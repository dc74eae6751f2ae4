"""What the desk does with an opinion: takes it up with an agreed item, replies, thanks, declines, records the result."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.errors import Conflict, Invalid
from service_desk.models.db import db
from service_desk.models.opinions import Opinion, OpinionStep
from service_desk.models.relations import AgreedItem, ItemSource, ItemState
from service_desk.models.users import User
from service_desk.rules.opinions import MAX_WORDS, OpinionAction, OpinionState, ReplyMeans, next_state
from service_desk.rules.permissions import Action
from service_desk.services import access, audit, notices
from service_desk.services.opinions.visibility import get_opinion, matter_of
from service_desk.services.relations.items import NewItem, open_item

BY_HAND = (ReplyMeans.CALL, ReplyMeans.VISIT)


@dataclass(frozen=True)
class Reply:
    """What whoever gave it is told. `means` is how, where neither a login nor a mail address reaches them."""

    words: str
    means: ReplyMeans | None = None


def take_up(
    number: str,
    item_id: int | None,
    item: NewItem | None,
    version: int,
    *,
    actor: User,
    now: datetime,
) -> Opinion:
    """Take it up: a new agreed item, or one that other opinions share.

    Invalid: opinion_item_unknown for an item that is not open or is no opinion's, and those of `open_item`.
    """
    opinion, state = _begin(number, OpinionAction.TAKE_UP, version, actor)
    row = _shared(opinion, item_id) if item_id else _opened(opinion, item, actor, now)
    db.session.flush()
    changes = audit.change(opinion, state=state, item_id=row.id)
    _keep(opinion, OpinionAction.TAKE_UP, row.title, actor, now)
    audit.record("opinion_taken_up", opinion, actor=actor, now=now, changes=changes)
    return opinion


def answer(number: str, reply: Reply, version: int, *, actor: User, now: datetime) -> Opinion:
    """Reply to who gave it, with what was agreed. Invalid: required, words_too_long, reply_means_missing."""
    return _reply(number, OpinionAction.ANSWER, reply, version, actor, now)


def thank(number: str, reply: Reply, version: int, *, actor: User, now: datetime) -> Opinion:
    """Thank for praise: it needs no item, and is settled with the reply."""
    return _reply(number, OpinionAction.THANK, reply, version, actor, now)


def decline(number: str, reply: Reply, version: int, *, actor: User, now: datetime) -> Opinion:
    """Not follow it. The reason is the reply."""
    return _reply(number, OpinionAction.DECLINE, reply, version, actor, now)


def settle(number: str, result: str, version: int, *, actor: User, now: datetime) -> Opinion:
    """Record what came of it and tell who gave it. Conflict opinion_item_open while its item is."""
    opinion, state = _begin(number, OpinionAction.SETTLE, version, actor)
    words = _words(result, "result")
    item = db.session.get(AgreedItem, opinion.item_id) if opinion.item_id else None
    if item is not None and item.state is ItemState.OPEN:
        raise Conflict("opinion_item_open")
    changes = audit.change(opinion, state=state, result=words, ended_at=now)
    _keep(opinion, OpinionAction.SETTLE, words, actor, now)
    audit.record("opinion_settled", opinion, actor=actor, now=now, changes=changes)
    _tell(opinion, OpinionAction.SETTLE, words, actor, now)
    return opinion


def reachable_by(opinion: Opinion) -> ReplyMeans | None:
    """How a reply reaches who gave it by itself; None when somebody has to say it."""
    giver = db.session.get(User, opinion.given_by_id) if opinion.given_by_id else None
    if giver is not None and giver.is_active:
        return ReplyMeans.PORTAL
    return ReplyMeans.MAIL if opinion.email else None


def open_items(account_id: int, *, actor: User) -> list[AgreedItem]:
    """The open items of opinions of an account, which another opinion may share."""
    access.require(actor, Action.COLLECT_OPINIONS)
    statement = select(AgreedItem).where(
        AgreedItem.account_id == account_id,
        AgreedItem.source == ItemSource.OPINION,
        AgreedItem.state == ItemState.OPEN,
        access.visible_clause(actor, Action.COLLECT_OPINIONS, AgreedItem),
    )
    return list(db.session.scalars(statement.order_by(AgreedItem.due_on, AgreedItem.id).limit(100)))


def _begin(number: str, action: OpinionAction, version: int, actor: User) -> tuple[Opinion, OpinionState]:
    opinion = get_opinion(number, actor=actor)
    access.require(actor, Action.COLLECT_OPINIONS)
    db.session.refresh(opinion, with_for_update=True)
    if opinion.version != version:
        raise Conflict("stale")
    return opinion, next_state(opinion.state, action)


def _shared(opinion: Opinion, item_id: int) -> AgreedItem:
    item = db.session.get(AgreedItem, item_id)
    is_right = (
        item is not None and item.account_id == opinion.account_id and item.source is ItemSource.OPINION
    )
    if item is None or not is_right or item.state is not ItemState.OPEN:
        raise Invalid("opinion_item_unknown", field="item_id")
    return item


def _opened(opinion: Opinion, item: NewItem | None, actor: User, now: datetime) -> AgreedItem:
    if item is None:
        raise Invalid("required", field="title")
    # The branch of an anonymous opinion would name its giver to the client.
    branch_id = None if opinion.is_anonymous else opinion.branch_id
    item = NewItem(item.title, item.measure, item.owner_id, item.due_on, branch_id)
    return open_item(opinion.account_id, ItemSource.OPINION, opinion.id, item, actor=actor, now=now)


def _reply(
    number: str, action: OpinionAction, reply: Reply, version: int, actor: User, now: datetime
) -> Opinion:
    opinion, state = _begin(number, action, version, actor)
    words = _words(reply.words, "words")
    means = reachable_by(opinion) or (reply.means if reply.means in BY_HAND else None)
    if means is None:
        raise Invalid("reply_means_missing", field="means")
    ends = action is not OpinionAction.ANSWER
    changes = audit.change(
        opinion,
        state=state,
        reply=words,
        replied_at=now,
        replied_by_id=actor.id,
        reply_means=means,
        ended_at=now if ends else None,
    )
    _keep(opinion, action, words, actor, now)
    audit.record(_DONE[action], opinion, actor=actor, now=now, changes=changes)
    _tell(opinion, action, words, actor, now)
    return opinion


_DONE = {
    OpinionAction.ANSWER: "opinion_answered",
    OpinionAction.THANK: "opinion_thanked",
    OpinionAction.DECLINE: "opinion_declined",
}


def _words(text: str, field: str) -> str:
    words = text.strip()
    if not words:
        raise Invalid("required", field=field)
    if len(words) > MAX_WORDS:
        raise Invalid("words_too_long", field=field, length=MAX_WORDS)
    return words


def _keep(opinion: Opinion, action: OpinionAction, note: str, actor: User, now: datetime) -> None:
    db.session.add(OpinionStep(opinion_id=opinion.id, action=action, at=now, by_id=actor.id, note=note))


def _tell(opinion: Opinion, action: OpinionAction, words: str, actor: User, now: datetime) -> None:
    """In the app and by mail to who gave it, in their language; nobody else of the client hears of it."""
    means = reachable_by(opinion)
    if means is None:
        return
    item = db.session.get(AgreedItem, opinion.item_id) if opinion.item_id else None
    params = {
        "url": f"/opinions/{opinion.number}" if means is ReplyMeans.PORTAL else "",
        "number": opinion.number,
        "theme": opinion.theme.value,
        "words": opinion.words,
        "action": action.value,
        "reply": words,
        "item": item.title if item else "",
        "measure": item.measure if item else "",
        "due_on": item.due_on.isoformat() if item else "",
        "name": actor.name,
        "staff_no": actor.staff_no,
        "phone": actor.phone,
    }
    user_id = opinion.given_by_id if means is ReplyMeans.PORTAL else None
    notices.queue(
        "opinion_replied",
        notices.Recipient(opinion.given_by, opinion.email, opinion.language, user_id),
        params,
        dedupe=f"opinion:{opinion.id}:{action.value}",
        now=now,
        matter=matter_of(opinion),
        is_shared=False,
    )
