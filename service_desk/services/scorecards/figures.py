"""The figures of people for an account and a month: a fixed number of queries, however many people."""

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select

from service_desk.models.claims import Claim, ClaimEvent
from service_desk.models.db import db
from service_desk.models.enquiries import Enquiry, EnquiryChannel
from service_desk.models.sla import BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.metrics import Mean
from service_desk.rules.permissions import Role
from service_desk.rules.scorecard import Figure, ScoreMeasure, nothing_yet
from service_desk.services import access
from service_desk.services.measures import Span, by_owner
from service_desk.services.measures.follow_up import asked_claims
from service_desk.services.sla import compliance

M = ScoreMeasure
_WORKING = (Role.MANAGER, Role.UNDERWRITER, Role.CLAIMS)
_DAY = timedelta(days=1)


def counted_people(account_id: int) -> list[User]:
    """Whose months are counted: the insurer's people who work for the account. Administrators do not."""
    return access.account_members(account_id, *_WORKING)


def read_people(span: Span, user_ids: Collection[int]) -> dict[int, dict[ScoreMeasure, Figure]]:
    """Everybody's figures of a month, or of a month so far."""
    found: dict[int, dict[ScoreMeasure, Figure]] = {user_id: nothing_yet() for user_id in user_ids}
    owned = by_owner(span)
    kept = compliance.count_people(span.account_id, span.period, zone=span.zone, now=span.now)
    _put(found, M.OPEN_MATTERS, _added(_open_claims(span), _open_contacts(span)).items())
    _put(found, M.CLAIMS_WORKED, _claims_worked(span))
    _put(found, M.CONTACTS_TAKEN, ((owner, one.logged) for owner, one in owned.items()))
    _put(found, M.CLOCKS_KEPT, ((holder, one.kept) for holder, one in kept.items()))
    _put(found, M.FIRST_CONTACT_CLOSED, ((owner, one.first_contact) for owner, one in owned.items()))
    _put(found, M.REPEAT_CONTACTS, ((owner, one.repeats) for owner, one in owned.items()))
    _put(found, M.FOLLOW_UP_SCORE, _follow_up_scores(span))
    _put(found, M.BREACHES_ANSWERED_FOR, _breaches(span))
    _put(found, M.CORRECTIONS_OVERDUE, _overdue(span))
    return found


def _put(found: dict[int, dict[M, Figure]], measure: M, values: Iterable[tuple[int | None, Figure]]) -> None:
    for user_id, value in values:
        if user_id in found:
            found[user_id][measure] = value


def _added(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in {*one, *other}}


def _open_claims(span: Span) -> dict[int, int]:
    """Open at the end of the month, by who owns them: true when it is asked right after."""
    return _counts(
        select(Claim.owner_id, func.count(Claim.id))
        .where(
            Claim.account_id == span.account_id,
            Claim.reported_at < span.until,
            or_(Claim.closed_at.is_(None), Claim.closed_at >= span.until),
        )
        .group_by(Claim.owner_id)
    )


def _open_contacts(span: Span) -> dict[int, int]:
    return _counts(
        select(Enquiry.owner_id, func.count(Enquiry.id))
        .where(
            Enquiry.account_id == span.account_id,
            Enquiry.channel != EnquiryChannel.CLAIM_REPORT,
            Enquiry.opened_at < span.until,
            or_(Enquiry.closed_at.is_(None), Enquiry.closed_at >= span.until),
        )
        .group_by(Enquiry.owner_id)
    )


def _claims_worked(span: Span) -> Iterable[tuple[int | None, Figure]]:
    """Claims on which the person took at least one step."""
    return _counts(
        select(ClaimEvent.actor_id, func.count(ClaimEvent.claim_id.distinct()))
        .join(Claim, Claim.id == ClaimEvent.claim_id)
        .where(
            Claim.account_id == span.account_id,
            ClaimEvent.action.is_not(None),
            ClaimEvent.at >= span.instants[0],
            ClaimEvent.at < span.until,
        )
        .group_by(ClaimEvent.actor_id)
    ).items()


def _follow_up_scores(span: Span) -> Iterable[tuple[int | None, Figure]]:
    """What the clients said of the claims that ended in the month, by who owns them."""
    each = asked_claims(span, None).subquery()
    rows = db.session.execute(
        select(Claim.owner_id, func.sum(each.c.score), func.count(each.c.answer_id))
        .join(each, each.c.claim_id == Claim.id)
        .group_by(Claim.owner_id)
    ).tuples()
    return [(owner, Mean(int(total or 0), count)) for owner, total, count in rows]


def _breaches(span: Span) -> Iterable[tuple[int | None, Figure]]:
    """Reviews signed in the month that name the person responsible."""
    return _counts(
        _reviews(span, BreachReview.responsible_id).where(
            BreachReview.signed_at >= span.instants[0], BreachReview.signed_at < span.until
        )
    ).items()


def _overdue(span: Span) -> Iterable[tuple[int | None, Figure]]:
    """Corrections whose day had passed by the end of the month, or by now, and that were not done then."""
    last_due = span.period.last if span.is_over else span.last_day - _DAY
    return _counts(
        _reviews(span, BreachReview.correction_owner_id).where(
            BreachReview.correction_due_on <= last_due,
            or_(BreachReview.corrected_at.is_(None), BreachReview.corrected_at >= span.until),
        )
    ).items()


def _reviews(span: Span, person: Any) -> Any:
    return (
        select(person, func.count(BreachReview.id))
        .join(Timer, Timer.id == BreachReview.timer_id)
        .where(Timer.account_id == span.account_id, BreachReview.signed_at < span.until, person.is_not(None))
        .group_by(person)
    )


def _counts(statement: Any) -> dict[Any, int]:
    return {row[0]: row[1] for row in db.session.execute(statement)}
