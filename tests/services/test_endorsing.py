"""Endorsements: what each kind changes, from when, at what premium, and what stays as it was."""

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from service_desk.base.clock import local_date
from service_desk.base.errors import Conflict, DomainError, Invalid, NotFound
from service_desk.models.db import db
from service_desk.models.fleet import BranchRecord, PlateRecord, Vehicle
from service_desk.models.policies import (
    Coverage,
    Endorsement,
    EndorsementKind,
    Policy,
    PolicyOrigin,
    RateTable,
)
from service_desk.models.premiums import Receivable
from service_desk.rules.vocabulary import CoverCode, PolicyLine, UseClass
from service_desk.services import policies
from service_desk.services.policies import LineChoice, coverage, endorsements, endorsing, queries, rates
from service_desk.services.policies.endorsing import AgreedCover
from tests.endorsement_cases import (
    china,
    endorse,
    issue,
    ledger,
    premium_with_tax,
)
from tests.factories import CoverageFactory, PolicyFactory, make_vin
from tests.world import World

K = EndorsementKind
EXAMPLES = Path(__file__).parents[1] / "data" / "settlement_examples.json"
TPL_ONLY = (LineChoice(PolicyLine.COMMERCIAL, "tpl_1m"),)


@pytest.fixture
def commercial(world: World, now: datetime) -> Policy:
    """The coach's commercial policy: 14,340 a year from 23 November 2026, in its 100th day now."""
    return issue(world, world.coach, now)[PolicyLine.COMMERCIAL]


@pytest.fixture
def later(now: datetime) -> datetime:
    """3 March 2027, 09:00 in China: 265 of 365 days remain, that day counted."""
    return now + timedelta(days=100)


def test_the_command_line_answers_the_examples_of_premium(app: Flask, tmp_path: Path) -> None:
    """As an auditor has it done: `flask rules settle FILE`, the questions told apart by what the file expects."""
    examples = json.loads(EXAMPLES.read_text("utf-8"))["examples"]
    cases = [example for example in examples if example["kind"] == "premium"]
    file = tmp_path / "premium.json"
    file.write_text(json.dumps(cases))
    answer = app.test_cli_runner().invoke(args=["rules", "settle", str(file)])
    assert answer.exit_code == 0
    assert [one["expected"] for one in json.loads(answer.stdout)] == [case["expected"] for case in cases]
    assert {case["id"] for case in cases} >= {*(f"P{n:02}" for n in range(1, 12)), "P13"}


def test_a_new_plate_is_stated_and_the_old_one_kept(
    world: World, commercial: Policy, later: datetime
) -> None:
    made = endorse(world, commercial, later, K.PLATE, plate="豫A·77889")
    assert (made.number, made.ordinal, made.effective_at) == ("END-2027-000001", 1, later)
    assert (made.before, made.after, made.premium_fen) == ({"plate": "豫A12345"}, {"plate": "豫A77889"}, 0)
    assert commercial.plate == "豫A77889"
    assert world.coach.plate == "豫A12345"


def test_the_vehicles_own_record_follows_when_asked(
    world: World, commercial: Policy, later: datetime
) -> None:
    endorse(world, commercial, later, K.PLATE, plate="豫A77889", with_vehicle=True)
    endorse(world, commercial, later, K.BRANCH, branch_id=world.zhongmu.id, with_vehicle=True)
    db.session.refresh(world.coach)
    assert (world.coach.plate, world.coach.branch_id) == ("豫A77889", world.zhongmu.id)
    plates = db.session.scalars(select(PlateRecord).where(PlateRecord.vehicle_id == world.coach.id))
    assert {row.plate: row.to_at for row in plates} == {"豫A12345": later, "豫A77889": None}
    branches = db.session.scalars(select(BranchRecord).where(BranchRecord.vehicle_id == world.coach.id))
    assert len(list(branches)) == 2


def test_a_plate_changed_on_the_fleet_page_names_the_policies_to_endorse(
    world: World, commercial: Policy, later: datetime
) -> None:
    world.coach.plate = "豫A77889"
    db.session.commit()
    found = endorsements.differences(world.coach, actor=world.underwriter, now=later)
    assert [(one.policy.line, one.kind) for one in found] == [(line, K.PLATE) for line in PolicyLine]
    endorse(world, commercial, later, K.PLATE, plate="豫A77889")
    found = endorsements.differences(world.coach, actor=world.underwriter, now=later)
    assert {one.policy.line for one in found} == {PolicyLine.CTPL, PolicyLine.CARRIER_LIABILITY}


