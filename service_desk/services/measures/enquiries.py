"""First contacts: what was logged, closed at the first contact and asked about again; by branch, and by owner.

The contact that comes with an accident report is the claim itself and in none of these. Past figures stay as they
were: repeats and reopenings after the end of a period are not seen by it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy import literal as constant

from service_desk.models.db import db
from service_desk.models.enquiries import (
    ContactKind,
    Enquiry,
    EnquiryChannel,
    EnquiryClosing,
    EnquiryRepeat,
)
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio
from service_desk.services.measures import history
from service_desk.services.measures.service import read_step
from service_desk.services.measures.span import By, Key, Reading, Source, Span, Value

_ALL = 0


@dataclass(frozen=True)
class OwnerFigures:
    """A person's contacts of a period. Complaints are among those logged; a ratio's parts say how many."""

    logged: int = 0
    complaints: int = 0
    repeats: Ratio = field(default_factory=Ratio)
    first_contact: Ratio = field(default_factory=Ratio)


def read_contacts(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """Contacts of no branch are in the whole alone. KeyError by use class: few contacts know a vehicle."""
    if by is By.USE_CLASS:
        raise KeyError(*_CONTACTS)
    column = Enquiry.branch_id if by else constant(_ALL)
    parts = _counted(span, column)
    whole = _measures(parts.values())
    groups: dict[Key, Mapping[C, Value]] = {
        key: _measures([one]) for key, one in parts.items() if key is not None
    }
    return Reading(whole, groups if by else {})


def by_owner(span: Span) -> dict[int, OwnerFigures]:
    """What each person has: contacts first asked of them, with repeats; what they closed, and how much at first contact."""
    logged = _logged(span, Enquiry.first_owner_id)
    closed = _closed(span, EnquiryClosing.owner_id)
    return {
        user_id: _figures(logged.get(user_id), closed.get(user_id))
        for user_id in logged.keys() | closed.keys()
    }


def _counted(span: Span, column: Any) -> dict[Any, OwnerFigures]:
    logged, closed = _logged(span, column), _closed(span, column)
    return {key: _figures(logged.get(key), closed.get(key)) for key in logged.keys() | closed.keys()}


def _figures(logged: tuple[int, ...] | None, closed: tuple[int, ...] | None) -> OwnerFigures:
    number, complaints, repeated = logged or (0, 0, 0)
    ended, at_first = closed or (0, 0)
    return OwnerFigures(number, complaints, Ratio(repeated, number), Ratio(at_first, ended))


def _measures(parts: Collection[OwnerFigures]) -> Mapping[C, Value]:
    return {
        C.ENQUIRIES_LOGGED: sum(one.logged for one in parts),
        C.COMPLAINTS: sum(one.complaints for one in parts),
        C.REPEAT_CONTACT_RATE: sum((one.repeats for one in parts), Ratio()),
        C.FIRST_CONTACT_CLOSURE: sum((one.first_contact for one in parts), Ratio()),
    }


def _logged(span: Span, column: Any) -> dict[Any, tuple[int, ...]]:
    """By a column: logged in the period, complaints of them, asked about again by its end."""
    again = exists().where(EnquiryRepeat.enquiry_id == Enquiry.id, EnquiryRepeat.at < span.until)
    is_complaint: ColumnElement[bool] = Enquiry.kind == ContactKind.COMPLAINT
    statement = select(
        column, func.count(Enquiry.id), history.count_of(is_complaint), history.count_of(again)
    ).where(*_own(span), history.within(Enquiry.opened_at, span))
    return _by_key(statement.group_by(column))


def _closed(span: Span, column: Any) -> dict[Any, tuple[int, ...]]:
    """By a column: contacts closed in the period and still at its end, and at first contact of them."""
    came_back = EnquiryClosing.reopened_at
    statement = (
        select(column, func.count(EnquiryClosing.id), history.count_of(EnquiryClosing.is_first_contact))
        .join(Enquiry, Enquiry.id == EnquiryClosing.enquiry_id)
        .where(
            *_own(span),
            history.within(EnquiryClosing.at, span),
            or_(came_back.is_(None), came_back >= span.until),
        )
    )
    return _by_key(statement.group_by(column))


def _own(span: Span) -> tuple[ColumnElement[bool], ...]:
    return (Enquiry.account_id == span.account_id, Enquiry.channel != EnquiryChannel.CLAIM_REPORT)


def _by_key(statement: Select[Any]) -> dict[Any, tuple[int, ...]]:
    return {key: tuple(int(one or 0) for one in counts) for key, *counts in db.session.execute(statement)}


_CONTACTS = frozenset(_measures([]))
SOURCES: tuple[tuple[frozenset[C], Source], ...] = (
    (_CONTACTS, read_contacts),
    (frozenset({C.FIRST_REPLY_IN_TIME}), read_step(C.FIRST_REPLY_IN_TIME, ClockStep.FIRST_REPLY)),
    (
        frozenset({C.COMPLAINTS_ANSWERED_IN_TIME}),
        read_step(C.COMPLAINTS_ANSWERED_IN_TIME, ClockStep.COMPLAINT),
    ),
    (
        frozenset({C.MESSAGES_ANSWERED_IN_TIME}),
        read_step(C.MESSAGES_ANSWERED_IN_TIME, ClockStep.MESSAGE_REPLY),
    ),
)
