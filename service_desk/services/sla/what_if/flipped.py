"""The cases whose verdict flips, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service_desk.base.paging import Page, PageRequest
from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.rules.calendar.openings import moment_of
from service_desk.services.sla.what_if.answering import Answer
from service_desk.services.sla.what_if.comparing import Flip


@dataclass(frozen=True)
class FlippedCase:
    """One clock whose verdict flips. `due_at` and `over_seconds` are by the other promise; its own are in its row."""

    timer: Timer
    branch: Branch | None
    flip: Flip
    due_at: datetime
    over_seconds: int


def list_cases(answer: Answer, page: PageRequest, flip: Flip | None = None) -> Page[FlippedCase]:
    """A page of the cases that flip, or flip one way; latest judged first."""
    rows = _rows(answer, flip)
    shown = rows[page.offset : page.offset + page.size]
    return Page(_read(answer, shown), len(rows), page.number, page.size)


def _rows(answer: Answer, flip: Flip | None) -> Sequence[int]:
    return [row for row, one in enumerate(answer.flipped.flips) if flip is None or one is flip]


def _read(answer: Answer, rows: Sequence[int]) -> list[FlippedCase]:
    flipped = answer.flipped
    ids = [int(flipped.ids[row]) for row in rows]
    found = db.session.execute(
        select(Timer, Branch).outerjoin(Branch, Branch.id == Timer.branch_id).where(Timer.id.in_(ids))
    )
    clocks = {timer.id: (timer, branch) for timer, branch in found}
    return [
        FlippedCase(
            *clocks[timer_id],
            flip=flipped.flips[row],
            due_at=moment_of(int(flipped.due[row])),
            over_seconds=int(flipped.over[row]),
        )
        for timer_id, row in zip(ids, rows, strict=True)
    ]
