"""First contacts of a period by who owned them: closed by the first owner, and asked about again."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import aliased

from service_desk.models.db import days_apart, db
from service_desk.models.enquiries import Enquiry, EnquiryChannel, Handover, HandoverState, MatterKind
from service_desk.rules.metrics import Ratio
from service_desk.services.measures import Span

# A contact about what somebody asked of so many days before is a repeat.
REPEATED_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class OwnedContacts:
    """A person's contacts: how many came, closed by the first owner among closed, repeats among those that came."""

    taken: int
    first_closed: Ratio
    repeats: Ratio


def by_owner(span: Span) -> dict[int, OwnedContacts]:
    """By who was first asked. What an accident report opened by itself is the claim and no contact."""
    closed = _closed(span)
    taken = _taken(span)
    return {
        owner: OwnedContacts(
            taken.get(owner, Ratio()).whole, closed.get(owner, Ratio()), taken.get(owner, Ratio())
        )
        for owner in {*closed, *taken}
    }


def _closed(span: Span) -> dict[int, Ratio]:
    """Closed in the period, and of those the ones nobody else ever took over."""
    handed_over = exists().where(
        Handover.matter_kind == MatterKind.ENQUIRY,
        Handover.matter_id == Enquiry.id,
        Handover.state == HandoverState.ACCEPTED,
    )
    is_own = and_(Enquiry.owner_id == Enquiry.first_owner_id, ~handed_over)
    return _counted(is_own, span, Enquiry.closed_at)


def _taken(span: Span) -> dict[int, Ratio]:
    """Opened in the period, and of those the ones that were asked about before."""
    earlier = aliased(Enquiry)
    same = or_(
        earlier.claim_id == Enquiry.claim_id,
        and_(earlier.vehicle_id == Enquiry.vehicle_id, earlier.subject == Enquiry.subject),
        and_(earlier.policy_id == Enquiry.policy_id, earlier.subject == Enquiry.subject),
        and_(earlier.caller_phone == Enquiry.caller_phone, earlier.subject == Enquiry.subject),
    )
    again = exists().where(
        earlier.account_id == Enquiry.account_id,
        earlier.id < Enquiry.id,
        earlier.channel != EnquiryChannel.CLAIM_REPORT,
        ~days_apart(Enquiry.opened_at, earlier.opened_at, REPEATED_WITHIN.days),
        same,
    )
    return _counted(again, span, Enquiry.opened_at)


def _counted(part: ColumnElement[bool], span: Span, at: Any) -> dict[int, Ratio]:
    rows = db.session.execute(
        select(
            Enquiry.first_owner_id, cast(func.sum(case((part, 1), else_=0)), Integer), func.count(Enquiry.id)
        )
        .where(
            Enquiry.account_id == span.account_id,
            Enquiry.channel != EnquiryChannel.CLAIM_REPORT,
            at >= span.instants[0],
            at < span.until,
        )
        .group_by(Enquiry.first_owner_id)
    )
    return {owner: Ratio(part, whole) for owner, part, whole in rows.tuples()}
