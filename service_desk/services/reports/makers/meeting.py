"""What both sides go through in a meeting, list by list: breaches and corrections, disputes, large losses, answers.

What happened in the period follows from when it happened. Causes, responsible people and corrections are told as they
were known when the report was made: a meeting is held on what reviews have found until then.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, and_, case, cast, func, or_, select
from sqlalchemy.orm import aliased

from service_desk.models.accounts import Branch
from service_desk.models.claims import Claim, FollowUp
from service_desk.models.db import db
from service_desk.models.disputes import Dispute
from service_desk.models.sla import BreachReview, Timer
from service_desk.models.users import User
from service_desk.rules.claim_flow import LARGE_LOSS_FEN, LOWEST_SATISFIED_SCORE, ClockStep
from service_desk.rules.disputes import IN_FAVOUR, DisputeOutcome, DisputeTopic
from service_desk.rules.metrics import Ratio
from service_desk.rules.proposals import Theme
from service_desk.rules.report_document import CellKind, Column, Name, Table, Value
from service_desk.services import access
from service_desk.services.measures import Span, history
from service_desk.services.reports.makers import parts
from service_desk.services.sla.compliance import broken_within


@dataclass(frozen=True)
class Reviewed:
    """The breaches of a period as a table, and how often reviews name each cause."""

    table: Table
    causes: Mapping[str, int]


_BREACH = (
    Column("matter_no", CellKind.TEXT),
    parts.BRANCH,
    parts.STEP,
    Column("holder", CellKind.TEXT),
    Column("was_due", CellKind.MOMENT),
    Column("done_at", CellKind.MOMENT),
    Column("over_by", CellKind.DURATION),
    Column("cause", CellKind.NAME),
    Column("responsible", CellKind.TEXT),
    Column("correction", CellKind.TEXT, is_wide=True),
    Column("corrected_at", CellKind.MOMENT),
)


def breaches(span: Span, names: Mapping[str, Name]) -> Reviewed:
    """Every promise broken in the period with what its review found."""
    holder, responsible = aliased(User), aliased(User)
    rows = db.session.execute(
        select(Timer, Branch, holder.name, BreachReview, responsible.name, access.is_about_somebody(Timer))
        .join(holder, holder.id == Timer.holder_id)
        .outerjoin(Branch, Branch.id == Timer.branch_id)
        .outerjoin(BreachReview, BreachReview.timer_id == Timer.id)
        .outerjoin(responsible, responsible.id == BreachReview.responsible_id)
        .where(*_broken(span))
        .order_by(_BROKEN_AT, Timer.id)
        .limit(parts.MOST_READ)
    ).all()
    found = [_breach(row, names) for row in rows]
    # Counted by the database: the list may be cut.
    counted = (
        select(BreachReview.cause, func.count())
        .join(Timer, Timer.id == BreachReview.timer_id)
        .where(*_broken(span))
        .group_by(BreachReview.cause)
        # Proposals keep this order: a group has none of its own, and a past quarter must read the same.
        .order_by(func.count().desc(), BreachReview.cause)
    )
    return Reviewed(
        Table("breaches", _BREACH, found, is_detail=True),
        dict(db.session.execute(counted).tuples().all()),
    )


# The instant of a breach is the due time, also where the sweep has not told it yet.
_BROKEN_AT = func.coalesce(Timer.breached_at, Timer.due_at)


def _broken(span: Span) -> list[Any]:
    """As the figures count them: told by the sweep or not."""
    return [
        Timer.account_id == span.account_id,
        Timer.step != ClockStep.BREACH_REVIEW,
        broken_within(span.instants, span.now),
    ]


def _breach(row: Any, names: Mapping[str, Name]) -> Sequence[Value]:
    timer, branch, holder, review, responsible, is_about_somebody = row
    if is_about_somebody:
        # Whom a complaint is about may read the report: it is counted there, and neither named nor told.
        cause = names.get(review.cause, Name(review.cause)) if review else None
        times = (timer.breached_at or timer.due_at, timer.stopped_at)
        over = timer.over_seconds if timer.stopped_at else None
        return ("", None, timer.step.value, None, *times, over, cause, None, None, None)
    return (
        timer.matter_number,
        parts.name_of(branch),
        timer.step.value,
        holder,
        timer.breached_at or timer.due_at,
        timer.stopped_at,
        timer.over_seconds if timer.stopped_at else None,
        names.get(review.cause, Name(review.cause)) if review else None,
        responsible,
        (review.correction or None) if review else None,
        review.corrected_at if review else None,
    )


def causes_table(counts: Mapping[str, int], names: Mapping[str, Name]) -> Table:
    """How often reviews name each cause, the commonest first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = [(names.get(code, Name(code)), count) for code, count in ordered]
    columns = (Column("cause", CellKind.NAME), Column("breaches", CellKind.COUNT))
    return Table("causes", columns, rows, (None, sum(counts.values())) if rows else None)


