"""What a case like this would be promised is what a clock started there then would be."""

from datetime import UTC, date, datetime, timedelta

import pytest

from service_desk.base.errors import Forbidden, Invalid, NotFound
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.permissions import Role
from service_desk.rules.sla import Condition, TargetUnit
from service_desk.rules.sla.addressees import Addressee
from service_desk.rules.vocabulary import Severity
from service_desk.services import sla
from service_desk.services.notices import Matter
from service_desk.services.sla import levels
from service_desk.services.sla.levels import LevelConditions, LevelTerms
from service_desk.services.sla.trial import Trial, TrialResult, try_out
from tests.world import World

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _defaults(session, world, now) -> None:
    sla.install_defaults(now)
    session.commit()


def china(text: str) -> datetime:
    return datetime.strptime(f"{text} +0800", "%Y-%m-%d %H:%M %z").astimezone(UTC)


def tried(world: World, step: ClockStep, at: datetime, **known: object) -> TrialResult:
    result = try_out(Trial(world.account.id, step, at, **known), actor=world.manager)  # type: ignore[arg-type]
    assert result is not None
    return result


@pytest.mark.parametrize("step", ClockStep)
@pytest.mark.parametrize("start", ["2026-11-23 09:00", "2026-11-28 03:17", "2026-12-31 23:59"])
def test_a_clock_started_there_then_has_the_same_instants(world, step, start) -> None:
    at = china(start)
    known = {"severity": Severity.INJURY, "is_urban": False, "amount_fen": 150_000}

    result = tried(world, step, at, **known)
    timer = sla.start(
        Matter("claim", 1, "CLM-2026-000001", world.account.id),
        step,
        holder_id=world.claims1.id,
        at=at,
        actor=None,
        now=at,
        **known,
    )

    assert timer is not None
    assert (result.level.id, result.due_at, result.warn_at) == (timer.level_id, timer.due_at, timer.warn_at)
    assert result.calendar_version.digest == timer.calendar_digest


def test_says_what_decided_and_what_else_fits(world, now) -> None:
    terms = LevelTerms(20, TargetUnit.MINUTES, 50, "24x7", "", date(2026, 11, 23), (15, 60), ("role:admin",))
    grave = LevelConditions(ClockStep.SURVEY, None, Severity.MASS_INJURY, True)
    row = levels.add_level(grave, terms, actor=world.admin, now=now)
    db.session.flush()

    result = tried(world, ClockStep.SURVEY, now, severity=Severity.MASS_INJURY, is_urban=True)

    assert result.level is row
    assert result.deciding == (Condition.SEVERITY, Condition.PLACE)
    assert [(one.is_urban, one.severity) for one in result.others] == [(True, None), (None, None)]
    assert (result.warn_at, result.due_at) == (now + 10 * MINUTE, now + 20 * MINUTE)
    assert [(one.at, one.after_minutes, one.to) for one in result.escalations] == [
        (now + 35 * MINUTE, 15, Addressee(Role.ADMIN)),
        (now + 80 * MINUTE, 60, Addressee(Role.MANAGER)),
    ]


def test_goes_by_the_level_of_that_day(world, now) -> None:
    terms = LevelTerms(1, TargetUnit.WORKING_DAYS, 75, "office", "", date(2026, 12, 1))
    levels.add_level(
        LevelConditions(ClockStep.FOLLOWUP, world.account.id), terms, actor=world.manager, now=now
    )
    db.session.flush()
    before = tried(world, ClockStep.FOLLOWUP, china("2026-11-30 10:00"))
    after = tried(world, ClockStep.FOLLOWUP, china("2026-12-01 10:00"))
    assert (before.level.target_value, after.level.target_value) == (3, 1)
    assert (before.deciding, after.deciding) == ((), (Condition.ACCOUNT,))


@pytest.mark.parametrize(
    ("start", "provisional"),
    [("2026-12-25 09:00", False), ("2026-12-28 09:00", True), ("2027-03-01 09:00", True)],
)
def test_a_term_that_reaches_a_year_not_announced_is_provisional(world, start, provisional) -> None:
    assert tried(world, ClockStep.CTPL_DECISION, china(start)).is_provisional is provisional


def test_round_the_clock_nothing_is_provisional(world) -> None:
    assert not tried(world, ClockStep.SURVEY, china("2027-03-01 09:00")).is_provisional


def test_no_promise_is_an_answer_too(world, now) -> None:
    assert (
        try_out(Trial(world.account.id, ClockStep.SURVEY, china("2020-01-01 09:00")), actor=world.admin)
        is None
    )


def test_refuses_other_accounts_other_roles_and_years_without_a_calendar(world, now) -> None:
    with pytest.raises(NotFound):
        try_out(Trial(world.foreign_account.id, ClockStep.SURVEY, now), actor=world.manager)
    with pytest.raises(Forbidden):
        try_out(Trial(world.account.id, ClockStep.SURVEY, now), actor=world.claims1)
    with pytest.raises(Invalid, match="calendar_year_out_of_range") as refusal:
        try_out(Trial(world.account.id, ClockStep.SURVEY, china("2150-01-01 09:00")), actor=world.manager)
    assert refusal.value.field == "at"
