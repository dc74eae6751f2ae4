"""The kept next due time always equals what the clocks say, over random histories; the queue's order is by it."""

from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import func, select

from service_desk.base.errors import DomainError
from service_desk.base.paging import PageRequest
from service_desk.models.audit import AuditEntry
from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.sla import Timer, TimerState
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.sla import PauseReason
from service_desk.services import sla
from service_desk.services.claims import assigning, exits, handling, papers, queries
from service_desk.services.claims.assigning import AssignMany
from service_desk.services.claims.exits import Reopen
from service_desk.services.claims.queries import ClaimFilter, QueueView
from tests.claim_cases import Journey, dispute, reported_claim
from tests.world import World


def wrong() -> list[tuple[str, datetime | None, datetime | None]]:
    """The claims whose kept time is not that of their clocks."""
    db.session.commit()
    due = select(func.min(Timer.due_at)).where(
        Timer.matter_kind == "claim", Timer.matter_id == Claim.id, Timer.state == TimerState.RUNNING
    )
    rows = db.session.execute(select(Claim.number, Claim.next_due_at, due.scalar_subquery())).all()
    return [(number, kept, asked) for number, kept, asked in rows if kept != asked]


@pytest.mark.parametrize("seed", range(3))
def test_the_kept_time_is_that_of_the_clocks_over_random_histories(
    world: World, now: datetime, seed: int
) -> None:
    chance = Random(seed)
    journeys = [Journey(world, reported_claim(world, now, vehicle=v), now) for v in (world.coach, world.bus)]
    states = [state for state in ClaimState if state not in {ClaimState.WITHDRAWN, ClaimState.DENIED}]

    for _ in range(14):
        journey = chance.choice(journeys)
        journey.now += timedelta(minutes=chance.randrange(1, 400))
        act_somehow(world, journey, chance, states)
        assert wrong() == []


def act_somehow(world: World, journey: Journey, chance: Random, states: list[ClaimState]) -> None:
    claim, at = journey.claim, journey.now
    who = {"actor": world.manager, "now": at}
    running = [
        timer for timer in sla.timers_of("claim", [claim.id])[claim.id] if timer.state in sla.OPEN_STATES
    ]
    acts = [
        lambda: journey.to(chance.choice(states)),
        lambda: sla.pause(chance.choice(running).id, PauseReason.FORCE_MAJEURE, "雪", None, **who),  # type: ignore[arg-type]
        lambda: sla.resume(chance.choice(running).id, **who),  # type: ignore[arg-type]
        lambda: sla.check_timers(sla.claim_due_timers(at), at),
        lambda: papers.request_documents(claim.number, "再次", **who),  # type: ignore[arg-type]
        lambda: dispute(claim, world.manager, at),
        lambda: exits.withdraw(claim.number, "协商", **who),  # type: ignore[arg-type]
        lambda: exits.reopen(claim.number, Reopen("暗伤", claim.paid_fen + 9_000_00), **who),  # type: ignore[arg-type]
        lambda: handling.assign(claim.number, handling.Assign(world.claims2.id, "休假"), **who),  # type: ignore[arg-type]
    ]
    try:
        chance.choice(acts)()
    except (DomainError, IndexError):
        # What cannot be done just now is no part of the history.
        db.session.rollback()


def test_pages_far_down_follow_each_other_without_a_gap(world: World, now: datetime) -> None:
    made = [reported_claim(world, now - timedelta(minutes=3 * n)) for n in range(7)]
    for key in ("due", "-due", "reported", "branch", "-owner"):
        seen: list[str] = []
        for number in range(1, 5):
            page = queries.list_claims(
                world.account.id, ClaimFilter(sort=key), PageRequest(number, 2), actor=world.claims1, now=now
            )
            seen += [row.claim.number for row in page.rows]
        assert sorted(seen) == sorted(claim.number for claim in made)
    oldest_first = [claim.number for claim in reversed(made)]
    page = queries.list_claims(
        world.account.id, ClaimFilter(sort="due"), PageRequest(1, 50), actor=world.claims1, now=now
    )
    assert [row.claim.number for row in page.rows] == oldest_first


def test_many_claims_go_to_a_handler_at_once_and_the_others_say_why_not(world: World, now: datetime) -> None:
    fresh, busy, theirs, ended = (reported_claim(world, now) for _ in range(4))
    for one in (busy, theirs):
        Journey(world, one, now).to(ClaimState.SURVEYED)
    theirs.owner_id = world.claims2.id
    exits.withdraw(ended.number, "协商", actor=world.claims1, now=now)
    db.session.commit()
    command = AssignMany(
        tuple(one.number for one in (fresh, busy, theirs, ended)), world.claims2.id, "郑敏休假"
    )
    at = now + timedelta(minutes=9)

    made = assigning.assign_many(world.account.id, command, actor=world.claims1, now=at)

    assert [claim.number for claim in made.done] == [fresh.number, busy.number, ended.number]
    assert [(claim.number, refusal.code) for claim, refusal in made.left] == [
        (theirs.number, "already_theirs")
    ]
    assert (fresh.state, fresh.owner_id, busy.owner_id) == (
        ClaimState.DISPATCHED,
        world.claims2.id,
        world.claims2.id,
    )
    actions = select(AuditEntry.action).where(AuditEntry.entity_id == busy.id, AuditEntry.at == at)
    assert "claim_assigned" in db.session.scalars(actions).all()
    assert wrong() == []


def test_the_ended_are_counted_to_a_bound_where_their_number_only_stands_beside_a_view(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        exits.withdraw(reported_claim(world, now).number, "协商", actor=world.claims1, now=now)
    monkeypatch.setattr(queries, "MOST_COUNTED", 1)
    wanted = ClaimFilter(view=QueueView.CLOSED)

    counts = queries.count_views(world.account.id, wanted, actor=world.claims1, now=now)
    page = queries.list_claims(
        world.account.id, wanted, PageRequest(), actor=world.claims1, now=now, counts=counts
    )

    assert counts[QueueView.CLOSED] == 2
    assert page.total == 3