@dataclass(frozen=True)
class Corrections:
    """Corrections that were ordered and not reported done, and how many of them are past their day."""

    table: Table
    late: int


def open_corrections(span: Span) -> Corrections:
    """What is still to be done of all reviews of breaches until the period's end."""
    owner = aliased(User)
    rows = db.session.execute(
        select(Timer, Branch, BreachReview, owner.name, access.is_about_somebody(Timer))
        .join(BreachReview, BreachReview.timer_id == Timer.id)
        .join(owner, owner.id == BreachReview.correction_owner_id)
        .outerjoin(Branch, Branch.id == Timer.branch_id)
        .where(
            Timer.account_id == span.account_id,
            Timer.breached_at < span.until,
            BreachReview.corrected_at.is_(None),
        )
        .order_by(BreachReview.correction_due_on, Timer.id)
        .limit(parts.MOST_READ)
    ).all()
    today = span.now.astimezone(span.zone).date()
    columns = (
        Column("matter_no", CellKind.TEXT),
        parts.BRANCH,
        parts.STEP,
        Column("correction", CellKind.TEXT, is_wide=True),
        Column("correction_owner", CellKind.TEXT),
        Column("correction_due_on", CellKind.DATE),
        Column("is_late", CellKind.LABEL, "yes_no"),
    )
    found = [
        (
            "" if is_about_somebody else timer.matter_number,
            None if is_about_somebody else parts.name_of(branch),
            timer.step.value,
            "" if is_about_somebody else review.correction,
            name,
            review.correction_due_on,
            str(review.correction_due_on < today),
        )
        for timer, branch, review, name, is_about_somebody in rows
    ]
    late = sum(row[2].correction_due_on < today for row in rows)
    return Corrections(Table("open_corrections", columns, found), late)


@dataclass(frozen=True)
class Disputes:
    """The disputes of a period by topic and one by one; how many were decided, and in the client's favour."""

    by_topic: Table
    listed: Table
    decided: int
    in_favour: int


_ELSEWHERE = frozenset({DisputeOutcome.MEDIATION, DisputeOutcome.COURT})


def disputes(span: Span) -> Disputes:
    """Raised or decided in the period, or open at its end; a decision made later is not known yet."""
    until = span.until
    rows = db.session.execute(
        select(Dispute, Claim.number, Branch)
        .join(Claim, Claim.id == Dispute.claim_id)
        .join(Branch, Branch.id == Claim.branch_id)
        .where(
            Dispute.account_id == span.account_id,
            Dispute.raised_at < until,
            or_(Dispute.decided_at.is_(None), Dispute.decided_at >= span.instants[0]),
        )
        .order_by(Dispute.raised_at, Dispute.id)
    ).all()
    counts: dict[DisputeTopic, Counter[str]] = defaultdict(Counter)
    listed = []
    for dispute, claim_no, branch in rows:
        outcome = dispute.outcome if dispute.decided_at and dispute.decided_at < until else None
        counts[dispute.topic] += _counted(dispute, outcome, span)
        listed.append(_dispute(dispute, claim_no, branch, outcome))
    total = sum(counts.values(), Counter())
    columns = (
        Column("dispute_topic", CellKind.LABEL, "dispute_topic"),
        *(Column(name, CellKind.COUNT) for name in _DISPUTE_COUNTS),
    )
    by_topic = [(topic.value, *_in_columns(counts[topic])) for topic in DisputeTopic if topic in counts]
    return Disputes(
        Table("disputes_by_topic", columns, by_topic, (None, *_in_columns(total)) if by_topic else None),
        Table("disputes", _DISPUTE, listed, is_detail=True),
        decided=total["disputes_decided"],
        in_favour=total["in_favour"],
    )


_DISPUTE_COUNTS = (
    "disputes_raised",
    "disputes_decided",
    "in_favour",
    "not_right",
    "disputes_withdrawn",
    "decided_elsewhere",
    "disputes_open",
)


def _in_columns(counts: Mapping[str, int]) -> list[int]:
    return [counts[name] for name in _DISPUTE_COUNTS]


def _counted(dispute: Dispute, outcome: DisputeOutcome | None, span: Span) -> "Counter[str]":
    return Counter(
        {
            "disputes_raised": int(dispute.raised_at >= span.instants[0]),
            "disputes_decided": int(outcome is not None),
            "in_favour": int(outcome in IN_FAVOUR),
            "not_right": int(outcome is DisputeOutcome.NOT_RIGHT),
            "disputes_withdrawn": int(outcome is DisputeOutcome.WITHDRAWN),
            "decided_elsewhere": int(outcome in _ELSEWHERE),
            "disputes_open": int(outcome is None),
        }
    )


_DISPUTE = (
    Column("dispute_no", CellKind.TEXT),
    parts.CLAIM_NO,
    parts.BRANCH,
    Column("dispute_topic", CellKind.LABEL, "dispute_topic"),
    Column("raised_at", CellKind.MOMENT),
    Column("claimed", CellKind.FEN),
    Column("decided_at", CellKind.MOMENT),
    Column("outcome", CellKind.LABEL, "dispute_outcome"),
    Column("awarded", CellKind.FEN),
)


