"""What clocks say, on its way to people: each message in the app, and a burst of mails as one."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal_column, select

from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice, NoticeState
from service_desk.services import notices
from service_desk.services.notices import Message, Recipient

DIGEST = "clock_digest"
# More mails than this to one person at once become one mail: after an outage nobody reads hundreds.
BURST = 5
# A digest lists so many; the rest it only counts, for each of them is in the app.
MOST_LINES = 100
_SHOWN = ("url", "step", "number", "at")


def post(messages: Sequence[Message], *, now: datetime) -> None:
    """Queue what one sweep has to say, in order of time; a burst of mails to one person goes as a digest.

    A sweep works in batches, all at the same `now`: what earlier ones queued counts too, and a digest that was
    begun takes up what follows.
    """
    mailed: dict[Recipient, list[Message]] = defaultdict(list)
    for message in messages:
        if message.recipient.email:
            mailed[message.recipient].append(message)
    begun, waiting = _begun(mailed, now), _waiting(now)
    crowded = {
        one: told
        for one, told in mailed.items()
        if len(told) + waiting[one.user_id] > BURST or _key(one, now) in begun
    }
    posted = [
        replace(message, channels=(Channel.IN_APP,)) if message.recipient in crowded else message
        for message in messages
    ]
    for recipient, told in crowded.items():
        digest = begun.get(_key(recipient, now))
        if digest is not None and digest.state is NoticeState.QUEUED and not digest.tries:
            digest.params = _params(told, digest.params)
        else:
            posted.append(_digest(recipient, told, now, is_further=digest is not None))
    notices.queue_many(posted, now=now)


def _key(recipient: Recipient, now: datetime) -> str:
    return f"{DIGEST}:{now.isoformat()}:{recipient.key}:{Channel.MAIL.value}"


def _begun(recipients: Collection[Recipient], now: datetime) -> dict[str, Notice]:
    """The digests of this sweep, by key, held so that none is sent while it is added to."""
    keys = [_key(recipient, now) for recipient in recipients]
    statement = select(Notice).where(Notice.dedupe_key.in_(keys)).order_by(Notice.id).with_for_update()
    return {digest.dedupe_key: digest for digest in db.session.scalars(statement)}


def _waiting(now: datetime) -> Counter[int | None]:
    """How many mails of this sweep wait to be sent to each person."""
    # The state written out, and nothing asked of the person: else the index of what waits is not used.
    queued = Notice.state == literal_column(f"'{NoticeState.QUEUED}'")
    of_sweep = select(Notice.user_id, func.count()).where(queued, Notice.next_try_at == now)
    return Counter(dict(db.session.execute(of_sweep.group_by(Notice.user_id)).tuples().all()))


def _digest(recipient: Recipient, messages: list[Message], now: datetime, *, is_further: bool) -> Message:
    """A new digest; a further one when the first of this sweep is on its way already."""
    accounts = {message.matter.account_id for message in messages if message.matter}
    return Message(
        DIGEST,
        recipient,
        _params(messages, {"count": 0, "lines": []}),
        dedupe=f"{DIGEST}:{now.isoformat()}" + (f":{messages[0].dedupe}" if is_further else ""),
        account_id=accounts.pop() if len(accounts) == 1 else None,
        channels=(Channel.MAIL,),
    )


def _params(messages: Sequence[Message], before: dict[str, Any]) -> dict[str, Any]:
    lines = [
        {"kind": message.kind, **{name: message.params[name] for name in _SHOWN}} for message in messages
    ]
    return {
        "count": before["count"] + len(messages),
        "lines": [*before["lines"], *lines][:MOST_LINES],
    }
