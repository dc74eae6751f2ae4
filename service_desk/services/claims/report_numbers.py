"""The insurer's own number of an accident report: entered with the report or later, found by it, kept to one accident.

A report number belongs to a notice of loss. One notice may be of several vehicles, so that the claims of one accident
may share it; what two accidents share is a slip of typing, and is refused.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, bindparam, exists, select

from service_desk.base.errors import Invalid
from service_desk.models.accounts import KeyAccount
from service_desk.models.claim_intake import EventClaim
from service_desk.models.claims import Claim
from service_desk.models.db import db, hold
from service_desk.models.users import User
from service_desk.rules.identifiers import is_report_no, normalise_report_no, number_key
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit
from service_desk.services.claims.common import get_claim, log_event, overtaken
from service_desk.services.claims.report_checks import ReportCommand

# Two who give one number to two claims at once are one after the other. A report without a number waits for nobody.
_ACCOUNT = (
    select(KeyAccount.id).where(KeyAccount.id == bindparam("account_id")).with_for_update(key_share=True)
)


@dataclass(frozen=True)
class EnterReportNo:
    """The number as typed; empty takes off the one that is there."""

    report_no: str


def enter(
    number: str, command: EnterReportNo, *, actor: User, now: datetime, version: int | None = None
) -> Claim:
    """Enter or correct the report number of a claim, open or ended.

    Invalid: report_no_invalid, report_no_taken (with the `claim` that has it), nothing_changed. Conflict `stale`.
    """
    claim = get_claim(number, actor=actor)
    access.require(actor, Action.HANDLE_CLAIMS)
    db.session.refresh(claim, with_for_update=True)
    if version is not None and version != claim.version:
        raise overtaken(claim)
    wanted = normalise_report_no(command.report_no)
    if wanted and not is_report_no(wanted):
        raise Invalid("report_no_invalid", field="report_no")
    if wanted == (claim.report_no or ""):
        raise Invalid("nothing_changed", field="report_no")
    if wanted:
        _require_free(claim.account_id, wanted, claim)
    write(claim, wanted, actor=actor, now=now)
    return claim


def write(claim: Claim, wanted: str, *, actor: User, now: datetime) -> None:
    """Keep a number that was checked, on the claim, its time line and in the audit trail."""
    changes = audit.change(claim, report_no=wanted or None)
    claim.report_key = number_key(wanted) or None
    log_event(claim, "report_no_entered", actor=actor, at=now, now=now, params={"report_no": wanted})
    audit.record("claim_report_no_entered", claim, actor=actor, now=now, changes=changes)


def stated(command: ReportCommand, actor: User) -> dict[str, str | None]:
    """The columns of a new claim, by what the report says. Clients are told the number, and do not say it."""
    number = normalise_report_no(command.report_no) if actor.side is Side.INSURER else ""
    return {"report_no": number or None, "report_key": number_key(number) or None}


def require_free(command: ReportCommand, linked: Claim | None, actor: User) -> None:
    """Refuse a report whose number is another accident's than `linked`'s: Invalid `report_no_taken`."""
    number = stated(command, actor)["report_no"]
    if number:
        _require_free(command.account_id, number, linked)


def learn(claim: Claim, command: ReportCommand, *, actor: User, now: datetime) -> None:
    """A second report of an accident brings the number that the claim, which is locked, does not have yet."""
    number = stated(command, actor)["report_no"]
    if number and not claim.report_no:
        write(claim, number, actor=actor, now=now)


def _require_free(account_id: int, number: str, claim: Claim | None) -> None:
    hold(_ACCOUNT, account_id=account_id)
    holders = named_by(account_id, number).order_by(Claim.id)
    if claim is not None:
        own = select(EventClaim.event_id).where(EventClaim.claim_id == claim.id)
        of_accident = exists().where(EventClaim.claim_id == Claim.id, EventClaim.event_id.in_(own))
        holders = holders.where(Claim.id != claim.id, ~of_accident)
    other = db.session.scalar(holders.limit(1))
    if other is not None:
        raise Invalid("report_no_taken", field="report_no", claim=other)


def named_by(account_id: int, text: str) -> Select[tuple[str]]:
    """The numbers of the account's claims that a report number names, however it was typed."""
    return select(Claim.number).where(Claim.account_id == account_id, Claim.report_key == number_key(text))
