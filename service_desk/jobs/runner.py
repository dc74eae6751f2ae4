"""How every job runs: one unit of work an item, one bad item never jams the rest, one log line a run."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog
from flask import Flask, g

from service_desk.base.errors import DomainError
from service_desk.models.db import db, unit_of_work

log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True)
class Tally:
    """What a run did: items done and items that failed."""

    done: int = 0
    failed: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.done + other.done, self.failed + other.failed)


Job = Callable[[datetime], Tally]


def each(job: str, items: Iterable[T], act: Callable[[T], object]) -> Tally:
    """Call `act` for every item in a unit of work of its own.

    An item that raises is logged, counted and left for the next run; the others are done. Items should be
    ids or other plain values: a row read before the first unit of work is stale in it.
    """
    tally = Tally()
    for item in list(items):
        try:
            with unit_of_work():
                act(item)
        except Exception:
            log.exception("job_item_failed", job=job, item=str(item))
            tally += Tally(failed=1)
        else:
            tally += Tally(done=1)
    return tally


def together(
    job: str,
    items: Sequence[T],
    act_on_all: Callable[[Sequence[T]], Collection[T]],
    act: Callable[[T], object],
) -> Tally:
    """Act on all items in one unit of work; `act_on_all` answers those it did, `act` does the others singly.

    When the unit of work fails nothing of it stays, and every item is done singly: one bad item costs the
    others their speed, not their turn.
    """
    done: Collection[T] = ()
    try:
        with unit_of_work():
            done = act_on_all(items)
    except Exception as error:
        log.warning("job_batch_failed", job=job, items=len(items), error=f"{type(error).__name__}: {error}")
        done = ()
    return Tally(done=len(done)) + each(job, [item for item in items if item not in done], act)


@dataclass(frozen=True)
class Fault:
    """What went wrong with an item, in one line. `code` is its kind alone, which speaks of nobody."""

    reason: str
    code: str = ""


def guarded(job: str, item: object, act: Callable[[], T]) -> T | Fault:
    """The result of `act`, or the fault it ended in, logged: for work between two units of work."""
    try:
        return act()
    except Exception as error:
        log.exception("job_item_failed", job=job, item=str(item))
        code = error.code if isinstance(error, DomainError) else type(error).__name__
        return Fault(f"{type(error).__name__}: {error}", code)


def run_job(app: Flask, name: str, job: Job, now: datetime) -> Tally:
    """Run a job once in an app context of its own. Never raises; a quiet run that did nothing logs nothing."""
    with app.app_context():
        g.now = now
        try:
            tally = job(now)
        except Exception:
            log.exception("job_failed", job=name)
            tally = Tally(failed=1)
        finally:
            db.session.rollback()
    if tally != Tally():
        log.info("job_run", job=name, done=tally.done, failed=tally.failed)
    return tally