def _dispute(
    dispute: Dispute, claim_no: str, branch: Branch, outcome: DisputeOutcome | None
) -> Sequence[Value]:
    return (
        dispute.number,
        claim_no,
        parts.name_of(branch),
        dispute.topic.value,
        dispute.raised_at,
        dispute.claimed_fen,
        dispute.decided_at if outcome else None,
        outcome.value if outcome else None,
        dispute.awarded_fen if outcome else None,
    )


_LARGE = (
    parts.CLAIM_NO,
    parts.PLATE,
    parts.BRANCH,
    Column("loss_at", CellKind.MOMENT),
    Column("place", CellKind.TEXT, is_wide=True),
    Column("state", CellKind.LABEL, "claim_state"),
    Column("estimate", CellKind.FEN),
    Column("paid", CellKind.FEN),
)


def large_losses(span: Span) -> Table:
    """The claims reported in the period that were ever estimated as large by its end, as they stood then."""
    until = span.until
    rows = db.session.execute(
        select(
            Claim,
            Branch,
            history.state_at(until),
            history.estimate_at(until).label("estimate"),
            history.paid_at(until),
        )
        .join(Branch, Branch.id == Claim.branch_id)
        .where(
            *history.known(span),
            history.within(Claim.reported_at, span),
            Claim.highest_estimate_fen >= LARGE_LOSS_FEN,
            history.highest_estimate_at(until) >= LARGE_LOSS_FEN,
        )
        .order_by(history.estimate_at(until).desc(), Claim.id)
        .limit(parts.MOST_READ)
    )
    found = [
        (
            claim.number,
            claim.plate,
            parts.name_of(branch),
            claim.loss_at,
            claim.place,
            state,
            int(estimate),
            int(paid),
        )
        for claim, branch, state, estimate, paid in rows
    ]
    return Table("large_losses", _LARGE, found, is_detail=True)


@dataclass(frozen=True)
class Answers:
    """What clients answered in a period: by theme, and the bad answers one by one."""

    by_theme: Table
    bad: Table
    counts: Mapping[Theme, int]


_SCORES = {
    Theme.OVERALL: FollowUp.score,
    Theme.SPEED: FollowUp.speed,
    Theme.ATTITUDE: FollowUp.attitude,
    Theme.RESULT: FollowUp.result,
}


def answers(span: Span) -> Answers:
    """The answers given in the period, whenever their claims ended."""
    conditions = (
        FollowUp.claim_id == Claim.id,
        Claim.account_id == span.account_id,
        history.within(FollowUp.at, span),
    )
    asked = {theme: func.count(column) for theme, column in _SCORES.items()}
    asked[Theme.CALL_BACK] = func.count(FollowUp.id)
    bad = {
        theme: _sum(and_(column.is_not(None), column < LOWEST_SATISFIED_SCORE))
        for theme, column in _SCORES.items()
    }
    bad[Theme.CALL_BACK] = _sum(FollowUp.wants_call_back)
    row = db.session.execute(select(*asked.values(), *bad.values()).where(*conditions)).one()
    whole = dict(zip(asked, row[: len(asked)], strict=True))
    counts = dict(zip(bad, row[len(asked) :], strict=True))
    rows = [(theme.value, Ratio(counts[theme], whole[theme])) for theme in Theme]
    columns = (Column("theme", CellKind.LABEL, "report_theme"), Column("bad_answers", CellKind.RATIO))
    return Answers(Table("answers_by_theme", columns, rows), _bad_answers(conditions), counts)


def _sum(condition: Any) -> Any:
    return func.coalesce(cast(func.sum(case((condition, 1), else_=0)), Integer), 0)


def _bad_answers(conditions: tuple[Any, ...]) -> Table:
    rows = db.session.execute(
        select(FollowUp, Claim.number, Branch)
        .join(Claim, Claim.id == FollowUp.claim_id)
        .join(Branch, Branch.id == Claim.branch_id)
        .where(*conditions[1:], FollowUp.is_dissatisfied)
        .order_by(FollowUp.at, FollowUp.id)
        .limit(parts.MOST_READ)
    )
    columns = (
        parts.CLAIM_NO,
        parts.BRANCH,
        Column("answered_at", CellKind.MOMENT),
        *(Column(f"score_{theme.value}", CellKind.COUNT) for theme in _SCORES),
        Column("wants_call_back", CellKind.LABEL, "yes_no"),
        Column("comment", CellKind.TEXT, is_wide=True),
    )
    found = [
        (
            number,
            parts.name_of(branch),
            answer.at,
            answer.score,
            answer.speed,
            answer.attitude,
            answer.result,
            str(answer.wants_call_back),
            answer.comment or None,
        )
        for answer, number, branch in rows
    ]
    return Table("bad_answers", columns, found, is_detail=True)
