"""Service levels in words: for which matters, why this one, and whom its escalations tell."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _

from service_desk.base.money import format_yuan
from service_desk.models.sla import ServiceLevel
from service_desk.models.users import User
from service_desk.presenters import sla, times
from service_desk.presenters.labels import label
from service_desk.presenters.languages import named
from service_desk.rules.permissions import Role
from service_desk.rules.sla import Condition, TargetUnit
from service_desk.rules.sla.addressees import ESCALATION_ROLES, Addressee, addressee_from
from service_desk.rules.vocabulary import Severity
from service_desk.services.sla import ClockView
from service_desk.services.sla.trial import TrialResult


@dataclass(frozen=True)
class Known:
    """What is known of a matter, as far as a level may ask for it."""

    severity: Severity | None
    is_urban: bool | None
    amount_fen: int | None


def why(view: ClockView) -> str:
    """Which level a clock runs under and what of the case, as it was at the start, decided for it."""
    if not view.deciding:
        return _("Level for every case of this step")
    level, timer = view.level, view.timer
    account = named(view.account.name, view.account.name_en)
    return _(
        "Level for %(scope)s; chosen because %(reasons)s",
        scope=sla.conditions(level, {view.account.id: account}) or _("everything else"),
        reasons=reasons(view.deciding, Known(timer.severity, timer.is_urban, timer.amount_fen)),
    )


def reasons(deciding: Collection[Condition], known: Known) -> str:
    """What decided for a level, by what is known of the matter."""
    words = {
        Condition.ACCOUNT: _("it is agreed with this account"),
        Condition.SEVERITY: _severity_words(known.severity),
        Condition.PLACE: _place_words(known.is_urban),
        Condition.AMOUNT: _amount_words(known.amount_fen),
    }
    found = [words[condition] for condition in Condition if condition in deciding]
    return _(" and ").join(found) or _("the step has no other level for this account")


@dataclass(frozen=True)
class Foreseen:
    """The test box's answer in words. `escalations`: a line for each, with its instant and whom it tells."""

    due: str
    reasons: str
    promise: str
    calendar: str
    starts: str
    warns: str
    ends: str
    escalations: list[str]


def foreseen(result: TrialResult, people: Mapping[int, User]) -> Foreseen:
    """What a case like this would be promised, and when each thing would happen."""
    level, trial = result.level, result.trial
    by_day = level.target_unit is TargetUnit.CALENDAR_DAYS
    ends = times.minute(result.due_at, ends_day=by_day)
    return Foreseen(
        due=_("A case like this at this time would be due %(due)s.", due=ends),
        reasons=reasons(result.deciding, Known(trial.severity, trial.is_urban, trial.amount_fen)),
        promise=sla.promise(level.target_value, level.target_unit),
        calendar=_(
            "%(calendar)s, version %(number)s",
            calendar=sla.calendar_name(level.calendar_code, [result.calendar]),
            number=result.calendar_version.number,
        ),
        starts=times.minute(trial.at),
        warns=times.minute(result.warn_at),
        ends=ends,
        escalations=[
            _(
                "%(at)s, after %(time)s: %(who)s",
                at=times.minute(one.at),
                time=after_words(one.after_minutes),
                who=addressee(one.to, people),
            )
            for one in result.escalations
        ],
    )


def promise_line(value: int, unit: str, calendar: str, source: str) -> str:
    """`60 minutes · round the clock · Chongqing standard`."""
    words = [sla.promise(value, unit), calendar]
    if source:
        words.append(sla.source_words(source))
    return " · ".join(words)


def state(level: ServiceLevel, today: date) -> tuple[str, str]:
    """Whether it is in force, as words and tone."""
    if level.ended_on is not None and level.ended_on <= today:
        return _("ended"), "idle"
    if level.effective_on > today:
        return _("to come"), "warn"
    return _("in force"), "ok"


def escalation_lines(level: ServiceLevel, people: Mapping[int, User]) -> list[str]:
    """`after 4 h: all managers of the account`, one line a step."""
    told = [*level.escalate_to, *([""] * len(level.escalate_after_minutes))]
    return [
        _("after %(time)s: %(who)s", time=after_words(minutes), who=addressee(addressee_from(code), people))
        for minutes, code in zip(level.escalate_after_minutes, told, strict=False)
    ]


def after_words(minutes: int) -> str:
    """How long after the due time. Hours of the clock are not made into days."""
    return sla.working_time(minutes * 60)


def addressee(to: Addressee, people: Mapping[int, User]) -> str:
    """Whom an escalation tells; one who left is named all the same."""
    if to.role is not None:
        return label(to.role, "escalation_role")
    user = people.get(to.user_id or 0)
    return _person(user) if user else _("somebody who has left")


def addressee_choices(people: Iterable[User], kept: Iterable[User] = ()) -> list[tuple[str, str]]:
    """Roles first, then people. `kept` are named already and stay visible, allowed or not."""
    known = {user.id: user for user in [*people, *kept]}
    roles = [(Addressee(role).code, label(role, "escalation_role")) for role in ESCALATION_ROLES]
    return [
        ("", "—"),
        *sorted(roles, key=lambda choice: choice[0] != Addressee(Role.MANAGER).code),
        *((Addressee(None, user.id).code, _person(user)) for user in known.values()),
    ]


def in_force_words(level: ServiceLevel) -> str:
    """`from 2026-11-23`, with its end where there is one."""
    if level.ended_on is None:
        return _("from %(day)s", day=times.day(level.effective_on))
    return _(
        "from %(day)s until before %(end)s",
        day=times.day(level.effective_on),
        end=times.day(level.ended_on),
    )


def _person(user: User) -> str:
    return f"{user.name} · {user.staff_no} · {label(user.role, 'role')}"


def _severity_words(severity: Severity | None) -> str:
    if severity is None:
        return _("how many were hurt is not known")
    return label(severity, "severity_reason")


def _place_words(is_urban: bool | None) -> str:
    if is_urban is None:
        return _("the place is not known")
    if is_urban:
        return _("the place is in a city or county town")
    return _("the place is not in a city or county town")


def _amount_words(amount_fen: int | None) -> str:
    if amount_fen is None:
        return _("no amount is known yet")
    return _("the amount is %(amount)s", amount=format_yuan(amount_fen, sign=True))
