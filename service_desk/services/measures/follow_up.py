"""How the claims that ended in a period were asked after, as far as they had been by its end."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, and_, case, func, literal, or_, select
from sqlalchemy.orm import aliased

from service_desk.models.claims import Claim, ClaimEvent, FollowUp
from service_desk.models.db import UtcDateTime, db
from service_desk.models.kept import built_once, constants
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import follow_up_figures
from service_desk.rules.metrics.claim_figures import Sums, Value
from service_desk.services.measures import history
from service_desk.services.measures.span import AnySpan, By, Reading, Source, Span
from service_desk.services.sla import compliance

_BEFORE_SURVEY = constants((ClaimState.REPORTED, ClaimState.DISPATCHED))
_ASKED_AFTER = constants((ClaimState.CLOSED, ClaimState.DENIED))


@dataclass(frozen=True)
class Asked(Sums):
    """Counts of ended claims that are to be asked after, and of the answers."""

    ended: int = 0
    followed_up: int = 0
    score_sum: int = 0
    dissatisfied: int = 0

    def measures(self) -> Mapping[C, Value]:
        """The figures by their codes."""
        figures = follow_up_figures(
            ended=self.ended,
            followed_up=self.followed_up,
            score_sum=self.score_sum,
            dissatisfied=self.dissatisfied,
        )
        return {
            C.FOLLOWED_UP: figures.followed_up,
            C.FOLLOW_UP_SCORE: figures.score,
            C.DISSATISFIED: figures.dissatisfied,
        }


def read_asked(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """Asked among those that ended in the period and had not come back by its end.

    Closed and denied claims are asked after, withdrawn ones when somebody of ours had been there. A round that was
    closed twice, because a payment came back, counts with its later answer.
    """
    names = ("ended", "followed_up", "score_sum", "dissatisfied")
    return history.reading(history.rows_by_key(_asked(span, by), Asked, names), Asked(), by)


@built_once
def _asked(span: AnySpan, by: By | None) -> Select[Any]:
    each = asked_claims(span, by).subquery()
    return select(
        each.c.key,
        func.count(),
        func.count(each.c.answer_id),
        func.sum(each.c.score),
        history.count_of(each.c.is_dissatisfied),
    ).group_by(each.c.key)


def asked_claims(span: AnySpan, by: By | None) -> Select[Any]:
    """The claims behind `read_asked`, each with its answer where there is one."""
    until, end, later = span.until, aliased(ClaimEvent), aliased(FollowUp)
    last_move = (
        select(ClaimEvent.id)
        .where(ClaimEvent.claim_id == Claim.id, ClaimEvent.at < until, history.is_move())
        .order_by(ClaimEvent.at.desc(), ClaimEvent.id.desc())
        .limit(1)
        .correlate(Claim)
        .scalar_subquery()
    )
    last_answer = (
        select(func.max(later.id))
        .where(later.claim_id == end.claim_id, later.round == end.round, later.at < until)
        .correlate(end)
        .scalar_subquery()
    )
    return (
        history.keyed(
            by,
            Claim.id.label("claim_id"),
            FollowUp.id.label("answer_id"),
            FollowUp.score.label("score"),
            FollowUp.is_dissatisfied.label("is_dissatisfied"),
        )
        .join(end, end.id == last_move)
        .outerjoin(FollowUp, FollowUp.id == last_answer)
        .where(*history.known(span), history.within(end.at, span), _is_asked(end))
    )


def asked_of_parts(span: Span, parts: Sequence[tuple[datetime, datetime]]) -> dict[tuple[int, int], Asked]:
    """What `read_asked` counts of each part of the span, by branch, in one statement.

    The last move of a claim before the end of a part, when it lies in the part, is its last move within it.
    """
    moves, later = _last_moves(span, parts), aliased(FollowUp)
    ends = [literal(min(end, span.until), UtcDateTime) for _start, end in parts]
    until = case(*((moves.c.part == number, end) for number, end in enumerate(ends)), else_=ends[-1])
    last_answer = (
        select(func.max(later.id))
        .where(later.claim_id == moves.c.claim_id, later.round == moves.c.round, later.at < until)
        .correlate(moves)
        .scalar_subquery()
    )
    statement = (
        select(
            moves.c.part,
            moves.c.key,
            func.count(),
            func.count(FollowUp.id),
            func.sum(FollowUp.score),
            history.count_of(FollowUp.is_dissatisfied),
        )
        .select_from(moves)
        .outerjoin(FollowUp, FollowUp.id == last_answer)
        .where(moves.c.rank == 1, _is_asked(moves.c))
        .group_by(moves.c.part, moves.c.key)
    )
    return {
        (part, key): Asked(*(int(count or 0) for count in counts))
        for part, key, *counts in db.session.execute(statement)
    }


def _last_moves(span: Span, parts: Sequence[tuple[datetime, datetime]]) -> Subquery:
    at: ColumnElement[datetime] = ClaimEvent.at.expression
    part = compliance.in_parts(at, parts)
    rank = func.row_number().over(
        partition_by=[ClaimEvent.claim_id, part], order_by=[ClaimEvent.at.desc(), ClaimEvent.id.desc()]
    )
    return (
        history.keyed(
            By.BRANCH,
            ClaimEvent.claim_id,
            ClaimEvent.round,
            ClaimEvent.from_state,
            ClaimEvent.to_state,
            part.label("part"),
            rank.label("rank"),
        )
        .join(ClaimEvent, ClaimEvent.claim_id == Claim.id)
        .where(*history.known(span), history.within(ClaimEvent.at, span), history.is_move())
        .subquery()
    )


def _is_asked(end: Any) -> ColumnElement[bool]:
    """Closed and denied claims are asked after, withdrawn ones when somebody of ours had been there."""
    return or_(
        end.to_state.in_(_ASKED_AFTER),
        and_(end.to_state == ClaimState.WITHDRAWN.value, end.from_state.not_in(_BEFORE_SURVEY)),
    )


SOURCES: tuple[tuple[frozenset[C], Source], ...] = ((frozenset(Asked().measures()), read_asked),)
