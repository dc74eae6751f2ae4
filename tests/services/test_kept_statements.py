"""Statements built once: the same statement for other values, another for another shape, the answers of each asking."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select

from service_desk.models.claims import Claim
from service_desk.models.db import db
from service_desk.models.kept import built_once, constants
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.periods import Period
from service_desk.services.measures import AnySpan, Span
from tests.result_cases import claim
from tests.world import World


def numbers_of(built: list[str]) -> Any:
    """A statement that notes the shapes it is built for; anew for each test."""

    @built_once
    def numbers(
        span: AnySpan, edges: tuple[datetime, ...], states: tuple[ClaimState, ...] = ()
    ) -> Select[tuple[str]]:
        built.append(f"{len(edges)} {len(states)}")
        own = (Claim.account_id == span.account_id, Claim.reported_at < span.until)
        narrowed = [Claim.reported_at >= edge for edge in edges]
        if states:
            narrowed.append(Claim.state.in_(constants(states)))
        return select(Claim.number).where(*own, *narrowed).order_by(Claim.number)

    return numbers


def test_a_statement_is_built_once_for_a_shape_and_answers_by_its_values(world: World, now: datetime) -> None:
    built: list[str] = []
    numbers = numbers_of(built)
    week = timedelta(days=7)
    earlier, later = (claim(world, world.truck, now - ago, 900_00).number for ago in (2 * week, week / 7))
    period = Period(date(2026, 1, 1), date(2026, 12, 31))
    span = Span(world.account.id, period, ZoneInfo("Asia/Shanghai"), now)
    both = numbers(span, (now - 3 * week,))
    assert [row[0] for row in both.rows()] == sorted([earlier, later])
    assert list(both.many()) == [(number,) for number in sorted([earlier, later])]
    one = numbers(span, (now - week,))
    assert one.statement is both.statement
    assert one.scalar() == later
    other = Span(world.account.id + 1, period, span.zone, now)
    assert numbers(other, (now - 3 * week,)).scalar() is None
    assert built == ["1 0"]
    narrowed = numbers(span, (now - 3 * week,), states=(ClaimState.CLOSED,))
    assert narrowed.rows().all() == []
    assert narrowed.statement is not both.statement
    assert len(numbers(span, ()).rows().all()) == 2
    assert built == ["1 0", "1 1", "0 0"]


def test_what_waits_in_the_session_is_in_the_answer(world: World, now: datetime) -> None:
    found = claim(world, world.truck, now - timedelta(days=1), 900_00)
    span = Span(world.account.id, Period(now.date(), now.date()), ZoneInfo("Asia/Shanghai"), now)
    found.number = "CL-CHANGED"
    assert numbers_of([])(span, ()).scalar() == "CL-CHANGED"
    db.session.rollback()
