"""Runs the jobs on time. Any number of processes may start one; a lease in the database elects the one that works.

A second scheduler waits and changes nothing. When the leader dies, another takes over within the length of a
lease; should two overlap for a moment (a stalled machine), the jobs themselves do nothing twice.
"""

import os
import secrets
import signal
import socket
from collections.abc import Callable
from datetime import datetime, time, timedelta
from threading import Event, Thread
from time import monotonic

import click
import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from service_desk.base.clock import utc_now
from service_desk.jobs import (
    absences,
    correction_reminders,
    daily,
    handover_reminders,
    housekeeping,
    issue_runs,
    mailbox,
    notice_delivery,
    notice_digests,
    premium_dunning,
    relations_watch,
    renewal_reminders,
    scheduled_reports,
    scorecards,
    sla_sweep,
    uninsured_watch,
)
from service_desk.jobs.daily import DailyJob
from service_desk.jobs.runner import Job, Tally, run_job
from service_desk.models.db import unit_of_work
from service_desk.services import leases

log = structlog.get_logger()

RENEW_SECONDS = 2

# name, every so many seconds, what. Clocks first: a report made after an outage must know the breaches of it;
# and who stands in before them, for a breach is told to who held the clock.
JOBS: list[tuple[str, int, Job]] = [
    ("absences", 30, absences.run),
    ("sla_sweep", 30, sla_sweep.run),
    ("issue_runs", 3, issue_runs.run),
    ("mailboxes", 60, mailbox.run),
    ("notice_digests", 60, notice_digests.run),
    ("notice_delivery", 15, notice_delivery.run),
    ("scheduled_reports", 60, scheduled_reports.run),
    ("missed_cover", 900, uninsured_watch.run_pass),
    (handover_reminders.NAME, 300, handover_reminders.run),
]
DAILY_JOBS = [
    DailyJob("renewal_reminders", renewal_reminders.run, time(7, 0)),
    DailyJob("uninsured_watch", uninsured_watch.run, uninsured_watch.NOTICES_AT),
    DailyJob("premium_dunning", premium_dunning.run, time(7, 30)),
    DailyJob("correction_reminders", correction_reminders.run, time(7, 0)),
    DailyJob(scorecards.NAME, scorecards.run, scorecards.KEPT_AT),
    DailyJob("relations_watch", relations_watch.run, time(7, 15)),
    DailyJob("housekeeping", housekeeping.run, time(3, 30)),
]
DAILY_LOOK_SECONDS = 60


class Scheduler:
    """The jobs of one process, which run while it holds the lease."""

    def __init__(self, app: Flask, *, clock: Callable[[], datetime] = utc_now) -> None:
        self._app = app
        self._clock = clock
        self._holder = f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._leads_until = 0.0
        self._stopping = Event()
        # The lease has a thread of its own, so that no job can starve it. It is not one of the scheduler's jobs:
        # it calls the scheduler, which a job of a scheduler that is shutting down must not do.
        self._keeper = Thread(target=self._keep_lease, name="lease", daemon=True)
        self._scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(4)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone="UTC",
        )
        self._add_jobs()

    @property
    def is_leader(self) -> bool:
        """Whether this process may begin a job now: its lease has not run out by its own steady clock."""
        return monotonic() < self._leads_until

    def start(self) -> None:
        """Try for the lease at once, then run the jobs in the background."""
        self._renew()
        self._scheduler.start()
        self._keeper.start()

    def stop(self) -> None:
        """Let running jobs end, then leave the lease to the next."""
        self._stopping.set()
        self._keeper.join()
        self._scheduler.shutdown(wait=True)
        self._leads_until = 0.0
        with self._app.app_context():
            try:
                with unit_of_work():
                    leases.give_up(self._holder, now=self._clock())
            except SQLAlchemyError as error:
                # The lease runs out by itself.
                log.warning("lease_not_given_up", error=type(error).__name__)

    def _add_jobs(self) -> None:
        for name, seconds, job in JOBS:
            self._add(name, seconds, job)
        for one in DAILY_JOBS:
            self._add(one.name, DAILY_LOOK_SECONDS, self._daily(one))

    def _add(self, name: str, seconds: int, job: Job) -> None:
        self._scheduler.add_job(self._run, "interval", seconds=seconds, id=name, args=[name, job])

    def _run(self, name: str, job: Job) -> None:
        if self.is_leader:
            run_job(self._app, name, job, self._clock())

    def _daily(self, one: DailyJob) -> Job:
        def look(now: datetime) -> Tally:
            return daily.run_due(one, now, clock=self._clock)

        return look

    def _keep_lease(self) -> None:
        while not self._stopping.wait(RENEW_SECONDS):
            self._renew()

    def _renew(self) -> None:
        led, began = self.is_leader, monotonic()
        if self._take_lease():
            # Counted from before the question, so that we stop believing it before anyone else may take it.
            self._leads_until = began + leases.LASTS.total_seconds()
        if self.is_leader and not led:
            log.info("scheduler_leads", holder=self._holder)
            self._hurry()

    def _take_lease(self) -> bool:
        with self._app.app_context():
            try:
                with unit_of_work():
                    return leases.take_or_renew(self._holder, now=self._clock())
            except SQLAlchemyError as error:
                log.warning("lease_not_renewed", error=type(error).__name__)
                return False

    def _hurry(self) -> None:
        """Bring every job forward: what a dead leader left undone waits no longer, clocks before the rest."""
        start = utc_now()
        for place, (name, _, _) in enumerate([*JOBS, *((d.name, 0, d.job) for d in DAILY_JOBS)]):
            self._scheduler.modify_job(name, next_run_time=start + timedelta(milliseconds=300 * place))


@click.command("scheduler")
@with_appcontext
def command() -> None:
    """Run the jobs until SIGINT or SIGTERM, beside web servers that run none."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    scheduler = Scheduler(app)
    scheduler.start()
    click.echo("The scheduler runs. Ctrl-C stops it.")
    stop.wait()
    scheduler.stop()
