"""The breach audit's lists: whom and what the filters find, and that every count is the number of its rows."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from service_desk.base.errors import Forbidden
from service_desk.base.paging import PageRequest
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.sla import EventKind
from service_desk.rules.vocabulary import Severity
from service_desk.services import sla
from service_desk.services.sla import breaches, ledger, remedies
from service_desk.services.sla.breaches import BreachFilter, BreachView, CorrectionState
from service_desk.services.sla.reviews import CorrectionAsked
from tests.breach_cases import MINUTE, finding, late_survey, matter_of


@pytest.fixture(autouse=True)
def _installed(world, now) -> None:
    sla.install_defaults(now)


@pytest.fixture
def found(world, now):
    """`found(view, cause=…)`: the numbers of the matters a filter finds, checked against the counts."""

    def find(view: BreachView = BreachView.OPEN, **narrowed: object) -> list[int]:
        wanted = replace(BreachFilter(view, world.account.id), **narrowed)
        page = sla.list_breaches(wanted, PageRequest(), actor=world.manager, now=now)
        counts = breaches.count_views(wanted, actor=world.manager, now=now)
        assert page.total == counts[view] == len(page.rows)
        return [row.timer.matter_id for row in page.rows]

    return find


def test_a_person_is_found_by_the_ledger_not_as_the_last_holder(world, now, found) -> None:
    handed = late_survey(world, now, number=1)
    for kind, holder, minutes in (
        (EventKind.HANDOVER, world.claims2, 0),
        (EventKind.SUBSTITUTE, world.underwriter, 5),
        (EventKind.RETURN, world.claims2, 10),
    ):
        ledger.add_entry(handed, kind, holder_id=holder.id, at=now, actor=None, now=now + minutes * MINUTE)
    late_survey(world, now, number=2, holder=world.claims2)

    assert found(holder_id=world.claims1.id) == [1]
    assert found(holder_id=world.underwriter.id) == [1]
    assert found(holder_id=world.claims2.id) == [1, 2]
    assert found(holder_id=world.manager.id) == []


def test_at_risk_a_person_is_who_holds_the_clock_now(world, now, found) -> None:
    start = now - 50 * MINUTE
    sla.start(
        matter_of(world, 3), ClockStep.SURVEY, holder_id=world.claims1.id, at=start, actor=None, now=start
    )
    sla.hand_over(matter_of(world, 3), to_id=world.claims2.id, at=now, actor=None, now=now)
    assert found(BreachView.AT_RISK, holder_id=world.claims2.id) == [3]
    assert found(BreachView.AT_RISK, holder_id=world.claims1.id) == []


def test_filters_by_what_the_case_was(world, now, found) -> None:
    injured, elsewhere = late_survey(world, now, number=1), late_survey(world, now, number=2)
    injured.severity, injured.is_urban = Severity.INJURY, True
    elsewhere.severity, elsewhere.is_urban = Severity.PROPERTY_ONLY, False
    db.session.flush()
    assert found(severity=Severity.INJURY) == [1]
    assert found(is_urban=True) == [1]
    assert found(is_urban=False) == [2]
    assert found(step=ClockStep.PAYMENT) == []
    assert found(branch_id=world.gongyi.id) == [1, 2]
    assert found(branch_id=world.zhongmu.id) == []


def test_filters_reviews_by_cause(world, now, found) -> None:
    for number, cause in ((1, "workload"), (2, "oversight")):
        timer = late_survey(world, now, number=number)
        sla.sign_review(timer.id, finding(world.claims1, cause=cause), actor=world.manager, now=now)
    assert found(BreachView.REVIEWED, cause="oversight") == [2]
    assert found(BreachView.CORRECTIONS, cause="workload") == [1]
    late_survey(world, now, number=3)
    assert found(BreachView.OPEN, cause="oversight") == [3], "no open breach has a cause to ask for"


def test_corrections_stand_by_their_day(world, now, found) -> None:
    today = date(2026, 11, 23)
    for number, days in ((1, 5), (2, 0), (3, 1), (4, 2)):
        timer = late_survey(world, now, number=number)
        correction = CorrectionAsked("移交页显示接手人在办量", today + timedelta(days=days))
        sla.sign_review(timer.id, finding(world.claims1, correction=correction), actor=world.manager, now=now)
        if number == 4:
            remedies.report_done(timer.id, "已上线", actor=world.claims1, now=now)
    nobody = late_survey(world, now, number=5)
    sla.sign_review(nobody.id, finding(None, correction=None), actor=world.manager, now=now)

    assert found(BreachView.CORRECTIONS) == [2, 3, 1, 4]
    assert found(BreachView.CORRECTIONS, correction=CorrectionState.DONE) == [4]
    assert found(BreachView.CORRECTIONS, correction=CorrectionState.OVERDUE) == []
    tomorrow = now + timedelta(days=1)
    overdue = BreachFilter(BreachView.CORRECTIONS, world.account.id, correction=CorrectionState.OVERDUE)
    rows = sla.list_breaches(overdue, PageRequest(), actor=world.manager, now=tomorrow).rows
    assert [row.timer.matter_id for row in rows] == [2]
    assert [row.owner.id for row in rows if row.owner] == [world.claims1.id]


def test_another_accounts_breaches_are_in_no_list(world, now, found) -> None:
    timer = late_survey(world, now)
    timer.account_id = world.foreign_account.id
    db.session.flush()
    everything = sla.list_breaches(BreachFilter(), PageRequest(), actor=world.manager, now=now)
    assert found() == list(everything.rows) == []
    theirs = BreachFilter(account_id=world.foreign_account.id)
    assert sla.list_breaches(theirs, PageRequest(), actor=world.manager, now=now).total == 0


@pytest.mark.parametrize("username", ["claims1", "admin", "hq", "safety_gongyi"])
def test_lists_are_for_managers(world, now, username) -> None:
    actor = getattr(world, username)
    with pytest.raises(Forbidden):
        sla.list_breaches(BreachFilter(), PageRequest(), actor=actor, now=now)
