"""A worker that only sweeps, as a process of its own: `python -m tests.jobs.sweeper NOW BATCH [ready|taken|checked]`.

With a third word it stops at that point: before it begins, so that several can begin at once; or for ever in its
first batch, as a machine does whose power is cut there: after taking the clocks, or after all is written and
before it is kept.
"""

import os
import signal
import sys
from datetime import datetime

from service_desk.app import create_app
from service_desk.jobs import sla_sweep
from service_desk.models.db import unit_of_work
from service_desk.services import sla


def main(instant: str, size: str, stops_at: str = "") -> None:
    """Work off what is due, with a line after each batch."""
    now, batch = datetime.fromisoformat(instant), int(size)
    with create_app().app_context():
        if stops_at == "ready":
            _stop(stops_at)
        elif stops_at:
            _stop_midway(now, batch, stops_at)
        while tally := sla_sweep.run_batch(now, batch):
            print(f"swept {tally.done}", flush=True)


def _stop_midway(now: datetime, batch: int, stops_at: str) -> None:
    with unit_of_work():
        taken = sla.claim_due_timers(now, batch=batch)
    if stops_at == "checked":
        with unit_of_work():
            sla.check_timers(taken, now)
            _stop(stops_at)
    _stop(stops_at)


def _stop(stops_at: str) -> None:
    print(f"stopped {stops_at}", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    main(*sys.argv[1:])
