"""Why cover is not renewed: recorded, corrected, taken back; it leaves the board and stays listed."""

import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, unit_of_work
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.policies import CoverSource, ExternalCover, Policy
from service_desk.models.renewals import RenewalOutcome
from service_desk.models.users import User
from service_desk.rules.periods import Period
from service_desk.rules.renewal import Outcome
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import renewals
from service_desk.services.renewals import ExpiryFilter, outcomes, success
from service_desk.services.renewals.outcomes import OutcomeDetails, OutcomeFilter
from tests.factories import PolicyFactory
from tests.world import World

TODAY = date(2026, 11, 23)
LAST_DAY = TODAY + timedelta(days=20)
CTPL, COMMERCIAL = PolicyLine.CTPL, PolicyLine.COMMERCIAL
SOLD = OutcomeDetails(Outcome.SOLD)
SWITCHED = OutcomeDetails(Outcome.SWITCHED, "平安财险", date(2027, 12, 31))


def end_of(day: date) -> datetime:
    """24:00 of a day in China."""
    return datetime(day.year, day.month, day.day, 16, tzinfo=UTC)


def cover(world: World, vehicle: Vehicle, last_day: date, line: PolicyLine = CTPL, **values: Any) -> Policy:
    ends_at = end_of(last_day)
    policy: Policy = PolicyFactory(
        vehicle=vehicle,
        issued_by=world.underwriter,
        line=line,
        starts_at=ends_at - timedelta(days=365),
        ends_at=ends_at,
        **values,
    )
    db.session.commit()
    return policy


def to_do(world: World, now: datetime, **wanted: Any) -> list[tuple[str, PolicyLine]]:
    found = renewals.list_expiries(ExpiryFilter(world.account.id, **wanted), actor=world.underwriter, now=now)
    return [(one.plate, one.line) for one in found]


def record(
    world: World,
    now: datetime,
    details: OutcomeDetails = SOLD,
    lines: tuple[PolicyLine, ...] = (CTPL,),
    **values: Any,
) -> None:
    given: dict[str, Any] = {"actor": world.underwriter, "now": now, **values}
    outcomes.record(world.coach.id, dict.fromkeys(lines, LAST_DAY), details, **given)
    db.session.commit()


def recorded(world: World, actor: User | None = None, **wanted: Any) -> list[outcomes.OutcomeRow]:
    asked = OutcomeFilter(world.account.id, **wanted)
    return list(outcomes.list_outcomes(asked, None, actor=actor or world.underwriter).rows)


def external(vehicle: Vehicle) -> ExternalCover | None:
    return db.session.scalar(select(ExternalCover).where(ExternalCover.vehicle_id == vehicle.id))


def test_an_outcome_takes_its_line_off_the_board_and_stays_listed(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    cover(world, world.coach, LAST_DAY, COMMERCIAL)
    record(world, now)
    assert to_do(world, now) == [("豫A12345", COMMERCIAL)]
    (row,) = recorded(world, outcome=Outcome.SOLD)
    assert (row.outcome.line, row.last_day, row.recorded_by.name) == (CTPL, LAST_DAY, "李静")
    assert outcomes.count_outcomes(OutcomeFilter(world.account.id), actor=world.hq)[Outcome.SOLD] == 1
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.changes) == ("renewal_outcome_recorded", {"outcome": [None, "sold"]})


