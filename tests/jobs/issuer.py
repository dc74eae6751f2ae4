"""A worker that only issues, as a process of its own: `python -m tests.jobs.issuer NOW [ready|taken|issued]`.

With a second word it stops at that point: before it begins, so that several can begin at once; or for ever in its
first portion, as a machine does whose power is cut there: after taking it, or after all is written and before it
is kept.
"""

import os
import signal
import sys
from datetime import datetime

from service_desk.app import create_app
from service_desk.jobs import issue_runs
from service_desk.models.db import unit_of_work
from service_desk.services.policies import runs


def main(instant: str, stops_at: str = "") -> None:
    """Issue what waits, with a line after each portion."""
    now = datetime.fromisoformat(instant)
    with create_app().app_context():
        if stops_at == "ready":
            _stop(stops_at)
        elif stops_at:
            _stop_midway(now, stops_at)
        while tally := issue_runs.run_portion(now):
            print(f"issued {tally.done}", flush=True)


def _stop_midway(now: datetime, stops_at: str) -> None:
    with unit_of_work():
        portion_id = runs.claim_portion(now)
    if stops_at == "issued":
        with unit_of_work():
            assert portion_id is not None
            runs.issue_portion(portion_id, now)
            _stop(stops_at)
    _stop(stops_at)


def _stop(stops_at: str) -> None:
    print(f"stopped {stops_at}", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    main(*sys.argv[1:])
