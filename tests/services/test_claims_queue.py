"""The claims queue: saved filters, scope, search, order."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from service_desk.base.errors import NotFound
from service_desk.base.paging import PageRequest
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.disputes import DisputeTopic
from service_desk.services.claims import disputes, papers, queries
from service_desk.services.claims.files import read_file
from service_desk.services.claims.queries import ClaimFilter, QueueView
from service_desk.services.dashboard import rail
from tests.claim_cases import Journey, file_store, reported_claim
from tests.world import World


def numbers(
    world: World, now: datetime, view: QueueView, actor: object = None, **narrow: object
) -> list[str]:
    user = actor or world.claims1
    wanted = ClaimFilter(view=view, **narrow)  # type: ignore[arg-type]
    page = queries.list_claims(world.account.id, wanted, PageRequest(), actor=user, now=now)  # type: ignore[arg-type]
    return [row.claim.number for row in page.rows]


@pytest.fixture
def three(world: World, now: datetime) -> tuple[Claim, Claim, Claim]:
    """Just reported in Gongyi; surveyed and waiting for papers in Zhongmu, large and disputed; closed in Gongyi."""
    fresh = reported_claim(world, now)
    waiting = reported_claim(world, now, vehicle=world.bus, reported_by_id=world.hq.id)
    Journey(world, waiting, now).to(ClaimState.SURVEYED)
    papers.request_documents(waiting.number, "", actor=world.claims1, now=now + timedelta(minutes=3))
    objection = disputes.RaiseDispute(DisputeTopic.FAULT, "责任比例", raised_for="周敏")
    at = now + timedelta(minutes=3)
    disputes.raise_dispute(waiting.number, objection, files=file_store(), actor=world.claims1, now=at)
    waiting.highest_estimate_fen, waiting.owner_id = 26_800_00, world.claims2.id
    closed = reported_claim(world, now, vehicle=world.truck)
    Journey(world, closed, now).to(ClaimState.CLOSED)
    db.session.commit()
    return fresh, waiting, closed


def test_each_saved_filter_holds_what_its_name_says(
    world: World, now: datetime, three: tuple[Claim, Claim, Claim]
) -> None:
    fresh, waiting, closed = (claim.number for claim in three)
    later = now + timedelta(minutes=10)
    expected = {
        QueueView.MINE: {fresh},
        QueueView.OPEN: {fresh, waiting},
        QueueView.UNASSIGNED: {fresh},
        # Reported 30 minutes ago: the dispatch clock of 5 minutes is over, the survey's 60 are not.
        QueueView.BREACHED: {fresh},
        QueueView.AT_RISK: set(),
        QueueView.WAITING: {waiting},
        QueueView.DISPUTED: {waiting},
        QueueView.LARGE: {waiting},
        QueueView.LATE: set(),
        QueueView.CLOSED: {closed},
    }

    assert {view: set(numbers(world, later, view)) for view in QueueView} == expected
    counts = queries.count_views(world.account.id, ClaimFilter(), actor=world.claims1, now=later)
    assert counts == {view: len(found) for view, found in expected.items()}


def test_at_risk_is_between_the_warning_and_the_due_time(world: World, now: datetime) -> None:
    claim = reported_claim(world, now)
    Journey(world, claim, now).to(ClaimState.DISPATCHED)

    # Reported 20 minutes before now, 60 minutes to the scene: warned at 45, due at 60.
    assert numbers(world, now + timedelta(minutes=26), QueueView.AT_RISK) == [claim.number]
    assert numbers(world, now + timedelta(minutes=41), QueueView.AT_RISK) == []


def test_a_branch_sees_its_own_claims_and_a_stranger_none(
    world: World, now: datetime, three: tuple[Claim, Claim, Claim]
) -> None:
    fresh, waiting, _ = (claim.number for claim in three)

    assert numbers(world, now, QueueView.OPEN, world.safety_gongyi) == [fresh]
    assert numbers(world, now, QueueView.MINE, world.safety_gongyi) == [fresh]
    assert set(numbers(world, now, QueueView.OPEN, world.hq)) == {fresh, waiting}
    assert numbers(world, now, QueueView.OPEN, world.foreign_hq) == []
    with pytest.raises(NotFound):
        read_file(waiting, actor=world.safety_gongyi)
    with pytest.raises(NotFound):
        read_file(fresh, actor=world.foreign_hq)


def test_the_next_due_comes_first_and_claims_without_a_clock_last(
    world: World, now: datetime, three: tuple[Claim, Claim, Claim]
) -> None:
    fresh, waiting, _ = (claim.number for claim in three)

    assert numbers(world, now, QueueView.OPEN) == [fresh, waiting]
    assert numbers(world, now, QueueView.OPEN, sort="-due") == [waiting, fresh]
    assert numbers(world, now, QueueView.OPEN, sort="-estimate") == [waiting, fresh]
    assert set(numbers(world, now, QueueView.OPEN, sort="nonsense")) == {fresh, waiting}


def test_the_estimate_is_sorted_by_what_is_shown(
    world: World, now: datetime, three: tuple[Claim, Claim, Claim]
) -> None:
    fresh, waiting, _ = three
    fresh.reserve_fen = waiting.reserve_fen + 1_00
    db.session.commit()

    assert waiting.highest_estimate_fen > fresh.reserve_fen
    assert numbers(world, now, QueueView.OPEN, sort="-estimate") == [fresh.number, waiting.number]
    assert numbers(world, now, QueueView.OPEN, sort="estimate") == [waiting.number, fresh.number]


@pytest.mark.parametrize("text", ["豫A12345", "豫a·123", "G310", "郭永刚", "13937108891"])
def test_search_finds_plate_place_person_and_phone(world: World, now: datetime, text: str) -> None:
    claim = reported_claim(world, now)
    other = reported_claim(
        world, now, vehicle=world.bus, place="郑汴路", reporter_name="王芳", callback_phone="13500000000"
    )

    assert numbers(world, now, QueueView.OPEN, text=text) == [claim.number]
    assert numbers(world, now, QueueView.OPEN, text="%") == []
    assert numbers(world, now, QueueView.OPEN, text=other.number) == [other.number]


def test_the_branch_filter_takes_the_subtree(
    world: World, now: datetime, three: tuple[Claim, Claim, Claim]
) -> None:
    _, waiting, _ = (claim.number for claim in three)

    assert numbers(world, now, QueueView.OPEN, branch_id=world.zhongmu.id) == [waiting]


@pytest.mark.parametrize("_desk", ["sqlite"], indirect=True)
def test_open_claims_are_counted_in_their_index_without_reading_a_row(
    world: World, now: datetime, three: tuple[Claim, Claim, Claim]
) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        asked.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        queries.count_views(world.account.id, ClaimFilter(), actor=world.claims1, now=now)
        rail.nav_counts(world.account.id, actor=world.claims1)
    finally:
        event.remove(db.engine, "before_cursor_execute", note)

    plans = [
        [step.detail for step in db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]
        for sql, values in asked
        if "FROM claims" in sql and "closed_at IS NULL" in sql
    ]
    assert len(plans) == 2
    for plan in plans:
        assert plan[0].startswith("SEARCH claims USING COVERING INDEX ix_claims_open_due"), plan
