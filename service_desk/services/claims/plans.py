"""What is planned to ask after a claim: a call or a form, whom, the form's link, the calls that brought no answer."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from service_desk.adapters import signed_links
from service_desk.base.errors import Conflict, Invalid, InvalidMany
from service_desk.base.text import one_line, squeeze
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.follow_ups import FollowUpCall, FollowUpLink, FollowUpPlan
from service_desk.models.users import User
from service_desk.rules.follow_up import (
    NEXT_TRY_AFTER,
    CallOutcome,
    FollowUpMeans,
    link_ends_at,
    needs_follow_up,
)
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit, notices
from service_desk.services.claims.common import get_claim, log_event, matter_of, overtaken, require_not_future
from service_desk.services.claims.people import basics

PURPOSE = "follow_up"
_LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class PlanFollowUp:
    """Whom to ask and how. A call needs a phone; a form is mailed where there is an address.

    `language` is the recipient's, `zh` or `en`.
    """

    means: FollowUpMeans
    name: str
    phone: str = ""
    email: str = ""
    language: str = "zh"


@dataclass(frozen=True)
class CallTried:
    """A call without an answer. `next_try_at` None: some hours later."""

    at: datetime
    outcome: CallOutcome
    note: str = ""
    next_try_at: datetime | None = None


def suggested(claim: Claim) -> PlanFollowUp:
    """Whom one would ask: who reported it, in their language."""
    reporter = db.session.get_one(User, claim.reported_by_id)
    is_client = reporter.side is Side.CLIENT and reporter.is_active
    means = FollowUpMeans.CALL if claim.callback_phone else FollowUpMeans.FORM
    return PlanFollowUp(
        means=means,
        name=claim.reporter_name,
        phone=claim.callback_phone,
        email=reporter.email if is_client else "",
        language=(reporter.language if is_client else "") or "zh",
    )


def planned_or_suggested(claim: Claim) -> PlanFollowUp:
    """What is planned for the present round, else what one would plan: for a form to begin with."""
    found = find_plan(claim)
    if found is None:
        return suggested(claim)
    return PlanFollowUp(found.means, found.name, found.phone, found.email, found.language)


def find_plan(claim: Claim) -> FollowUpPlan | None:
    """What is planned for the claim's present round; None when nothing is."""
    return db.session.scalar(
        select(FollowUpPlan).where(FollowUpPlan.claim_id == claim.id, FollowUpPlan.round == claim.round)
    )


def find_link(plan: FollowUpPlan) -> FollowUpLink | None:
    """The newest link of a plan that was not revoked; it may have ended or been answered."""
    statement = select(FollowUpLink).where(FollowUpLink.plan_id == plan.id, FollowUpLink.revoked_at.is_(None))
    return db.session.scalar(statement.order_by(FollowUpLink.id.desc()).limit(1))


def list_calls(plan: FollowUpPlan) -> list[FollowUpCall]:
    """The calls of a plan that brought no answer, oldest first."""
    statement = select(FollowUpCall).where(FollowUpCall.plan_id == plan.id)
    return list(db.session.scalars(statement.order_by(FollowUpCall.at, FollowUpCall.id)))


def token_of(link: FollowUpLink) -> str:
    """The secret of a link's address, for who may show it."""
    return signed_links.token_of(PURPOSE, link.nonce)


def plan(
    number: str, command: PlanFollowUp, *, actor: User, now: datetime, version: int | None = None
) -> FollowUpPlan:
    """Plan the follow-up of the present round, or plan it otherwise; a form's link goes out at once, a former one ends.

    An open claim may be planned for before it closes: its form is sent when it does.
    Conflict: stale, follow_up_recorded, follow_up_not_needed. InvalidMany of what cannot be.
    """
    claim = _begin(number, actor, version)
    problems = problems_of(command)
    if problems:
        raise InvalidMany(problems)
    return put(claim, command, actor=actor, now=now)


def put(claim: Claim, command: PlanFollowUp, *, actor: User, now: datetime) -> FollowUpPlan:
    """Write a plan that was checked, with its link. The claim is locked."""
    found = find_plan(claim)
    values = {
        "means": command.means,
        "name": one_line(command.name),
        "phone": squeeze(command.phone),
        "email": squeeze(command.email),
        "language": command.language,
        "user_id": _login_of(claim, command),
        "next_try_at": now if command.means is FollowUpMeans.CALL else None,
    }
    if found is None:
        found = FollowUpPlan(
            claim_id=claim.id, round=claim.round, planned_by_id=actor.id, planned_at=now, **values
        )
        db.session.add(found)
        changes = {"means": (None, command.means)}
    else:
        changes = audit.change(found, **values, planned_by_id=actor.id, planned_at=now)
    db.session.flush()
    revoke(found, now=now)
    audit.record(
        "follow_up_planned",
        found,
        actor=actor,
        now=now,
        label=claim.number,
        changes=changes,
        account_id=claim.account_id,
    )
    params = {"means": command.means.value, "name": found.name}
    log_event(claim, "follow_up_planned", actor=actor, at=now, now=now, params=params, is_internal=True)
    if claim.closed_at is not None:
        send_planned(claim, actor=actor, now=now)
    return found


