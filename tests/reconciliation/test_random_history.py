"""A random history made by the state machine itself, counted slowly: every figure of the desk is the same."""

import os
from datetime import UTC, date, datetime

import pytest

from tests.reconciliation.comparing import Differences, check_measures
from tests.reconciliation.history import Size, write_history
from tests.reconciliation.slow_measures import SlowCounts

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
PERIODS = [
    (date(2026, 11, 9), date(2026, 11, 15)),
    (date(2024, 2, 1), date(2024, 2, 29)),
    (date(2026, 10, 1), date(2026, 10, 31)),
    (date(2026, 11, 1), date(2026, 11, 30)),
    (date(2025, 7, 1), date(2025, 9, 30)),
    (date(2024, 1, 1), date(2024, 12, 31)),
    (date(2026, 1, 1), date(2026, 12, 31)),
]

def test_measures(world):
    import time
    t=time.process_time()
    rows = write_history(world, NOW, Size(int(os.environ.get("N", "1500")), 300))
    print("made", time.process_time()-t); t=time.process_time()
    counts = SlowCounts(rows, world.account.id, NOW)
    print("ready", time.process_time()-t); t=time.process_time()
    to = Differences()
    for first, last in PERIODS:
        check_measures(counts, first, last, to)
        print(first, last, to.compared, len(to.found), time.process_time()-t); t=time.process_time()
    to.require_none()
