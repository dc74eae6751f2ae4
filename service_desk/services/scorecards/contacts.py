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

# Who asks about the same so many days later, or sooner, asks again.
REPEATED_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class OwnerFigures:
    """A person's contacts: how many came, asked about again among those, closed by the first owner among closed."""

    logged: int
    repeats: Ratio
    first_contact: Ratio


def by_owner(span: Span) -> dict[int, OwnerFigures]:
    """By who was first asked. What an accident report opened by itself is the claim and no contact."""
    closed, logged = _closed(span), _logged(span)
    return {
        owner: OwnerFigures(
            logged.get(owner, Ratio()).whole, logged.get(owner, Ratio()), closed.get(owner, Ratio())
        )
        for owner in {*closed, *logged}
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


def _logged(span: Span) -> dict[int, Ratio]:
    """Opened in the period, and of those the ones that were asked about again by its end."""
    later = aliased(Enquiry)
    same = or_(
        later.claim_id == Enquiry.claim_id,
        and_(
            later.subject == Enquiry.subject,
            or_(
                later.vehicle_id == Enquiry.vehicle_id,
                later.policy_id == Enquiry.policy_id,
                and_(later.caller_phone == Enquiry.caller_phone, later.caller_phone != ""),
            ),
        ),
    )
    again = exists().where(
        later.account_id == Enquiry.account_id,
        later.id > Enquiry.id,
        later.opened_at < span.until,
        later.channel != EnquiryChannel.CLAIM_REPORT,
        ~days_apart(later.opened_at, Enquiry.opened_at, REPEATED_WITHIN.days),
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
