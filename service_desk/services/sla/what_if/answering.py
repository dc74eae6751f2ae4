"""The answer: compliance as it was and as it would have been, and what promise would have been kept how often."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import select

from service_desk.models.accounts import Branch
from service_desk.models.db import db
from service_desk.models.sla import Timer
from service_desk.models.users import User
from service_desk.rules.calendar.openings import seconds_of
from service_desk.rules.metrics import Ratio
from service_desk.rules.periods import Cut, Period, cut
from service_desk.rules.sla import Target, TargetUnit
from service_desk.rules.sla.what_if import least_promise
from service_desk.services.sla.compliance import Dimension, Verdicts
from service_desk.services.sla.compliance.grouping import lines
from service_desk.services.sla.compliance.wanted import Scope, counted, seen
from service_desk.services.sla.what_if.columns import NO_BRANCH, Columns, Numbers, read_columns
from service_desk.services.sla.what_if.comparing import Comparison, Flip, compare, flips_of
from service_desk.services.sla.what_if.judging import UNKNOWN, Judged, judge, unit_of, working_day_of
from service_desk.services.sla.what_if.question import Question, open_question

SHARES = (90, 95, 99)


@dataclass(frozen=True)
class Part:
    """One line of a table: a month as far as the period goes, or a branch with all below it (None: of no branch)."""

    key: Period | Branch | None
    compared: Comparison


@dataclass(frozen=True)
class Need:
    """What promise so many percent would have kept, in the answer's unit; None while too many are still open."""

    percent: int
    least: int | None


@dataclass(frozen=True)
class Flipped:
    """The clocks whose verdict flips, latest judged first; when they would have been due, in seconds since 1970."""

    ids: Numbers
    due: Numbers
    over: Numbers
    flips: Sequence[Flip]


@dataclass(frozen=True)
class Answer:
    """What there is to say but for the cases themselves (`list_cases`).

    `needs` is in days when `unit` is calendar days, else in seconds of working time; empty when the clocks differ
    in that, and `unit` is None. `day_seconds` is the calendars' working day, where they agree in it.
    `worst_over` is the longest overrun by the other promise in seconds, 0 for none.
    """

    whole: Comparison
    months: Sequence[Part]
    branches: Sequence[Part]
    worst_over: int
    needs: Sequence[Need]
    unit: TargetUnit | None
    day_seconds: int | None
    flipped: Flipped

    @property
    def cases(self) -> int:
        return self.whole.was.whole


def ask(question: Question, *, actor: User, now: datetime) -> Answer:
    """Judge the past again; Invalid as `open_question` says, and calendar_runs_out."""
    scope = open_question(question, actor=actor, now=now)
    columns = read_columns(scope, question)
    judged = judge(columns, question)
    unit = unit_of(judged.promises)
    return Answer(
        whole=compare(columns, judged, np.zeros(len(columns), np.int64), 1)[0],
        months=_months(columns, judged, scope),
        branches=_branches(columns, judged, scope),
        worst_over=int(judged.over[~judged.would_keep].max(initial=0)),
        needs=[] if unit is None else [Need(share, _least(judged.needs, share)) for share in SHARES],
        unit=unit,
        day_seconds=working_day_of(judged.promises),
        flipped=_flipped(columns, judged, scope),
    )


@dataclass(frozen=True)
class PromiseTrial:
    """A promise and stricter ones over the same clocks: kept as it was, and by each; what would have been enough.

    `needs` as in `Answer`; empty when the clocks differ in how they are counted, and `unit` is None.
    """

    was: Ratio
    would: Sequence[tuple[Target, Ratio]]
    needs: Sequence[Need]
    unit: TargetUnit | None


def try_promise(scope: Scope, level_id: int, own: Target, others: Sequence[Target]) -> PromiseTrial:
    """The clocks of one level judged by its own promise and by others, for no actor: what reports show.

    Its clocks are read once, whatever is tried.
    """
    asked = Question(scope.wanted, level_id, own)
    columns = read_columns(scope, asked)
    group = np.zeros(len(columns), np.int64)
    judged = judge(columns, asked)
    unit = unit_of(judged.promises)
    would = [
        (target, compare(columns, judge(columns, replace(asked, target=target)), group, 1)[0].would)
        for target in others
    ]
    return PromiseTrial(
        was=compare(columns, judged, group, 1)[0].was,
        would=would,
        needs=[] if unit is None else [Need(share, _least(judged.needs, share)) for share in SHARES],
        unit=unit,
    )


def _months(columns: Columns, judged: Judged, scope: Scope) -> list[Part]:
    """From the first month with a case to the last."""
    months = cut(scope.wanted.period, Cut.MONTH, scope.today)
    starts = np.array([seconds_of(month.instants(scope.zone)[0]) for month in months], np.int64)
    group = np.searchsorted(starts, columns.counted, side="right") - 1
    compared = compare(columns, judged, group, len(months))
    known = np.flatnonzero([one.was.whole for one in compared])
    found = slice(known[0], known[-1] + 1) if len(known) else slice(0)
    return [Part(month, one) for month, one in zip(months[found], compared[found], strict=True)]


def _branches(columns: Columns, judged: Judged, scope: Scope) -> list[Part]:
    """In the order in which compliance lists them."""
    found, group = np.unique(columns.branch, return_inverse=True)
    codes = [None if code == NO_BRANCH else int(code) for code in found]
    compared = dict(zip(codes, compare(columns, judged, group, len(codes)), strict=True))
    rows = db.session.scalars(select(Branch).where(Branch.id.in_([code for code in codes if code])))
    branches = {branch.id: branch for branch in rows}
    ordered = [code for code, _key, _narrowed in lines(scope, Dimension.BRANCH, codes)]
    return [Part(branches.get(code), compared[code]) for code in ordered]


def _least(needs: Numbers, percent: int) -> int | None:
    least = least_promise(needs, percent) if len(needs) else UNKNOWN
    return None if least == UNKNOWN else least


def _flipped(columns: Columns, judged: Judged, scope: Scope) -> Flipped:
    """A complaint about whoever asks is in the counts and not among the cases."""
    hidden = list(db.session.scalars(select(Timer.id).where(*counted(scope, Verdicts.JUDGED), ~seen(scope))))
    names = np.full(len(columns), "", dtype=object)
    for flip, which in flips_of(columns, judged).items():
        names[which] = flip
    rows = np.flatnonzero((names != "") & ~np.isin(columns.ids, hidden))
    rows = rows[np.lexsort((columns.ids[rows], columns.counted[rows]))[::-1]]
    return Flipped(columns.ids[rows], judged.due[rows], judged.over[rows], names[rows].tolist())
