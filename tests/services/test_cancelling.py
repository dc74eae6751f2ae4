"""Cancellation: policy, receivable and cover agree afterwards, whatever happened to the policy before."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.base.errors import Conflict, Invalid
from service_desk.models.claims import Claim, ClaimCover
from service_desk.models.db import db
from service_desk.models.fleet import VehicleState
from service_desk.models.policies import EndorsementKind, Policy, PolicyState
from service_desk.models.premiums import PremiumRefund, Receivable
from service_desk.rules import policy_flow
from service_desk.rules.rating import CtplFloat
from service_desk.rules.renewal import Bucket
from service_desk.rules.settlement.cancellation import CancelReason
from service_desk.rules.vocabulary import CoverCode, PolicyLine
from service_desk.services import policies, sla
from service_desk.services.claims import intake
from service_desk.services.policies import LineChoice, VehicleTerms, coverage, endorsing, queries
from service_desk.services.policies.endorsing import AgreedCover
from service_desk.services.renewals import board
from tests.claim_cases import file_store
from tests.endorsement_cases import china, command, endorse, issue, ledger, pay, premium_with_tax
from tests.factories import PolicyFactory
from tests.world import World

K, R = EndorsementKind, CancelReason
CANCEL = {"kind": K.CANCELLATION, "cause": R.NOT_NEEDED}
COMMERCIAL = (LineChoice(PolicyLine.COMMERCIAL, "tpl_1m_od"),)


@pytest.fixture
def commercial(world: World, now: datetime) -> Policy:
    """The coach's commercial policy: 14,340 a year from 23 November 2026."""
    return issue(world, world.coach, now)[PolicyLine.COMMERCIAL]


@pytest.fixture
def later(now: datetime) -> datetime:
    """3 March 2027: 100 of 365 days are earned."""
    return now + timedelta(days=100)


def test_unpaid_premium_is_not_asked_for_any_more(world: World, commercial: Policy, later: datetime) -> None:
    made = endorse(world, commercial, later, **CANCEL)
    earned = round(14_340_00 * 100 / 365)
    assert made.premium_fen == -(14_340_00 - earned)
    assert ledger(commercial) == (earned, 0, 0)
    assert (commercial.state, commercial.ends_at) == (PolicyState.CANCELLED, later)
    assert commercial.agreed_ends_at == china(2027, 11, 23)


def test_paid_premium_is_given_back(world: World, commercial: Policy, later: datetime) -> None:
    pay(world, commercial, 14_340_00, later)
    made = endorse(world, commercial, later, **CANCEL)
    refund = db.session.scalars(select(PremiumRefund)).one()
    assert (refund.number, refund.amount_fen, refund.branch_id, refund.endorsement_id) == (
        "RFD-2027-000001",
        -made.premium_fen,
        world.gongyi.id,
        made.id,
    )
    assert ledger(commercial) == (14_340_00, 14_340_00, -made.premium_fen)


def test_premium_goes_back_to_the_branches_that_paid(
    world: World, commercial: Policy, later: datetime
) -> None:
    pay(world, commercial, 14_340_00, later)
    endorse(world, commercial, later, K.BRANCH, branch_id=world.zhongmu.id)
    endorse(
        world,
        commercial,
        later,
        K.SUM_INSURED,
        agreed=AgreedCover(CoverCode.OWN_DAMAGE, 900_000_00),
        annual_fen=15_800_00,
    )
    pay(world, commercial, 1_060_00, later)
    endorse(world, commercial, later, **CANCEL)
    given = {row.branch_id: row.amount_fen for row in db.session.scalars(select(PremiumRefund))}
    assert given[world.zhongmu.id] == 1_060_00
    assert given[world.gongyi.id] == 14_340_00 - round(14_340_00 * 100 / 365)


def test_the_latest_instalment_is_lowered_first(world: World, commercial: Policy, later: datetime) -> None:
    first = db.session.scalars(select(Receivable).where(Receivable.policy_id == commercial.id)).one()
    first.amount_fen = 7_340_00
    db.session.add(
        Receivable(
            account_id=first.account_id,
            branch_id=first.branch_id,
            policy_id=first.policy_id,
            instalment=2,
            amount_fen=7_000_00,
            due_on=first.due_on + timedelta(days=180),
            created_at=first.created_at,
        )
    )
    db.session.commit()
    endorse(world, commercial, later, **CANCEL)
    rows = db.session.scalars(
        select(Receivable).where(Receivable.policy_id == commercial.id).order_by(Receivable.instalment)
    )
    assert [row.amount_fen for row in rows] == [round(14_340_00 * 100 / 365), 0]