def test_all_lines_at_once_and_nothing_is_reminded_of_any_more(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    cover(world, world.coach, LAST_DAY, COMMERCIAL)
    record(world, now, lines=(CTPL, COMMERCIAL))
    assert to_do(world, now) == []
    assert len(recorded(world)) == 2
    assert renewals.send_reminders(world.account.id, now=now) == 0


def test_cover_that_ended_years_ago_stays_on_the_board_until_an_outcome_is_recorded(
    world: World, now: datetime
) -> None:
    long_ago = TODAY - timedelta(days=1500)
    cover(world, world.coach, long_ago)
    assert to_do(world, now) == [("豫A12345", CTPL)]
    outcomes.record(world.coach.id, {CTPL: long_ago}, SOLD, actor=world.underwriter, now=now)
    assert to_do(world, now) == []


def test_a_switched_insurer_covers_the_vehicle_and_its_end_is_to_do_again(
    world: World, now: datetime
) -> None:
    cover(world, world.coach, LAST_DAY)
    record(world, now, SWITCHED)
    noted = external(world.coach)
    assert noted is not None
    assert (noted.starts_at, noted.ends_at) == (end_of(LAST_DAY), end_of(date(2027, 12, 31)))
    assert (noted.insurer, noted.source) == ("平安财险", CoverSource.OTHER_INSURER)
    later = datetime(2027, 12, 1, tzinfo=UTC)
    assert to_do(world, later) == [("豫A12345", CTPL)]


def test_cover_from_elsewhere_that_goes_on_keeps_its_beginning(world: World, now: datetime) -> None:
    db.session.add(
        ExternalCover(
            account_id=world.account.id,
            vehicle_id=world.coach.id,
            line=CTPL,
            ends_at=end_of(LAST_DAY),
            source=CoverSource.CLIENT_LIST,
            noted_at=now,
        )
    )
    db.session.commit()
    record(world, now, SWITCHED)
    noted = external(world.coach)
    assert noted is not None
    assert noted.starts_at is None
    row = recorded(world)[0].outcome
    outcomes.withdraw(row.id, "登记错误", row.version, actor=world.underwriter, now=now)
    db.session.commit()
    put_back = external(world.coach)
    assert put_back is not None
    assert (put_back.ends_at, put_back.source, put_back.insurer) == (
        end_of(LAST_DAY),
        CoverSource.CLIENT_LIST,
        "",
    )


def test_correcting_a_switched_insurer_takes_its_cover_away(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    record(world, now, SWITCHED)
    row = recorded(world)[0].outcome
    details = OutcomeDetails(Outcome.NOT_RENEWING, note="车辆即将更新")
    outcomes.correct(row.id, details, row.version, actor=world.manager, now=now)
    db.session.commit()
    assert external(world.coach) is None
    corrected = recorded(world)[0]
    assert (corrected.outcome.outcome, corrected.outcome.insurer) == (Outcome.NOT_RENEWING, "")
    assert corrected.recorded_by.name == "孙国强"
    entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert entry is not None
    assert entry.changes["outcome"] == ["switched", "not_renewing"]
    assert entry.changes["covered_until"] == ["2027-12-31", None]


def test_cover_told_by_a_later_list_is_not_put_back(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    record(world, now, SWITCHED)
    noted = external(world.coach)
    assert noted is not None
    noted.ends_at = end_of(date(2028, 3, 31))
    db.session.commit()
    row = recorded(world)[0].outcome
    outcomes.withdraw(row.id, "登记错误", row.version, actor=world.underwriter, now=now)
    assert external(world.coach) is not None


def test_an_outcome_taken_back_is_to_do_again(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    record(world, now)
    row = recorded(world)[0].outcome
    with pytest.raises(Invalid, match="reason_missing"):
        outcomes.withdraw(row.id, " ", row.version, actor=world.underwriter, now=now)
    outcomes.withdraw(row.id, "车辆未售", row.version, actor=world.underwriter, now=now)
    db.session.commit()
    assert to_do(world, now) == [("豫A12345", CTPL)]
    assert recorded(world) == []


@pytest.mark.parametrize(
    ("outcome", "state"),
    [(Outcome.SUSPENDED, VehicleState.SUSPENDED), (Outcome.SOLD, VehicleState.RETIRED)],
)
def test_the_vehicle_is_put_out_of_service_when_asked(
    world: World, now: datetime, outcome: Outcome, state: VehicleState
) -> None:
    cover(world, world.coach, LAST_DAY)
    record(world, now, OutcomeDetails(outcome, sets_state=True))
    assert db.session.get_one(Vehicle, world.coach.id).state is state
    assert recorded(world)[0].outcome.outcome is outcome


@pytest.mark.parametrize(
    ("details", "code"),
    [
        (OutcomeDetails(Outcome.SWITCHED, "", date(2027, 12, 31)), "insurer_missing"),
        (OutcomeDetails(Outcome.SWITCHED, "平安财险"), "covered_until_missing"),
        (OutcomeDetails(Outcome.SWITCHED, "平安财险", LAST_DAY), "covered_until_too_early"),
        (OutcomeDetails(Outcome.NOT_RENEWING, note=" "), "reason_missing"),
    ],
)
def test_what_an_outcome_must_say(world: World, now: datetime, details: OutcomeDetails, code: str) -> None:
    cover(world, world.coach, LAST_DAY)
    with pytest.raises(Invalid, match=code):
        record(world, now, details)


def test_an_outcome_is_refused_when_the_vehicle_was_renewed_meanwhile(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    cover(world, world.coach, LAST_DAY + timedelta(days=365))
    with pytest.raises(Conflict, match="expiry_changed"):
        record(world, now)
    with pytest.raises(Invalid, match="no_renewal_line_chosen"):
        record(world, now, lines=())


def test_a_double_click_records_once_and_another_clerk_is_told(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    record(world, now, key="k1")
    record(world, now, key="k1")
    with pytest.raises(Conflict, match="expiry_changed"):
        record(world, now, key="k2", actor=world.manager)
    assert db.session.scalar(select(func.count(RenewalOutcome.id))) == 1


def test_two_clerks_at_the_same_time_record_one_outcome(app: Flask, world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    vehicle_id, clerks = world.coach.id, [world.underwriter.id, world.manager.id]
    db.session.remove()
    answers: list[str] = []
    both = threading.Barrier(2)

    def work(user_id: int) -> None:
        with app.app_context():
            both.wait()
            try:
                with unit_of_work():
                    actor = db.session.get_one(User, user_id)
                    outcomes.record(vehicle_id, {CTPL: LAST_DAY}, SOLD, actor=actor, now=now)
                answers.append("recorded")
            except DomainError as refusal:
                answers.append(refusal.code)

    threads = [threading.Thread(target=work, args=(user_id,)) for user_id in clerks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["expiry_changed", "recorded"]


def test_who_may_record_and_who_sees(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    cover(world, world.bus, LAST_DAY)
    for actor in (world.hq, world.safety_gongyi, world.claims1):
        with pytest.raises(Forbidden):
            record(world, now, actor=actor)
    record(world, now)
    outcomes.record(world.bus.id, {CTPL: LAST_DAY}, SOLD, actor=world.underwriter, now=now)
    db.session.commit()
    assert [row.vehicle.plate for row in recorded(world, world.safety_gongyi)] == ["豫A12345"]
    assert recorded(world, world.foreign_hq) == []
    bus_row = next(row for row in recorded(world) if row.vehicle.id == world.bus.id)
    with pytest.raises(NotFound):
        outcomes.get(bus_row.outcome.id, actor=world.safety_gongyi)
    with pytest.raises(NotFound):
        outcomes.record(world.foreign_vehicle.id, {CTPL: LAST_DAY}, SOLD, actor=world.underwriter, now=now)


def test_outcomes_are_paged_and_narrowed(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    cover(world, world.coach, LAST_DAY, COMMERCIAL)
    record(world, now, lines=(CTPL, COMMERCIAL))
    page = outcomes.list_outcomes(OutcomeFilter(world.account.id), PageRequest(2, 1), actor=world.underwriter)
    assert (page.total, len(page.rows)) == (2, 1)
    assert len(recorded(world, line=COMMERCIAL)) == 1
    assert recorded(world, branch_id=world.zhongmu.id) == []


def test_early_renewals_are_found_from_the_policies(world: World, now: datetime) -> None:
    cover(world, world.coach, LAST_DAY)
    cover(world, world.coach, LAST_DAY + timedelta(days=365), issued_at=now, number="EARLY-1")
    ended = TODAY - timedelta(days=10)
    cover(world, world.bus, ended)
    cover(world, world.bus, ended + timedelta(days=366), issued_at=end_of(ended) + timedelta(hours=9))
    span = success.SuccessFilter(
        world.account.id, Period(TODAY - timedelta(days=60), TODAY + timedelta(days=60))
    )
    page = success.page_of_renewed_early(span, PageRequest(), actor=world.underwriter, now=now)
    assert [(one.vehicle.plate, one.next_number) for one in page.rows] == [("豫A12345", "EARLY-1")]
    assert success.count_renewed_early(span, actor=world.safety_gongyi) == 1
    assert success.count_renewed_early(span, actor=world.foreign_hq) == 0
