"""A quarter whose premium, losses and cover can be counted by hand, and what happened after it."""

from datetime import date, datetime, timedelta
from typing import Any

from service_desk.base.clock import CHINA, start_of_day
from service_desk.models.claims import Claim, ClaimEvent, ClaimPayment, ReportChannel, ReserveEntry
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle
from service_desk.models.policies import Endorsement, EndorsementKind, Policy, PolicyState
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.periods import Period
from service_desk.rules.vocabulary import PolicyLine
from service_desk.services import numbers
from service_desk.services.measures import Span
from tests.factories import PolicyFactory
from tests.world import World

QUARTER = Period(date(2026, 7, 1), date(2026, 9, 30))


def day(year: int, month: int, of: int) -> datetime:
    """00:00 of a day in China."""
    return start_of_day(date(year, month, of))


def span_of(world: World, now: datetime, period: Period = QUARTER) -> Span:
    return Span(world.account.id, period, CHINA, now)


def insure(world: World, vehicle: Vehicle, first: date, premium_fen: int, **values: Any) -> Policy:
    """A year from a day on, issued the day before."""
    starts_at = start_of_day(first)
    given = {
        "starts_at": starts_at,
        "ends_at": start_of_day(first.replace(year=first.year + 1)),
        "issued_at": starts_at - timedelta(days=1),
        "premium_fen": premium_fen,
    }
    made: Policy = PolicyFactory(vehicle=vehicle, issued_by=world.underwriter, **(given | values))
    return made


def endorse(
    world: World,
    policy: Policy,
    made_at: datetime,
    premium_fen: int,
    *,
    kind: EndorsementKind = EndorsementKind.SUM_INSURED,
    effective_at: datetime | None = None,
    ordinal: int = 1,
    **values: Any,
) -> Endorsement:
    """An endorsement; a cancellation cuts the policy as the service does."""
    row = Endorsement(
        number=f"E-{policy.id}-{ordinal}",
        account_id=policy.account_id,
        branch_id=policy.branch_id,
        policy_id=policy.id,
        ordinal=ordinal,
        kind=kind,
        effective_at=effective_at or made_at,
        premium_fen=premium_fen,
        created_by_id=world.underwriter.id,
        created_at=made_at,
        **values,
    )
    db.session.add(row)
    if kind is EndorsementKind.CANCELLATION:
        policy.ends_at, policy.state = row.effective_at, PolicyState.CANCELLED
    db.session.flush()
    return row


def claim(world: World, vehicle: Vehicle, reported_at: datetime, reserve_fen: int, **values: Any) -> Claim:
    """A claim with its first reserve at the report; nothing else has happened to it."""
    facts: dict[str, Any] = {
        "number": numbers.next_number("CLM", reported_at.year),
        "account_id": vehicle.account_id,
        "branch_id": vehicle.branch_id,
        "vehicle_id": vehicle.id,
        "plate": vehicle.plate,
        "state": ClaimState.REPORTED,
        "loss_at": reported_at - timedelta(hours=1),
        "reported_at": reported_at,
        "place": "G310",
        "description": "追尾",
        "channel": ReportChannel.PORTAL,
        "reporter_name": "郭永刚",
        "callback_phone": "13937108891",
        "reported_by_id": world.safety_gongyi.id,
        "owner_id": world.claims1.id,
    }
    row = Claim(**(facts | values))
    db.session.add(row)
    db.session.flush()
    reserve(world, row, reported_at, reserve_fen)
    return row


def reserve(world: World, row: Claim, at: datetime, after_fen: int) -> None:
    entry = ReserveEntry(
        claim_id=row.id,
        at=at,
        kind="change",
        item="whole",
        before_fen=row.reserve_fen or 0,
        after_fen=after_fen,
        actor_id=world.claims1.id,
    )
    db.session.add(entry)
    row.reserve_fen = after_fen
    row.highest_estimate_fen = max(row.highest_estimate_fen or 0, after_fen)
    db.session.flush()


