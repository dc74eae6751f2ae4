"""Giving up is loud: who runs the account reads in the app what did not reach the client or a channel.

In the app only, where nothing can fail: an alarm never causes another.
"""

import hashlib
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from service_desk.base.clock import local_date
from service_desk.models.db import db
from service_desk.models.notices import Channel, Notice
from service_desk.models.users import User
from service_desk.rules.notice_subjects import CHANNEL_TEST, CHANNEL_UNDELIVERED, MAIL_UNDELIVERED, subject_of
from service_desk.rules.permissions import Role, Side
from service_desk.services import access
from service_desk.services.notices.queueing import Message, queue_many, user_recipient


def tell(notice: Notice, *, now: datetime) -> None:
    """Tell the account's managers of a message that will not arrive, once for an address and day."""
    kind = _kind(notice)
    if kind is None:
        return
    managers = access.account_members(notice.account_id, Role.MANAGER) if notice.account_id else []
    params = _params(notice)
    dedupe = f"{kind}:{_key(notice)}:{local_date(now).isoformat()}"
    queue_many(
        [
            Message(
                kind,
                user_recipient(user),
                params,
                dedupe,
                account_id=notice.account_id,
                channels=(Channel.IN_APP,),
            )
            for user in managers or access.administrators()
        ],
        now=now,
    )


def _kind(notice: Notice) -> str | None:
    """Mails to our own people are theirs to miss; a test's failure is on the page it was asked from."""
    if notice.channel_id is not None:
        return None if notice.kind == CHANNEL_TEST else CHANNEL_UNDELIVERED
    reader = db.session.get(User, notice.user_id) if notice.user_id else None
    return MAIL_UNDELIVERED if reader is None or reader.side is Side.CLIENT else None


def _key(notice: Notice) -> str:
    if notice.channel_id is not None:
        return f"c{notice.channel_id}"
    return hashlib.sha256(notice.address.casefold().encode()).hexdigest()[:16]


def _params(notice: Notice) -> dict[str, Any]:
    filters = {"recipient": notice.address or notice.recipient_name, "state": notice.state.value}
    return {
        "url": f"/notices/log?{urlencode(filters)}",
        "name": notice.recipient_name,
        "address": notice.address,
        "reason": notice.fail_reason.value if notice.fail_reason else "",
        "number": notice.matter_number,
        "about": subject_of(notice.kind).value,
    }
