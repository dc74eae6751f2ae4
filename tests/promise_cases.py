"""Work of three months for promises to be measured by, and a published version of them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from service_desk.models.claims import Claim, FollowUp
from service_desk.models.commitments import CommitmentList
from service_desk.models.db import db
from service_desk.rules.claim_flow import ClaimState as S
from service_desk.services import commitments
from service_desk.services.commitments import DraftTerms, PromiseTerms
from tests.factories import PolicyFactory
from tests.report_cases import add_claim, move, pay, reserve, survey, survey_clock
from tests.world import World

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Noon of a day of September, October and November in China.
MONTHS = tuple(datetime(2026, month, 10, 4, 0, tzinfo=UTC) for month in (9, 10, 11))
PROMISES = (
    PromiseTerms("查勘及时到达", "step:survey", Decimal(90), "Surveyors come in time"),
    PromiseTerms("每案必访", "measure:followed_up", Decimal(95)),
    PromiseTerms("回访评分", "measure:follow_up_score", Decimal("4.5")),
    PromiseTerms("第一现场查勘", "measure:first_scene", Decimal(80)),
    PromiseTerms("结案周期", "measure:closing_cycle", Decimal(20)),
    PromiseTerms("覆盖率", "measure:coverage", Decimal(100)),
)


def busy_months(world: World) -> None:
    """In each month claims of both branches: surveyed in time and late, closed, withdrawn, back again, asked after."""
    for number, at in enumerate(MONTHS):
        seen = at + 15 * DAY
        for vehicle in (world.coach, world.bus, world.truck):
            claim = add_claim(world, at, vehicle)
            late = (vehicle is world.coach) == (number == 1)
            survey_clock(world, claim, stopped_after=(90 if late else 30) * HOUR / 60, seen_at=seen)
            survey(claim, at + HOUR, first_scene=not late)
            _settle(claim, at + (3 + number) * DAY)
            if vehicle is not world.truck or number == 2:
                _asked(claim, at + (5 + number) * DAY, 5 - number)
        gone = add_claim(world, at + DAY, world.bus)
        move(gone, at + 2 * DAY, S.SURVEYED)
        move(gone, at + 3 * DAY, S.WITHDRAWN)
    back = add_claim(world, MONTHS[0], world.truck)
    _settle(back, MONTHS[0] + DAY)
    move(back, MONTHS[2], S.SURVEYED)
    PolicyFactory(vehicle=world.coach, issued_by=world.underwriter)
    PolicyFactory(
        vehicle=world.bus, issued_by=world.underwriter, starts_at=datetime(2026, 10, 1, 16, 0, tzinfo=UTC)
    )
    foreign = add_claim(world, MONTHS[1], world.foreign_vehicle)
    survey_clock(world, foreign, stopped_after=2 * HOUR, seen_at=MONTHS[2])
    db.session.flush()


def _settle(claim: Claim, at: datetime) -> None:
    reserve(claim, claim.reported_at + HOUR, 2_000_00)
    move(claim, claim.reported_at + 2 * HOUR, S.SURVEYED)
    pay(claim, at, 2_000_00)
    move(claim, at, S.CLOSED)


def _asked(claim: Claim, at: datetime, score: int) -> None:
    db.session.add(
        FollowUp(
            claim_id=claim.id, round=1, at=at, spoken_with="郭永刚", score=score, is_dissatisfied=score < 4
        )
    )


def publish(world: World, effective_on: date, at: datetime, *promises: PromiseTerms) -> CommitmentList:
    """A version with these promises, or the usual ones, published at an instant."""
    account_id, manager = world.account.id, world.manager
    draft = commitments.start_draft(account_id, actor=manager, now=at)
    terms = DraftTerms(effective_on, "如实公布", "As it is", "何文涛", "0371 6595 5501")
    commitments.change_draft(account_id, terms, version=draft.version, actor=manager, now=at)
    db.session.flush()
    for one in promises or PROMISES:
        commitments.add_promise(account_id, one, version=draft.version, actor=manager, now=at)
        db.session.flush()
    commitments.publish(account_id, version=draft.version, actor=manager, now=at)
    db.session.commit()
    return draft