def test_a_branch_transfer_moves_the_policy_and_not_what_is_owed(
    world: World, commercial: Policy, later: datetime
) -> None:
    endorse(world, commercial, later, K.BRANCH, branch_id=world.zhongmu.id)
    assert (commercial.branch_id, commercial.issued_branch_id) == (world.zhongmu.id, world.gongyi.id)
    owed = db.session.scalars(select(Receivable).where(Receivable.policy_id == commercial.id)).one()
    assert owed.branch_id == world.gongyi.id
    with pytest.raises(NotFound):
        queries.get_policy(commercial.number, actor=world.safety_gongyi, now=later)


def test_added_premium_after_a_transfer_is_owed_by_the_new_branch(
    world: World, commercial: Policy, later: datetime
) -> None:
    endorse(world, commercial, later, K.BRANCH, branch_id=world.zhongmu.id)
    made = endorse(
        world,
        commercial,
        later,
        K.SUM_INSURED,
        agreed=AgreedCover(CoverCode.OWN_DAMAGE, 900_000_00),
        annual_fen=15_800_00,
    )
    row = db.session.scalars(select(Receivable).where(Receivable.endorsement_id == made.id)).one()
    assert (row.branch_id, row.amount_fen) == (world.zhongmu.id, 1_060_00)


def test_cover_added_is_charged_for_the_days_that_remain(world: World, now: datetime) -> None:
    policy = issue(world, world.coach, now, lines=TPL_ONLY)[PolicyLine.COMMERCIAL]
    at = now + timedelta(days=165)
    made = endorse(world, policy, at, K.ADD_COVER, cover_set="tpl_1m_od")
    # Own damage costs 7,800 a year; 200 of 365 days remain.
    assert made.premium_fen == round(7_800_00 * 200 / 365)
    assert [line["label_key"] for line in made.working] == [
        "annual_before",
        "annual_after",
        "remaining_days",
        "additional_premium",
    ]
    assert made.working[-1]["formula"] == "(14,340.00 − 6,540.00) × 200 ÷ 365"
    row = db.session.scalars(select(Receivable).where(Receivable.endorsement_id == made.id)).one()
    assert (row.amount_fen, row.due_on) == (made.premium_fen, date(2027, 5, 14))
    assert ledger(policy)[0] == premium_with_tax(policy)
    held = coverage.covers_at(world.coach.id, at)[0]
    assert [limit.code for limit in held.limits] == [CoverCode.TPL, CoverCode.OWN_DAMAGE]
    before = coverage.covers_at(world.coach.id, at - timedelta(seconds=1))[0]
    assert [limit.code for limit in before.limits] == [CoverCode.TPL]


def test_the_price_table_of_the_policy_counts_and_not_a_newer_one(world: World, now: datetime) -> None:
    policy = issue(world, world.coach, now, lines=TPL_ONLY)[PolicyLine.COMMERCIAL]
    assert policy.rate_line_id is not None
    own = rates.table_of_line(policy.rate_line_id)
    later = now + timedelta(days=100)
    newer = RateTable(line=PolicyLine.COMMERCIAL, name="新价目表", effective_on=later.date())
    rates.write(newer, [replace(line, premium_fen=line.premium_fen * 2) for line in own.lines])
    db.session.commit()
    made = endorse(world, policy, later, K.ADD_COVER, cover_set="tpl_1m_od")
    assert made.after["annual_fen"] == 14_340_00


def test_cover_is_given_from_now_on_and_not_for_days_that_have_passed(
    world: World, now: datetime, later: datetime
) -> None:
    policy = issue(world, world.coach, now, lines=TPL_ONLY)[PolicyLine.COMMERCIAL]
    today = local_date(later)
    with pytest.raises(Invalid, match="cover_not_for_the_past"):
        endorse(
            world, policy, later, K.ADD_COVER, cover_set="tpl_1m_od", effective_on=today - timedelta(days=1)
        )
    db.session.rollback()
    made = endorse(world, policy, later, K.ADD_COVER, cover_set="tpl_1m_od", effective_on=today)
    assert made.effective_at == later


