"""The daily jobs of renewals: an account at a time, a bad one does not stop the others."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from service_desk.jobs import renewal_reminders, uninsured_watch
from service_desk.models.db import db
from service_desk.models.notices import Notice
from service_desk.models.renewals import RenewalReminder
from service_desk.services import renewals
from tests.factories import PolicyFactory
from tests.world import World


def cover_ending_in(days: int, world: World, vehicle: object, now: datetime) -> None:
    ends_at = datetime(2026, 11, 23, 16, tzinfo=UTC) + timedelta(days=days)
    PolicyFactory(
        vehicle=vehicle, issued_by=world.underwriter, starts_at=ends_at - timedelta(days=365), ends_at=ends_at
    )
    db.session.commit()


def test_reminders_of_every_account_are_sent_once(world: World, now: datetime) -> None:
    cover_ending_in(7, world, world.coach, now)
    cover_ending_in(7, world, world.foreign_vehicle, now)
    tallies = [renewal_reminders.run(now), renewal_reminders.run(now)]
    assert [tally.done for tally in tallies] == [2, 2]
    assert db.session.scalars(select(RenewalReminder.days_before)).all() == [7, 7]


def test_a_week_without_runs_is_caught_up_with_the_nearest_rung(world: World, now: datetime) -> None:
    cover_ending_in(61, world, world.coach, now)
    for day in (1, 50, 51):
        renewal_reminders.run(now + timedelta(days=day))
    assert db.session.scalars(select(RenewalReminder.days_before).order_by(RenewalReminder.id)).all() == [
        60,
        15,
    ]


def test_an_account_that_fails_does_not_stop_the_next(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    cover_ending_in(7, world, world.foreign_vehicle, now)
    send, bad_id, good_id = renewals.send_reminders, world.account.id, world.foreign_account.id

    def send_unless_bad(account_id: int, *, now: datetime) -> int:
        if account_id == bad_id:
            raise RuntimeError("a bad row")
        return send(account_id, now=now)

    monkeypatch.setattr(renewals, "send_reminders", send_unless_bad)
    tally = renewal_reminders.run(now)
    assert (tally.done, tally.failed) == (1, 1)
    assert db.session.scalars(select(RenewalReminder.account_id)).all() == [good_id]


def test_missed_cover_is_told_to_branch_and_group(world: World, now: datetime) -> None:
    uninsured_watch.run(now)
    names = set(db.session.scalars(select(Notice.recipient_name).where(Notice.kind == "uninsured_vehicles")))
    assert {"郭永刚", "周敏"} <= names
