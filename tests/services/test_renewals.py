"""The renewals board, the reminders' ladder, and missed cover."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from service_desk.base.paging import PageRequest
from service_desk.models.db import db
from service_desk.models.fleet import Vehicle, VehicleState
from service_desk.models.notices import Channel, Notice
from service_desk.models.policies import CoverSource, ExternalCover, Policy, PolicyState
from service_desk.models.renewals import RenewalReminder
from service_desk.rules.renewal import Bucket
from service_desk.rules.vocabulary import PolicyLine, UseClass
from service_desk.services import renewals
from service_desk.services.policies import rates
from service_desk.services.renewals import ExpiryFilter
from tests.factories import ContactFactory, PolicyFactory, VehicleFactory
from tests.world import World

TODAY = date(2026, 11, 23)


def end_of(day: date) -> datetime:
    """24:00 of a day in China."""
    return datetime(day.year, day.month, day.day, 16, tzinfo=UTC)


def cover(
    world: World, vehicle: Vehicle, last_day: date, line: PolicyLine = PolicyLine.CTPL, **values: Any
) -> Policy:
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


def elsewhere(vehicle: Vehicle, last_day: date, now: datetime, line: PolicyLine = PolicyLine.CTPL) -> None:
    db.session.add(
        ExternalCover(
            account_id=vehicle.account_id,
            vehicle_id=vehicle.id,
            line=line,
            ends_at=end_of(last_day),
            source=CoverSource.CLIENT_LIST,
            noted_at=now,
        )
    )
    db.session.commit()


def buckets(world: World, now: datetime, **wanted: Any) -> list[tuple[str, Bucket]]:
    found = renewals.list_expiries(ExpiryFilter(world.account.id, **wanted), actor=world.underwriter, now=now)
    return [(one.plate, one.bucket) for one in found]


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-1, Bucket.OVERDUE),
        (0, Bucket.WITHIN_7),
        (7, Bucket.WITHIN_7),
        (8, Bucket.WITHIN_15),
        (60, Bucket.WITHIN_60),
        (61, Bucket.WITHIN_90),
        (120, Bucket.WITHIN_120),
        (121, None),
    ],
)
def test_board_shows_cover_up_to_120_days_ahead(
    world: World, now: datetime, days: int, bucket: Bucket | None
) -> None:
    cover(world, world.coach, TODAY + timedelta(days=days))
    assert buckets(world, now) == ([("豫A12345", bucket)] if bucket else [])


def test_a_renewed_vehicle_is_not_on_the_board(world: World, now: datetime) -> None:
    cover(world, world.coach, TODAY + timedelta(days=5))
    cover(world, world.coach, TODAY + timedelta(days=370))
    elsewhere(world.truck, TODAY + timedelta(days=5), now)
    cover(world, world.truck, TODAY + timedelta(days=370))
    assert buckets(world, now) == []


def test_a_cancelled_policy_and_an_idle_vehicle_are_not_on_the_board(world: World, now: datetime) -> None:
    never = cover(world, world.coach, TODAY + timedelta(days=5), state=PolicyState.CANCELLED)
    never.ends_at = never.starts_at
    db.session.flush()
    cover(world, VehicleFactory(branch=world.gongyi, state=VehicleState.SUSPENDED), TODAY + timedelta(days=5))
    assert buckets(world, now) == []


def test_board_counts_vehicles_by_branch_and_class_and_adds_the_premium(world: World, now: datetime) -> None:
    rates.install_sample_rates(now=now)
    day = TODAY + timedelta(days=3)
    cover(world, world.coach, day, premium_fen=4_690_00)
    cover(world, world.coach, day, PolicyLine.COMMERCIAL, premium_fen=6_540_00)
    elsewhere(world.truck, day, now)
    cover(world, world.bus, TODAY - timedelta(days=2), premium_fen=3_020_00)
    overdue, soon = renewals.board_counts(world.account.id, actor=world.underwriter, now=now)
    assert (overdue.bucket, overdue.branch.name, overdue.counts) == (
        Bucket.OVERDUE,
        "中牟公交分公司",
        {UseClass.CITY_BUS: 1},
    )
    assert soon.counts == {UseClass.COACH: 1, UseClass.GOODS: 1}
    # The lorry's cover is another insurer's: what ours would cost (9.99 t).
    assert soon.premium_fen == 4_690_00 + 6_540_00 + 3_450_00


def test_board_narrows_to_branch_line_and_bucket(world: World, now: datetime) -> None:
    cover(world, world.coach, TODAY + timedelta(days=3))
    cover(world, world.bus, TODAY + timedelta(days=20), PolicyLine.COMMERCIAL)
    assert buckets(world, now, branch_id=world.gongyi.id) == [("豫A12345", Bucket.WITHIN_7)]
    assert buckets(world, now, line=PolicyLine.COMMERCIAL) == [("豫AD12345", Bucket.WITHIN_30)]
    assert buckets(world, now, bucket=Bucket.WITHIN_30) == [("豫AD12345", Bucket.WITHIN_30)]


def test_branch_officer_sees_own_branch_only(world: World, now: datetime) -> None:
    cover(world, world.coach, TODAY + timedelta(days=3))
    cover(world, world.bus, TODAY + timedelta(days=3))
    found = renewals.list_expiries(ExpiryFilter(world.account.id), actor=world.safety_gongyi, now=now)
    assert [one.plate for one in found] == ["豫A12345"]


def test_uninsured_lists_operating_vehicles_without_a_required_line(world: World, now: datetime) -> None:
    cover(world, world.truck, TODAY + timedelta(days=100))
    cover(world, world.coach, TODAY - timedelta(days=4))
    found = renewals.list_uninsured(world.account.id, actor=world.underwriter, now=now)
    assert [(one.vehicle.plate, one.lacks_ctpl, len(one.missing)) for one in found] == [
        ("豫AD12345", True, 3),
        ("豫A12345", True, 3),
        ("豫A67890", False, 1),
    ]
    coach = next(one for one in found if one.vehicle.id == world.coach.id)
    assert coach.days_without(PolicyLine.CTPL, now) == 4
    assert coach.days_without(PolicyLine.COMMERCIAL, now) is None


def test_cover_from_elsewhere_counts_until_its_end(world: World, now: datetime) -> None:
    elsewhere(world.truck, TODAY, now)
    elsewhere(world.truck, TODAY, now, PolicyLine.COMMERCIAL)
    today = renewals.list_uninsured(world.account.id, actor=world.safety_gongyi, now=now)
    tomorrow = renewals.list_uninsured(
        world.account.id, actor=world.safety_gongyi, now=now + timedelta(days=1)
    )
    assert [one.vehicle.plate for one in today] == ["豫A12345"]
    assert [one.vehicle.plate for one in tomorrow] == ["豫A12345", "豫A67890"]


def mails(kind: str) -> list[Notice]:
    statement = select(Notice).where(Notice.kind == kind, Notice.channel == Channel.MAIL).order_by(Notice.id)
    return list(db.session.scalars(statement))


def test_reminders_go_to_branch_and_group_once_each(world: World, now: datetime) -> None:
    ContactFactory(
        account=world.account, branch=world.gongyi, email="gongyi@zzly.example", gets_renewals=True
    )
    ContactFactory(
        account=world.account, branch=world.zhongmu, email="zhongmu@zzly.example", gets_renewals=True
    )
    cover(world, world.coach, TODAY + timedelta(days=60))
    cover(world, world.truck, TODAY + timedelta(days=59), PolicyLine.COMMERCIAL)
    assert renewals.send_reminders(world.account.id, now=now) == 2
    assert renewals.send_reminders(world.account.id, now=now) == 0
    db.session.commit()
    assert [mail.address for mail in mails("renewal_reminder")] == [
        "safety-gongyi@desk.example",
        "gongyi@zzly.example",
        "hq@desk.example",
        "insurance@zzly.example",
    ]
    params = mails("renewal_reminder")[0].params
    assert (params["branch"], params["vehicle_count"]) == ("巩义客运分公司", 2)
    assert {(group["use_class"], group["count"]) for group in params["groups"]} == {
        ("coach", 1),
        ("goods", 1),
    }


def test_each_rung_is_sent_once_and_missed_days_are_caught_up_with_the_nearest(
    world: World, now: datetime
) -> None:
    cover(world, world.coach, TODAY + timedelta(days=61))
    sent = [
        renewals.send_reminders(world.account.id, now=now + timedelta(days=day))
        for day in (0, 1, 2, 47, 48, 62)
    ]
    assert sent == [0, 1, 0, 1, 0, 0]
    rungs = db.session.scalars(select(RenewalReminder.days_before).order_by(RenewalReminder.id)).all()
    assert rungs == [60, 15]


def test_the_ladder_is_the_accounts_own(world: World, now: datetime) -> None:
    world.account.reminder_days = [10]
    cover(world, world.coach, TODAY + timedelta(days=11))
    assert renewals.send_reminders(world.account.id, now=now) == 0
    assert renewals.send_reminders(world.account.id, now=now + timedelta(days=1)) == 1


def test_a_ladder_of_120_days_down_to_one_sends_each_rung_once(world: World, now: datetime) -> None:
    world.account.reminder_days = [120, 60, 1]
    cover(world, world.coach, TODAY + timedelta(days=121))
    days = (0, 1, 2, 60, 61, 62, 119, 120, 121, 122)
    sent = [renewals.send_reminders(world.account.id, now=now + timedelta(days=day)) for day in days]
    assert sent == [0, 1, 0, 0, 1, 0, 0, 1, 0, 0]
    rungs = db.session.scalars(select(RenewalReminder.days_before).order_by(RenewalReminder.id)).all()
    assert rungs == [120, 60, 1]


def test_a_list_that_grew_within_the_day_is_announced_too(world: World, now: datetime) -> None:
    cover(world, world.coach, TODAY + timedelta(days=7))
    renewals.send_reminders(world.account.id, now=now)
    elsewhere(world.truck, TODAY + timedelta(days=7), now)
    assert renewals.send_reminders(world.account.id, now=now + timedelta(hours=1)) == 1
    assert [mail.params["rows"][0]["plate"] for mail in mails("renewal_reminder")] == ["豫A12345"] * 3 + [
        "豫A67890"
    ] * 3


def test_reminder_history_is_seen_by_branch(world: World, now: datetime) -> None:
    cover(world, world.coach, TODAY + timedelta(days=7))
    cover(world, world.bus, TODAY + timedelta(days=7))
    renewals.send_reminders(world.account.id, now=now)
    page = renewals.list_reminders(world.account.id, PageRequest(), actor=world.safety_gongyi)
    assert (page.total, [plate for _, plate, _ in page.rows]) == (1, ["豫A12345"])


def test_missed_cover_is_announced_once_a_day_until_there_is_cover(world: World, now: datetime) -> None:
    days = [now, now + timedelta(hours=2), now + timedelta(days=1)]
    assert [renewals.send_uninsured_notices(world.account.id, now=at) for at in days] == [3, 3, 3]
    db.session.commit()
    addresses = [mail.address for mail in mails("uninsured_vehicles")]
    assert addresses == ["safety-gongyi@desk.example", "hq@desk.example", "insurance@zzly.example"] * 2
    assert mails("uninsured_vehicles")[1].params["without_ctpl"] == 3