def test_cover_removed_lowers_what_is_owed(world: World, commercial: Policy, later: datetime) -> None:
    made = endorse(world, commercial, later, K.REMOVE_COVER, cover_set="tpl_1m")
    assert made.premium_fen == -round(7_800_00 * 265 / 365)
    assert (commercial.cover_set, commercial.annual_fen) == ("tpl_1m", 6_540_00)
    assert ledger(commercial) == (14_340_00 + made.premium_fen, 0, 0)
    limits = coverage.limits_of([commercial.id])[commercial.id]
    assert [one.code for one in limits] == [CoverCode.TPL]


def test_raised_and_lowered_again_on_one_day_is_the_premium_of_before(
    world: World, now: datetime, later: datetime
) -> None:
    policy = issue(world, world.coach, now, lines=TPL_ONLY)[PolicyLine.COMMERCIAL]
    raised = endorse(world, policy, later, K.SUM_INSURED, cover_set="tpl_2m")
    lowered = endorse(world, policy, later, K.SUM_INSURED, cover_set="tpl_1m")
    assert raised.premium_fen == -lowered.premium_fen == round((8_500_00 - 6_540_00) * 265 / 365)
    assert [one.limit_fen for one in coverage.limits_of([policy.id], later)[policy.id]] == [1_000_000_00]
    assert_one_cover_an_instant(policy)


def assert_one_cover_an_instant(policy: Policy) -> None:
    """No instant of a policy's term has two rows of one cover."""
    rows = db.session.scalars(select(Coverage).where(Coverage.policy_id == policy.id)).all()
    edges = {moment for row in rows for moment in (row.from_at, row.to_at) if moment}
    for moment in edges | {policy.starts_at}:
        codes = [one.code for one in coverage.limits_of([policy.id], moment)[policy.id]]
        assert len(codes) == len(set(codes))


def test_another_class_is_priced_and_covered_by_its_line(
    world: World, commercial: Policy, later: datetime
) -> None:
    made = endorse(world, commercial, later, K.USE, use_class=UseClass.NON_OPERATING, with_vehicle=True)
    assert made.premium_fen == round((1_620_00 + 4_000_00 - 14_340_00) * 265 / 365)
    assert commercial.vehicle_facts["use_class"] == "non_operating"
    assert world.coach.use_class is UseClass.NON_OPERATING
    own_damage = coverage.limits_of([commercial.id])[commercial.id][1]
    assert own_damage.limit_fen == 400_000_00
    assert ledger(commercial)[0] == premium_with_tax(commercial)


def test_the_ctpl_float_goes_on_with_another_class(world: World, now: datetime, later: datetime) -> None:
    terms = {world.coach.id: policies.VehicleTerms(policies.planning.CtplFloat.A2, tax_fen=600_00)}
    policy = issue(world, world.coach, now, terms=terms)[PolicyLine.CTPL]
    made = endorse(world, policy, later, K.USE, use_class=UseClass.CITY_BUS)
    assert made.after["annual_fen"] == 3_140_00 * 80 // 100


def test_a_class_that_the_line_is_not_sold_for_is_refused(
    world: World, now: datetime, later: datetime
) -> None:
    policy = issue(world, world.coach, now)[PolicyLine.CARRIER_LIABILITY]
    with pytest.raises(Invalid, match="no_rate"):
        endorse(world, policy, later, K.USE, use_class=UseClass.NON_OPERATING)


def test_total_loss_ends_own_damage_and_returns_nothing(
    world: World, commercial: Policy, later: datetime
) -> None:
    made = endorse(world, commercial, later, K.TOTAL_LOSS)
    kept = round(7_800_00 * 265 / 365)
    assert (made.premium_fen, made.after["kept_fen"]) == (0, kept)
    assert [one.code for one in coverage.limits_of([commercial.id])[commercial.id]] == [CoverCode.TPL]
    # What is kept is earned at once: a later cancellation gives back third-party premium only.
    cancelled = endorse(
        world, commercial, later, K.CANCELLATION, cause=endorsing.commands.CancelReason.NOT_NEEDED
    )
    assert abs(cancelled.premium_fen + 6_540_00 * 265 / 365) <= 1


