"""How much a sweep costs: beside how many clocks are open, and beside the bare statements for what it writes."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from time import perf_counter
from typing import Any

from sqlalchemy import Select, Table, bindparam, delete, insert, select, update

from benchmarks.many_timers import STARTED_AT, Desk, desks
from benchmarks.timing import line
from service_desk.jobs import sla_sweep
from service_desk.jobs.runner import Tally
from service_desk.models.audit import AuditEntry
from service_desk.models.db import db, table_of, unit_of_work
from service_desk.models.notices import Notice
from service_desk.models.sla import SlaEvent, Timer, TimerEntry

FEW, MANY = 10_000, 1_000_000
DUE = 200
ROUNDS = 7
# The disk of a shared machine is uneven: the least of many sweeps is what they cost.
FLAT_ROUNDS = 15
_TIMERS = table_of(Timer)
# What a sweep writes, and how its rows are known again by the instant of the sweep.
_WRITTEN = {
    table_of(SlaEvent): "recorded_at",
    table_of(Notice): "created_at",
    _TIMERS: "started_at",
    table_of(TimerEntry): "recorded_at",
    table_of(AuditEntry): "at",
}
# What it changes on the row of a clock.
_CHANGED = {
    "warning": ("version", "next_check_at", "measured_at", "used_seconds"),
    "breach": ("version", "next_check_at", "measured_at", "used_seconds", "over_seconds", "breached_at"),
}


def measure() -> Iterator[dict[str, Any]]:
    """Sweep 200 due clocks of ten thousand and of a million, on both databases."""
    for kind in ("sqlite", "postgres"):
        try:
            with desks(kind, FEW, MANY) as (few, many):
                yield from _measures(kind, few, many)
        except RuntimeError as error:
            print(f"sweep on {kind}: left out, {error}")


def _measures(kind: str, few: Desk, many: Desk) -> Iterator[dict[str, Any]]:
    instants = (STARTED_AT + timedelta(seconds=second) for second in count(1))
    small, large = _flat(few, many, instants)
    yield line(f"sweep.flat.{kind}", large * 1e3, small * 1e3, "ms")
    for what in _CHANGED:
        swept, bare = _per_item(few, what, instants)
        name = "sweep.per_item" if what == "warning" else f"sweep.per_item_{what}"
        yield line(f"{name}.{kind}", swept / DUE * 1e6, bare / DUE * 1e6, "µs")


def _flat(few: Desk, many: Desk, instants: Iterator[datetime]) -> tuple[float, float]:
    """The least time of a sweep of each, by turns."""
    times: dict[int, list[float]] = {few.size: [], many.size: []}
    for _ in range(FLAT_ROUNDS):
        now = next(instants)
        for desk in (few, many):
            desk.make_due(DUE, now=now, breached=False)
            times[desk.size].append(_sweep(desk, now))
    return min(times[few.size]), min(times[many.size])


def _sweep(desk: Desk, now: datetime) -> float:
    with desk.app.app_context():
        begin = perf_counter()
        tally = sla_sweep.run(now)
        seconds = perf_counter() - begin
    assert tally == Tally(done=DUE)
    return seconds


def _per_item(desk: Desk, what: str, instants: Iterator[datetime]) -> tuple[float, float]:
    """The least time of a sweep, and of writing the very same rows again with bare statements."""
    swept, bare = [], []
    for _ in range(ROUNDS):
        now = next(instants)
        desk.make_due(DUE, now=now, breached=what == "breach")
        with desk.app.app_context():
            floor = _Floor(now, _CHANGED[what])
            swept.append(_sweep(desk, now))
            floor.take_back()
            bare.append(floor.write_again())
    return min(swept), min(bare)


class _Floor:
    """What one sweep wrote, written again with nothing but the statements, each over all its rows.

    The same two transactions, one to take the clocks and one for the rest: for each clock its UPDATE, and an
    INSERT for each new row. Nothing is read, judged, put into words or looked up.
    """

    def __init__(self, now: datetime, changed: Sequence[str]) -> None:
        self._now = now
        self._columns = [_TIMERS.c.id.label("timer_id"), *(_TIMERS.c[name] for name in changed)]
        self._before = _rows(select(*self._columns).where(_TIMERS.c.next_check_at <= now))
        self._after: list[dict[str, Any]] = []
        self._written: dict[Table, list[dict[str, Any]]] = {}
        # The sweep writes in a session of its own; this one would go on seeing what was before.
        db.session.rollback()

    def take_back(self) -> None:
        """Learn what the sweep wrote, and bring the tables back to where they were before it."""
        self._after = _rows(select(*self._columns).where(_TIMERS.c.id.in_(self._ids)))
        self._written = {
            table: _rows(select(table).where(table.c[name] == self._now)) for table, name in _WRITTEN.items()
        }
        with unit_of_work():
            for table, name in reversed(_WRITTEN.items()):
                db.session.execute(delete(table).where(table.c[name] == self._now))
            self._update(self._before)

    def write_again(self) -> float:
        """Write it all; the seconds it took."""
        begin = perf_counter()
        with unit_of_work():
            taken = update(_TIMERS).where(_TIMERS.c.id.in_(self._ids), _TIMERS.c.next_check_at <= self._now)
            db.session.execute(taken.values(next_check_at=self._now + timedelta(minutes=5)))
        with unit_of_work():
            self._update(self._after)
            for table, rows in self._written.items():
                if rows:
                    db.session.execute(insert(table), rows)
        return perf_counter() - begin

    @property
    def _ids(self) -> list[int]:
        return [row["timer_id"] for row in self._before]

    def _update(self, rows: list[dict[str, Any]]) -> None:
        names = [column.name for column in self._columns if column.name != "timer_id"]
        statement = update(_TIMERS).where(_TIMERS.c.id == bindparam("timer_id"))
        db.session.execute(statement.values({name: bindparam(name) for name in names}), rows)


def _rows(statement: Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in db.session.execute(statement).mappings()]


if __name__ == "__main__":
    for one in measure():
        print(
            f"{one['name']:32} {one['value']:>10.2f} {one['unit']}  floor {one['floor']:>9.2f}  x {one['ratio']:.2f}"
        )
