"""Disputes in words: what is said by whom, what is undisputed, how one ended and what followed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from service_desk.base.clock import local_date
from service_desk.base.money import format_yuan
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.disputes import Dispute
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.presenters import sla as clocks
from service_desk.presenters.claims_timeline import Photo
from service_desk.presenters.labels import label
from service_desk.rules.claim_flow import OPEN_STATES
from service_desk.rules.disputes import Consequence, DisputeSide, last_day_to_dispute
from service_desk.services.claims.disputes import DisputeFile, Money
from service_desk.services.claims.disputes.reading import money_of


@dataclass(frozen=True)
class Exchange:
    """One thing said or brought. `files` are (address, name) of papers that are no pictures."""

    at: datetime
    side: str
    side_words: str
    who: str
    words: str
    is_internal: bool
    photos: Sequence[Photo]
    files: Sequence[tuple[str, str]]


def money(claim: Claim, file: DisputeFile) -> Money:
    """What is not in dispute, and what of it is approved and paid."""
    return money_of(claim, file.dispute)


def exchange(file: DisputeFile) -> list[Exchange]:
    """What both sides said and brought, in the order it came."""
    said = [
        Exchange(
            one.at,
            one.side.value,
            _side(one.side),
            _name(file, one.by_id),
            one.words,
            one.is_internal,
            (),
            (),
        )
        for one in file.words
    ]
    brought = []
    for one, document in file.evidence:
        url = url_for("documents.show", document_id=document.id)
        is_photo = document.width is not None
        brought.append(
            Exchange(
                one.at,
                one.side.value,
                _side(one.side),
                _name(file, one.by_id),
                one.words,
                False,
                [Photo(url, url, one.words or document.filename)] if is_photo else [],
                [] if is_photo else [(url, document.filename)],
            )
        )
    return sorted([*said, *brought], key=lambda one: one.at)


def _side(side: DisputeSide) -> str:
    return label(side, "dispute_side")


def _name(file: DisputeFile, user_id: int | None) -> str:
    user = file.people.get(user_id or 0)
    return f"{user.name} · {user.staff_no}" if user and user.staff_no else user.name if user else "—"


def name(file: DisputeFile, user_id: int | None) -> str:
    """A person of the dispute with the staff number."""
    return _name(file, user_id)


def raised_line(file: DisputeFile) -> str:
    """By whom it was raised, and for whom."""
    who = _name(file, file.dispute.raised_by_id)
    if file.dispute.raised_for:
        return _("%(who)s, for %(client)s", who=who, client=file.dispute.raised_for)
    return who


def outcome_line(dispute: Dispute) -> str:
    """How a dispute ended, in one line."""
    if dispute.outcome is None:
        return _("open")
    parts = [label(dispute.outcome, "dispute_outcome")]
    if dispute.awarded_fen is not None:
        parts.append(format_yuan(dispute.awarded_fen, sign=True))
    return " · ".join(parts)


def consequence_line(file: DisputeFile) -> str:
    """What followed, or what is still to be done."""
    dispute, event = file.dispute, file.followed_by
    if dispute.consequence in {None, Consequence.NOTHING}:
        return _("Nothing follows.")
    if event is None:
        return _("%(what)s: still to be done.", what=label(dispute.consequence, "dispute_consequence"))
    if dispute.consequence is Consequence.REOPENING:
        return _("Reopened, round %(round)s", round=event.params["round"])
    return _(
        "Calculated, version %(version)s: %(amount)s",
        version=event.params["version"],
        amount=format_yuan(event.params["total_fen"], sign=True),
    )


def tone(dispute: Dispute) -> str:
    """The colour of a dispute's badge."""
    return "warn" if dispute.decided_at is None else "idle"


def age(seconds: int) -> str:
    """How old a dispute is, in whole days."""
    return ngettext("%(num)s day", "%(num)s days", seconds // 86_400)


def clock_pill(timer: Timer | None, now: datetime) -> clocks.Pill | None:
    """The dispute's clock; None for one from before disputes had a clock."""
    return clocks.pill(timer, now) if timer else None


def person(user_id: int | None) -> User | None:
    """A person by id."""
    return db.session.get(User, user_id) if user_id else None


def last_day(claim: Claim) -> date | None:
    """Until when an ended claim may be disputed; None while it is open."""
    if claim.state in OPEN_STATES or claim.closed_at is None:
        return None
    return last_day_to_dispute(local_date(claim.closed_at))