def test_a_policy_from_a_list_is_endorsed_by_agreed_premium(world: World, later: datetime) -> None:
    policy = PolicyFactory(
        vehicle=world.coach,
        issued_by=world.underwriter,
        line=PolicyLine.COMMERCIAL,
        origin=PolicyOrigin.TAKEN_OVER,
        starts_at=china(2026, 11, 23),
        premium_fen=7_300_00,
    )
    CoverageFactory(policy=policy, code=CoverCode.TPL, limit_fen=1_000_000_00)
    db.session.commit()
    with pytest.raises(Invalid, match="endorsement_needs_premium"):
        endorse(world, policy, later, K.USE, use_class=UseClass.CITY_BUS)
    made = endorse(
        world,
        policy,
        later,
        K.ADD_COVER,
        agreed=AgreedCover(CoverCode.OWN_DAMAGE, 500_000_00),
        annual_fen=10_950_00,
    )
    assert made.premium_fen == 2_650_00
    assert made.working[1]["clause"] == "agreed_premium"


@pytest.mark.parametrize(
    ("values", "code", "field"),
    [
        ({"kind": K.PLATE, "plate": "豫A12345"}, "endorsement_changes_nothing", None),
        ({"kind": K.PLATE, "plate": "12345"}, "plate_invalid", "plate"),
        ({"kind": K.PLATE, "plate": "豫A67890"}, "plate_taken", "plate"),
        ({"kind": K.VIN, "vin": "LZYTBGBW"}, "vin_invalid", "vin"),
        ({"kind": K.VIN, "vin": make_vin(200003)}, "vin_taken", "vin"),
        ({"kind": K.USE}, "no_use_class", "use_class"),
        ({"kind": K.ADD_COVER}, "policy_action_not_possible", None),
        ({"kind": K.REMOVE_COVER}, "cover_choice_missing", "cover_set"),
        ({"kind": K.REMOVE_COVER, "cover_set": "tpl_9m"}, "no_rate", None),
        ({"kind": K.REMOVE_COVER, "cover_set": "tpl_1m_od"}, "endorsement_changes_nothing", "cover_set"),
        ({"kind": K.SUM_INSURED, "cover_set": "tpl_1m"}, "cover_not_possible", "cover_set"),
        (
            {"kind": K.SUM_INSURED, "agreed": AgreedCover(CoverCode.CTPL, 1), "annual_fen": 1},
            "cover_not_possible",
            "code",
        ),
        (
            {"kind": K.SUM_INSURED, "agreed": AgreedCover(CoverCode.TPL, 1)},
            "agreed_premium_missing",
            "annual",
        ),
        ({"kind": K.SUM_INSURED, "agreed": AgreedCover(CoverCode.TPL)}, "cover_limit_missing", "limit"),
        ({"kind": K.CANCELLATION}, "cancel_cause_missing", "cause"),
        ({"kind": K.REPLACEMENT, "vehicle": "豫A99999"}, "replacement_unknown", "vehicle"),
        ({"kind": K.REPLACEMENT, "vehicle": "豫A12345"}, "replacement_same", "vehicle"),
        ({"kind": K.PLATE, "plate": "豫A77889", "reason": "  "}, "reason_missing", "reason"),
        (
            {"kind": K.PLATE, "plate": "豫A77889", "effective_on": date(2026, 11, 22)},
            "effective_before_start",
            "effective_on",
        ),
        (
            {"kind": K.PLATE, "plate": "豫A77889", "effective_on": date(2027, 11, 23)},
            "effective_after_end",
            "effective_on",
        ),
        (
            {
                "kind": K.PLATE,
                "plate": "豫A77889",
                "effective_on": date(2027, 6, 1),
                "with_vehicle": True,
            },
            "vehicle_record_only_now",
            "with_vehicle",
        ),
    ],
)
def test_what_cannot_be_endorsed_says_why(
    world: World, commercial: Policy, later: datetime, values: dict[str, Any], code: str, field: str | None
) -> None:
    with pytest.raises(DomainError) as refusal:
        endorse(world, commercial, later, **values)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Endorsement)) == 0


