"""How the claims that ended in a period were asked after, as far as they had been by its end."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import aliased

from service_desk.models.claims import Claim, ClaimEvent, FollowUp
from service_desk.models.kept import built_once
from service_desk.rules.claim_flow import ClaimState
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import follow_up_figures
from service_desk.rules.metrics.claim_figures import Sums, Value
from service_desk.services.measures import history
from service_desk.services.measures.span import AnySpan, By, Reading, Source, Span

_BEFORE_SURVEY = [ClaimState.REPORTED.value, ClaimState.DISPATCHED.value]


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
    is_asked = or_(
        end.to_state.in_((ClaimState.CLOSED.value, ClaimState.DENIED.value)),
        and_(end.to_state == ClaimState.WITHDRAWN.value, end.from_state.not_in(_BEFORE_SURVEY)),
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
        .where(*history.known(span), history.within(end.at, span), is_asked)
    )


SOURCES: tuple[tuple[frozenset[C], Source], ...] = ((frozenset(Asked().measures()), read_asked),)
