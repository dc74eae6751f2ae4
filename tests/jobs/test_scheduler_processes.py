"""Three schedulers on one database, as real processes: one works, another takes over when it is killed, nothing twice."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from service_desk.base.clock import local_date, utc_now
from service_desk.models.db import db
from service_desk.models.notices import Channel, DeliveryTry, Notice, NoticeState
from service_desk.models.reports import ReportRun, ReportSchedule
from service_desk.rules.periods import WEEK, week_of
from service_desk.services.reports.figures import KIND
from tests.conftest import SECRET_KEY
from tests.processes import desk, stop
from tests.world import World


def put_on_schedule(account_id: int) -> None:
    """The report of last week is due since the night to Monday, whatever today is."""
    monday = week_of(local_date(utc_now()))
    db.session.add(
        ReportSchedule(account_id=account_id, kind=KIND, weekday=0, hour=0, minute=0, starts_on=monday)
    )
    db.session.commit()


def test_of_three_one_works_and_another_takes_over_when_it_is_killed(
    world: World, database_url: str, tmp_path: Path
) -> None:
    put_on_schedule(world.account.id)
    put_on_schedule(world.foreign_account.id)

    with desk(DATABASE_URL=database_url, INSTANCE_DIR=str(tmp_path), SECRET_KEY=SECRET_KEY) as running:
        for _ in range(3):
            running.start("flask", "scheduler")
        leader = running.wait_for_event("scheduler_leads")
        assert running.wait_for_event("job_run", job="scheduled_reports") is leader
        assert running.wait_for_event("job_run", job="notice_delivery") is leader
        leader.kill()

        second = running.wait_for_event("scheduler_leads")
        assert second is not leader
        assert stop(second) == 0

        [third] = [one for one in running.processes if one not in (leader, second)]
        assert running.wait_for_event("scheduler_leads") is third
        assert stop(third) == 0

    db.session.rollback()
    # The schedules of the other kinds begin today; on the first of a month one of them is due as well.
    weekly = select(ReportRun.account_id, ReportRun.period_from).where(ReportRun.kind == KIND)
    runs = db.session.execute(weekly).all()
    last_week = week_of(local_date(utc_now() - timedelta(minutes=5))) - WEEK
    assert sorted(runs) == sorted((a.id, last_week) for a in (world.account, world.foreign_account))
    mails = db.session.scalars(
        select(Notice).where(Notice.channel == Channel.MAIL, Notice.kind == KIND).order_by(Notice.id)
    ).all()
    assert {mail.state for mail in mails} == {NoticeState.SENT}
    tries = db.session.scalars(select(DeliveryTry.notice_id)).all()
    assert sorted(tries) == sorted({*tries})
    assert len(mails) == 3