@pytest.mark.parametrize("paid", [0, 5_000_00, 5_290_00])
def test_vehicle_tax_is_not_given_back(world: World, now: datetime, paid: int) -> None:
    terms = {world.coach.id: VehicleTerms(CtplFloat.A4, tax_fen=600_00)}
    policy = issue(
        world,
        world.coach,
        now,
        lines=(LineChoice(PolicyLine.CTPL, "basic"),),
        terms=terms,
        start_on=date(2026, 12, 1),
    )[PolicyLine.CTPL]
    pay(world, policy, paid, now)
    endorse(world, policy, now, K.CANCELLATION, cause=R.DEREGISTERED)
    asked, settled, given = ledger(policy)
    assert asked - given == 600_00 == premium_with_tax(policy)
    assert settled == paid


def test_before_the_start_commercial_cover_pays_three_percent(world: World, now: datetime) -> None:
    policy = issue(world, world.coach, now, lines=COMMERCIAL, start_on=date(2026, 12, 1))[
        PolicyLine.COMMERCIAL
    ]
    made = endorse(world, policy, now, **CANCEL)
    assert -made.premium_fen == 14_340_00 - 430_20
    assert policy.ends_at == policy.starts_at == made.effective_at
    assert coverage.covers_at(world.coach.id, policy.starts_at) == []
    view = queries.get_policy(policy.number, actor=world.hq, now=now)
    assert (view.standing, view.earned_fen) == (policy_flow.PolicyState.CANCELLED, 0)


def test_before_the_start_ctpl_gives_all_back(world: World, now: datetime) -> None:
    policy = issue(
        world, world.coach, now, lines=(LineChoice(PolicyLine.CTPL, "basic"),), start_on=date(2026, 12, 1)
    )[PolicyLine.CTPL]
    made = endorse(world, policy, now, K.CANCELLATION, cause=R.LAID_UP)
    assert -made.premium_fen == policy.premium_fen


@pytest.mark.parametrize("reason", [R.SOLD, R.OTHER_INSURER, R.NOT_NEEDED])
def test_ctpl_is_cancelled_for_its_three_reasons_only(
    world: World, now: datetime, later: datetime, reason: CancelReason
) -> None:
    policy = issue(world, world.coach, now)[PolicyLine.CTPL]
    with pytest.raises(Invalid, match="ctpl_cancel_reason"):
        endorse(world, policy, later, K.CANCELLATION, cause=reason)


def test_a_policy_of_before_july_2006_keeps_by_short_rates(world: World) -> None:
    policy = PolicyFactory(
        vehicle=world.coach,
        issued_by=world.underwriter,
        line=PolicyLine.COMMERCIAL,
        starts_at=china(2006, 3, 1),
        premium_fen=12_000_00,
    )
    db.session.commit()
    made = endorse(world, policy, china(2006, 8, 4, 9), **CANCEL)
    assert made.premium_fen == -4_800_00
    assert made.working[1]["formula"] == "12,000.00 × 60%"


def test_cover_ends_at_the_instant_of_the_cancellation(
    world: World, commercial: Policy, later: datetime
) -> None:
    def ratio() -> tuple[int, int]:
        """Right before, and at the instant."""
        before, after = (
            policies.coverage_ratio(world.account.id, at) for at in (later - timedelta(seconds=1), later)
        )
        return before.part, after.part

    assert ratio() == (1, 1)
    endorse(world, commercial, later, **CANCEL)
    assert ratio() == (1, 0)
    lines = [one.line for one in coverage.covers_at(world.coach.id, later)]
    assert lines == [PolicyLine.CTPL, PolicyLine.CARRIER_LIABILITY]
    before = coverage.covers_at(world.coach.id, later - timedelta(seconds=1))
    assert PolicyLine.COMMERCIAL in [one.line for one in before]


def test_the_renewals_board_shows_the_cover_as_ended_unless_the_vehicle_left(
    world: World, commercial: Policy, later: datetime
) -> None:
    endorse(world, commercial, later, **CANCEL)
    wanted = board.ExpiryFilter(world.account.id, within_days=30)
    found = board.list_expiries(wanted, actor=world.hq, now=later + timedelta(days=3))
    assert [(one.number, one.bucket) for one in found] == [(commercial.number, Bucket.OVERDUE)]
    world.coach.state = VehicleState.RETIRED
    db.session.commit()
    assert board.list_expiries(wanted, actor=world.hq, now=later + timedelta(days=3)) == []


def test_the_board_tells_the_premium_of_a_year_after_endorsements(
    world: World, commercial: Policy, later: datetime
) -> None:
    endorse(world, commercial, later, K.REMOVE_COVER, cover_set="tpl_1m")
    wanted = board.ExpiryFilter(world.account.id, within_days=300, line=PolicyLine.COMMERCIAL)
    found = board.list_expiries(wanted, actor=world.hq, now=later)
    assert [one.premium_fen for one in found] == [6_540_00]


def test_a_cancelled_vehicle_can_be_insured_again_at_once(
    world: World, commercial: Policy, later: datetime
) -> None:
    endorse(world, commercial, later, **CANCEL)
    again = issue(world, world.coach, later, lines=COMMERCIAL)[PolicyLine.COMMERCIAL]
    assert again.starts_at == later
    assert len(coverage.covers_at(world.coach.id, later)) == 3


