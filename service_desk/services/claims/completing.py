"""The rest of a report: what was not said at the roadside, by the desk or by whoever reported it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service_desk.base.errors import Conflict, Forbidden, Invalid, InvalidMany
from service_desk.base.text import one_line, squeeze
from service_desk.models.claims import Claim
from service_desk.models.users import User
from service_desk.rules.claim_flow import ClaimAction, ClaimState
from service_desk.rules.permissions import Action, Side
from service_desk.services import access, audit
from service_desk.services.claims import report_checks
from service_desk.services.claims.common import begin, perform
from service_desk.services.claims.covers import keep_again

# What was calculated stands on the cover of the time of loss.
_NOT_CALCULATED = frozenset(
    {
        ClaimState.REPORTED,
        ClaimState.DISPATCHED,
        ClaimState.SURVEYED,
        ClaimState.ASSESSED,
        ClaimState.DOCUMENTS_COMPLETE,
    }
)


@dataclass(frozen=True)
class CompleteReport:
    """The report as it should read: every field as it is to be, changed or not."""

    loss_at: datetime
    place: str
    description: str
    other_party: str
    injured_count: int
    reporter_name: str
    callback_phone: str
    late_reason: str = ""


@dataclass(frozen=True)
class Completed:
    """What came of it. `covers` is None when the time of loss stayed, else `[code, policy]` before and after."""

    claim: Claim
    changed: tuple[str, ...]
    covers: tuple[list[list[str]], list[list[str]]] | None


def may_complete(claim: Claim, user: User) -> bool:
    """Whether this person may: the desk, and of the client whoever reported it."""
    if not access.may(user, Action.REPORT_CLAIM):
        return False
    return user.side is Side.INSURER or claim.reported_by_id == user.id


def complete(
    number: str, command: CompleteReport, *, actor: User, now: datetime, version: int | None = None
) -> Completed:
    """Complete or correct a report. A changed time of loss looks the cover up again and says what changed.

    Invalid (one or many): time_in_future, loss_too_old, loss_after_report, place_missing, required, phone_invalid,
    injured_invalid, words_too_long, nothing_changed. Conflict `loss_time_calculated` once a sum stands on it.
    """
    claim, _ = begin(number, ClaimAction.COMPLETE_REPORT, actor=actor, version=version)
    if not may_complete(claim, actor):
        raise Forbidden("not_allowed", action=Action.REPORT_CLAIM.value)
    _check(claim, command, now)
    changes = _change(claim, command)
    if not changes:
        raise Invalid("nothing_changed")
    covers = keep_again(claim) if "loss_at" in changes else None
    params: dict[str, Any] = {"fields": list(changes)}
    if covers is not None:
        params |= {
            "old_loss_at": changes["loss_at"][0].isoformat(),
            "covers_before": covers[0],
            "covers_after": covers[1],
        }
    perform(claim, ClaimAction.COMPLETE_REPORT, actor=actor, at=now, now=now, params=params)
    audit.record("claim_report_completed", claim, actor=actor, now=now, changes=changes)
    return Completed(claim, tuple(changes), covers)


def _check(claim: Claim, command: CompleteReport, now: datetime) -> None:
    problems = report_checks.time_problems(command.loss_at, now)
    # People type whole minutes: the minute of the report is not after it.
    moves = _minute(command.loss_at) != _minute(claim.loss_at)
    if not problems and moves and command.loss_at > claim.reported_at:
        problems.append(Invalid("loss_after_report", field="loss_at", reported_at=claim.reported_at))
    if not command.place.strip() and claim.latitude is None:
        problems.append(Invalid("place_missing", field="place"))
    words = {
        name: getattr(command, name) for name in ("place", "reporter_name", "other_party", "late_reason")
    }
    problems += report_checks.wording_problems(command.callback_phone, words)
    if not 0 <= command.injured_count <= report_checks.MAX_INJURED:
        most = report_checks.MAX_INJURED
        problems.append(Invalid("injured_invalid", field="injured_count", most=most))
    if problems:
        raise InvalidMany(problems)
    if moves and claim.state not in _NOT_CALCULATED:
        raise Conflict("loss_time_calculated")


def _change(claim: Claim, command: CompleteReport) -> dict[str, tuple[Any, Any]]:
    moves = _minute(command.loss_at) != _minute(claim.loss_at)
    return audit.change(
        claim,
        loss_at=command.loss_at if moves else claim.loss_at,
        place=one_line(command.place),
        description=command.description.strip(),
        other_party=one_line(command.other_party),
        injured_count=command.injured_count,
        reporter_name=one_line(command.reporter_name) or claim.reporter_name,
        callback_phone=squeeze(command.callback_phone),
        late_reason=one_line(command.late_reason),
    )


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