def settle(
    world: World, row: Claim, at: datetime, paid_fen: int, state: ClaimState = ClaimState.CLOSED
) -> None:
    """Paid and ended at one instant."""
    row.approved_fen, row.paid_fen = paid_fen, paid_fen
    if paid_fen:
        payment = ClaimPayment(
            claim_id=row.id,
            amount_fen=paid_fen,
            payee="集团",
            account_number="6222",
            paid_at=at,
            paid_by_id=world.claims1.id,
        )
        db.session.add(payment)
    reserve(world, row, at, paid_fen)
    event = ClaimEvent(
        claim_id=row.id,
        round=1,
        at=at,
        recorded_at=at,
        kind="closed",
        from_state=(ClaimState.PAID if state is ClaimState.CLOSED else row.state).value,
        to_state=state.value,
        actor_id=world.claims1.id,
    )
    db.session.add(event)
    row.state, row.closed_at = state, at
    db.session.flush()


def build_quarter(world: World) -> dict[str, Any]:
    """The third quarter of 2026.

    Coach: 3,650 for 2026, ten a day. Bus: 7,300 from 1 August, twenty a day, and 334 more from 1 September, one a day.
    Truck: 3,650 for 2026, cancelled from 1 August on. A voided policy and one of another account count for nothing.
    """
    coach = insure(world, world.coach, date(2026, 1, 1), 3_650_00)
    bus = insure(
        world,
        world.bus,
        date(2026, 8, 1),
        7_300_00,
        line=PolicyLine.COMMERCIAL,
        cover_set="tpl_1m",
        issued_at=day(2026, 7, 20),
    )
    endorse(world, bus, day(2026, 9, 1), 334_00)
    truck = insure(world, world.truck, date(2026, 1, 1), 3_650_00)
    endorse(world, truck, day(2026, 8, 1), -1_530_00, kind=EndorsementKind.CANCELLATION)
    insure(world, world.coach, date(2026, 7, 1), 9_999_00, state=PolicyState.VOIDED)
    insure(world, world.foreign_vehicle, date(2026, 7, 1), 9_999_00)
    paid = claim(world, world.coach, day(2026, 7, 1), 1_000_00)
    settle(world, paid, day(2026, 9, 30), 800_00)
    still_open = claim(world, world.bus, day(2026, 10, 1) - timedelta(seconds=1), 2_000_00)
    withdrawn = claim(world, world.truck, day(2026, 7, 5), 500_00)
    settle(world, withdrawn, day(2026, 7, 6), 0, ClaimState.WITHDRAWN)
    claim(world, world.coach, day(2026, 7, 1) - timedelta(seconds=1), 70_00)
    claim(world, world.coach, day(2026, 10, 1), 70_00)
    claim(world, world.foreign_vehicle, day(2026, 8, 1), 70_00)
    db.session.commit()
    return {"coach": coach, "bus": bus, "truck": truck, "open_claim": still_open, "paid_claim": paid}


def go_on(world: World, made: dict[str, Any]) -> None:
    """What happened after the quarter, some of it about days within it."""
    endorse(
        world,
        made["coach"],
        day(2026, 10, 5),
        -1_080_00,
        kind=EndorsementKind.CANCELLATION,
        effective_at=day(2026, 9, 15),
    )
    facts = dict(made["bus"].vehicle_facts)
    made["bus"].vehicle_facts = {**facts, "use_class": "coach"}
    made["bus"].branch_id = world.gongyi.id
    endorse(
        world,
        made["bus"],
        day(2026, 10, 6),
        -100_00,
        ordinal=2,
        before={"vehicle_facts": facts, "branch_id": world.zhongmu.id},
    )
    settle(world, made["open_claim"], day(2026, 10, 20), 2_500_00)
    reserve(world, made["paid_claim"], day(2026, 10, 21), 5_000_00)
    insure(world, world.bus, date(2026, 11, 1), 1_00)
    db.session.commit()