def test_back_dating_before_the_last_endorsement_is_refused(
    world: World, commercial: Policy, later: datetime
) -> None:
    endorse(world, commercial, later, K.PLATE, plate="豫A77889", effective_on=date(2027, 3, 1))
    with pytest.raises(Invalid, match="effective_before_last"):
        endorse(world, commercial, later, K.PLATE, plate="豫A77888", effective_on=date(2027, 2, 28))
    db.session.rollback()
    again = endorse(world, commercial, later, K.PLATE, plate="豫A77888", effective_on=date(2027, 3, 1))
    assert again.ordinal == 2


def test_before_the_start_an_endorsement_takes_effect_with_the_cover(world: World, now: datetime) -> None:
    policy = issue(world, world.coach, now, lines=TPL_ONLY, start_on=date(2026, 12, 1))[PolicyLine.COMMERCIAL]
    made = endorse(world, policy, now, K.ADD_COVER, cover_set="tpl_1m_od")
    assert (made.effective_at, made.premium_fen) == (china(2026, 12, 1), 7_800_00)
    assert len(coverage.covers_at(world.coach.id, china(2026, 12, 1))[0].limits) == 2


def test_a_cover_that_another_policy_gives_is_not_added(world: World, now: datetime) -> None:
    policy = issue(world, world.coach, now, lines=TPL_ONLY)[PolicyLine.COMMERCIAL]
    other = PolicyFactory(
        vehicle=world.coach,
        line=PolicyLine.COMMERCIAL,
        starts_at=now - timedelta(days=60),
        ends_at=china(2027, 3, 1),
        issued_by=world.underwriter,
    )
    CoverageFactory(policy=other, code=CoverCode.OWN_DAMAGE)
    db.session.commit()
    with pytest.raises(Invalid, match="overlaps_cover_in_force"):
        endorse(world, policy, now, K.ADD_COVER, cover_set="tpl_1m_od")
    db.session.rollback()
    assert endorse(world, policy, now, K.ADD_COVER, cover_set="tpl_1m_od", effective_on=date(2027, 3, 1))


def test_a_view_as_of_an_instant_undoes_what_came_later(
    world: World, commercial: Policy, later: datetime
) -> None:
    endorse(world, commercial, later, K.PLATE, plate="豫A77889")
    endorse(world, commercial, later + timedelta(days=1), K.BRANCH, branch_id=world.zhongmu.id)
    removed = endorse(world, commercial, later + timedelta(days=2), K.REMOVE_COVER, cover_set="tpl_1m")

    def seen(at: datetime | None) -> tuple[str | None, int, str, int, int]:
        view = queries.get_policy(
            commercial.number, actor=world.underwriter, now=later + timedelta(days=9), at=at
        )
        return (
            view.insured.plate,
            view.branch.id,
            view.insured.cover_set,
            len(view.limits),
            view.premium_fen,
        )

    full, gongyi, zhongmu = commercial.premium_fen, world.gongyi.id, world.zhongmu.id
    second = timedelta(seconds=1)
    assert seen(later - second) == ("豫A12345", gongyi, "tpl_1m_od", 2, full)
    assert seen(later) == ("豫A77889", gongyi, "tpl_1m_od", 2, full)
    assert seen(later + timedelta(days=1)) == ("豫A77889", zhongmu, "tpl_1m_od", 2, full)
    assert seen(later + timedelta(days=2)) == (
        "豫A77889",
        zhongmu,
        "tpl_1m",
        1,
        full + removed.premium_fen,
    )
    assert seen(None) == seen(later + timedelta(days=5))


def test_an_expired_policy_is_endorsed_no_more(world: World, commercial: Policy, now: datetime) -> None:
    after = now + timedelta(days=400)
    assert endorsing.kinds_for(endorsing.open_file(commercial), now=after) == []
    with pytest.raises(Conflict, match="policy_action_not_possible"):
        endorse(world, commercial, after, K.PLATE, plate="豫A77889")


def test_the_vehicle_of_a_policy_is_still_the_one_of_its_claims(
    world: World, commercial: Policy, later: datetime
) -> None:
    """Plates move on; a claim finds its cover by the vehicle."""
    endorse(world, commercial, later, K.PLATE, plate="豫A77889", with_vehicle=True)
    found = db.session.scalars(select(Vehicle).where(Vehicle.id == commercial.vehicle_id)).one()
    assert found.plate == "豫A77889"
    assert len(coverage.covers_at(found.id, later)) == 3