def test_a_preview_says_whether_cover_goes_on(world: World, commercial: Policy, later: datetime) -> None:
    def leaves_uncovered(policy: Policy, at: datetime) -> bool:
        order = command(K.CANCELLATION, cause=R.NOT_NEEDED)
        return endorsing.preview(policy.number, order, actor=world.underwriter, now=at).leaves_uncovered

    assert leaves_uncovered(commercial, later)
    soon = commercial.ends_at - timedelta(days=30)
    renewed = issue(world, world.coach, soon, lines=COMMERCIAL)[PolicyLine.COMMERCIAL]
    assert renewed.starts_at == commercial.ends_at
    # The old term still runs: what is cancelled before its start is missed when that ends.
    assert leaves_uncovered(renewed, soon)
    assert leaves_uncovered(commercial, soon)


def test_a_later_day_leaves_the_cover_until_then(world: World, commercial: Policy, later: datetime) -> None:
    endorse(world, commercial, later, effective_on=date(2027, 4, 1), **CANCEL)
    assert commercial.ends_at == china(2027, 4, 1)
    view = queries.get_policy(commercial.number, actor=world.hq, now=later)
    assert view.standing is policy_flow.PolicyState.IN_FORCE
    with pytest.raises(Conflict, match="policy_action_not_possible"):
        endorse(world, commercial, later, K.PLATE, plate="豫A77889")


def test_a_policy_is_not_cancelled_from_before_a_loss(
    world: World, commercial: Policy, later: datetime
) -> None:
    claim = loss(world, commercial, later - timedelta(days=2), later)
    with pytest.raises(Invalid, match="effective_before_loss") as refusal:
        endorse(world, commercial, later, effective_on=date(2027, 2, 1), **CANCEL)
    assert refusal.value.params["number"] == claim.number
    db.session.rollback()
    plan = endorsing.preview(
        commercial.number,
        command(K.CANCELLATION, cause=R.NOT_NEEDED),
        actor=world.underwriter,
        now=later,
    )
    assert [one.number for one in plan.claims] == [claim.number]


def test_an_accident_before_the_cancellation_is_reported_on_its_cover(
    world: World, commercial: Policy, later: datetime
) -> None:
    sla.install_defaults(later)
    endorse(world, commercial, later - timedelta(days=30), K.REMOVE_COVER, cover_set="tpl_1m")
    endorse(world, commercial, later, **CANCEL)
    found = {}
    for days, key in ((31, "before both"), (1, "between"), (-1, "after")):
        order = intake.ReportCommand(
            account_id=world.account.id,
            plate="豫A12345",
            loss_at=later - timedelta(days=days),
            place="G310",
            description="追尾",
            reporter_name="郭永刚",
            callback_phone="13937108891",
        )
        number = intake.report(
            order, photos=[], key=key, actor=world.claims1, now=later + timedelta(days=2), files=file_store()
        )
        kept = select(ClaimCover.code).join(Claim, Claim.id == ClaimCover.claim_id)
        found[key] = set(db.session.scalars(kept.where(Claim.number == number)))
    others = {"ctpl", "carrier_liability"}
    assert found == {
        "before both": others | {"tpl", "own_damage"},
        "between": others | {"tpl"},
        "after": others,
    }


def loss(world: World, policy: Policy, at: datetime, reported_at: datetime) -> Claim:
    """A claim that was reported on a policy."""
    claim = Claim(
        number="CLM-2027-000001",
        account_id=policy.account_id,
        branch_id=policy.branch_id,
        vehicle_id=policy.vehicle_id,
        plate=policy.plate,
        state="reported",
        loss_at=at,
        reported_at=reported_at,
        place="G30",
        is_urban=False,
        description="追尾",
        channel="phone",
        reporter_name="郭永刚",
        callback_phone="13800000000",
        reported_by_id=world.claims1.id,
        owner_id=world.claims1.id,
    )
    db.session.add(claim)
    db.session.flush()
    db.session.add(
        ClaimCover(
            claim_id=claim.id,
            policy_id=policy.id,
            code="tpl",
            policy_number=policy.number,
            ends_at=policy.ends_at,
        )
    )
    db.session.commit()
    return claim


def test_earned_premium_runs_by_the_day_and_ends_with_what_was_kept(
    world: World, commercial: Policy, now: datetime, later: datetime
) -> None:
    removed = endorse(world, commercial, later, K.REMOVE_COVER, cover_set="tpl_1m")

    def earned(at: datetime) -> int:
        return queries.get_policy(commercial.number, actor=world.hq, now=at).earned_fen

    assert earned(now) == 0
    assert earned(later) == round(14_340_00 * 100 / 365)
    assert earned(now + timedelta(days=365)) == 14_340_00 + removed.premium_fen
    cancelled = endorse(world, commercial, later + timedelta(days=30), **CANCEL)
    kept = commercial.premium_fen + removed.premium_fen + cancelled.premium_fen
    assert earned(later + timedelta(days=30)) == earned(now + timedelta(days=400)) == kept