def send_planned(claim: Claim, *, actor: User, now: datetime) -> None:
    """Send the form that is planned for a claim that has ended, unless its link is out.

    A link that was answered belongs to an end that did not last (a payment came back): the form goes out again.
    """
    found = find_plan(claim)
    if found is None or found.means is not FollowUpMeans.FORM:
        return
    link = find_link(found)
    if link is None or link.answered_at is not None:
        _send_form(claim, found, actor, now)


def _login_of(claim: Claim, command: PlanFollowUp) -> int | None:
    """The reporter's login when it is they who are asked."""
    reporter = db.session.get_one(User, claim.reported_by_id)
    is_theirs = reporter.side is Side.CLIENT and squeeze(command.email) == reporter.email != ""
    return reporter.id if is_theirs else None


def _send_form(claim: Claim, plan: FollowUpPlan, actor: User, now: datetime) -> None:
    """Make the link, and mail it where there is an address. The mail's words get the nonce, never the token."""
    nonce = secrets.token_urlsafe(16)
    link = FollowUpLink(
        plan_id=plan.id,
        nonce=nonce,
        token_sha256=signed_links.hash_of(signed_links.token_of(PURPOSE, nonce)),
        made_by_id=actor.id,
        made_at=now,
        ends_at=link_ends_at(now),
    )
    db.session.add(link)
    db.session.flush()
    recipient = notices.Recipient(plan.name, plan.email, plan.language)
    params = basics(claim) | {"nonce": nonce, "ends_at": link.ends_at.isoformat()}
    notices.queue(
        "follow_up_form",
        recipient,
        params,
        dedupe=f"follow_up_form:{link.id}",
        now=now,
        matter=matter_of(claim),
    )


def revoke(plan: FollowUpPlan, *, now: datetime) -> None:
    """End the links of a plan that nobody has answered."""
    db.session.execute(
        update(FollowUpLink)
        .where(
            FollowUpLink.plan_id == plan.id,
            FollowUpLink.revoked_at.is_(None),
            FollowUpLink.answered_at.is_(None),
        )
        .values(revoked_at=now)
    )


def record_try(
    number: str, command: CallTried, *, actor: User, now: datetime, version: int | None = None
) -> FollowUpCall:
    """Record a call that brought no answer, and when to call again.

    Conflict: follow_up_recorded, follow_up_not_needed. Invalid: time_in_future, before_closing, next_try_past.
    """
    claim = _begin(number, actor, version)
    if claim.closed_at is None:
        raise Conflict("claim_moved_on")
    require_not_future(command.at, field="at", now=now)
    if command.at < claim.closed_at.replace(second=0, microsecond=0):
        raise Invalid("before_closing", field="at")
    again_at = command.next_try_at or now + NEXT_TRY_AFTER
    if again_at <= now:
        raise Invalid("next_try_past", field="next_try_at")
    found = find_plan(claim) or put(claim, suggested(claim), actor=actor, now=now)
    found.tries += 1
    found.next_try_at = again_at
    call = FollowUpCall(
        plan_id=found.id, at=command.at, by_id=actor.id, outcome=command.outcome, note=one_line(command.note)
    )
    db.session.add(call)
    params = {"outcome": command.outcome.value, "tries": found.tries, "next_try_at": again_at.isoformat()}
    log_event(
        claim,
        "follow_up_tried",
        actor=actor,
        at=command.at,
        now=now,
        params=params,
        note=call.note,
        is_internal=True,
    )
    audit.record(
        "follow_up_tried", call, actor=actor, now=now, label=claim.number, account_id=claim.account_id
    )
    return call


def _begin(number: str, actor: User, version: int | None) -> Claim:
    """The claim, locked, while its round is to be asked after or may come to be."""
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.HANDLE_CLAIMS)
    db.session.refresh(claim, with_for_update=True)
    if version is not None and version != claim.version:
        raise overtaken(claim)
    if claim.followed_up_at is not None:
        raise Conflict("follow_up_recorded")
    if claim.closed_at is not None and not needs_follow_up(
        claim.state, was_surveyed=claim.surveyed_at is not None
    ):
        raise Conflict("follow_up_not_needed")
    return claim


def problems_of(command: PlanFollowUp) -> list[Invalid]:
    """What cannot be of a plan, everything at once."""
    problems = []
    if not squeeze(command.name):
        problems.append(Invalid("required", field="name"))
    if command.means is FollowUpMeans.CALL and not squeeze(command.phone):
        problems.append(Invalid("required", field="phone"))
    if squeeze(command.email) and "@" not in command.email:
        problems.append(Invalid("email_invalid", field="email", value=squeeze(command.email)))
    if command.language not in _LANGUAGES:
        problems.append(Invalid("required", field="language"))
    problems += [
        Invalid("words_too_long", field=field, length=length)
        for field, words, length in (
            ("name", command.name, 64),
            ("phone", command.phone, 64),
            ("email", command.email, 200),
        )
        if len(squeeze(words)) > length
    ]
    return problems
