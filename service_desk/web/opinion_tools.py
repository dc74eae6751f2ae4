"""What pages of other matters show of opinions: those taken from the matter, those an item serves, what is owed."""

from typing import Any

from flask import g

from service_desk.models.opinions import Opinion
from service_desk.presenters import opinions as words
from service_desk.rules.opinions import OpinionSource
from service_desk.rules.permissions import Action, Role
from service_desk.services import access
from service_desk.services.opinions import answering, lists, recording
from service_desk.web.http import actor


def opinions_made(source: str, source_id: int) -> list[Opinion] | None:
    """The opinions taken from a visit, contact or follow-up; None for who does not collect any."""
    if not access.may(actor(), Action.COLLECT_OPINIONS):
        return None
    return recording.made_of(OpinionSource(source), source_id, actor=actor())


def opinions_of_item(item_id: int) -> list[Opinion]:
    """The opinions an agreed item serves, as far as the reader sees them."""
    return lists.of_item(item_id, actor=actor())


def opinion_forms(account_id: int) -> list[dict[str, Any]]:
    """The feedback forms that ask the reader now."""
    return words.form_lines(answering.list_open(account_id, actor=actor(), now=g.now))


def opinions_owed(account_id: int) -> dict[str, Any]:
    """What the reader has to reply to, for their home; of a manager's account all of it."""
    if not access.may(actor(), Action.COLLECT_OPINIONS):
        return {"lines": [], "total": 0, "is_whole": False}
    rows, total = lists.list_owed(account_id, actor=actor())
    lines = [(row, words.days_pill(row.opinion, g.now)) for row in rows]
    return {"lines": lines, "total": total, "is_whole": actor().role is Role.MANAGER}
