"""Premium written and earned in a period, and how the claims reported in it compare with it.

A claim counts in the period of its report, with what it comes to by the period's end, so that every claim is in one
period and a period that is over does not change.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select

from service_desk.models.claims import Claim
from service_desk.models.kept import built_once
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Results
from service_desk.rules.underwriting import Act, figures_by
from service_desk.rules.vocabulary import UseClass
from service_desk.services.measures import history
from service_desk.services.measures.span import AnySpan, By, Key, Reading, Source, Span
from service_desk.services.policies.book import BookLine, Stand, exposure_by, read_book
from service_desk.services.policies.written import acts_of

_ALL: Key = 0
_OF_ACTS = frozenset(
    {
        C.POLICIES_ISSUED,
        C.WRITTEN_PREMIUM,
        C.ENDORSEMENT_PREMIUM,
        C.RETURNED_PREMIUM,
        C.SIMPLE_LOSS_RATIO,
    }
)
_OF_EARNED = frozenset({C.EARNED_PREMIUM, C.EARNED_LOSS_RATIO})
_OF_EXPOSED = frozenset({C.CLAIM_FREQUENCY})
_OF_LOSSES = frozenset(
    {C.REPORTED_LOSS, C.EARNED_LOSS_RATIO, C.SIMPLE_LOSS_RATIO, C.CLAIM_FREQUENCY, C.AVERAGE_LOSS}
)


def read_results(span: Span, codes: Collection[C], by: By | None) -> Reading:
    """Of what is asked for only what it takes is read."""
    if span.until <= span.instants[0]:
        return history.reading({}, Results(), by)
    asked = frozenset(codes)
    parts: dict[Key, Results] = defaultdict(Results)
    counts = [
        count(span, by) for known, count in ((_OF_ACTS, _written), (_OF_LOSSES, _losses)) if known & asked
    ]
    if asked & (_OF_EARNED | _OF_EXPOSED):
        lines = read_book(span.account_id, *stands_of(span))
        counts.append(_earned(lines, by))
        if asked & _OF_EXPOSED:
            counts.append(_exposed(lines, by))
    for counted in counts:
        for key, part in counted.items():
            parts[key] += part
    return history.reading(parts, Results(), by)


def _written(span: Span, by: By | None) -> dict[Key, Results]:
    """As the page of the month counts it (`rules.underwriting`)."""

    def key_of(act: Act) -> Key:
        return _key(by, act.branch_id, act.use_class)

    found = figures_by(acts_of(span.account_id, (span.instants[0], span.until)), key_of)
    return {
        key: Results(
            policies=one.policies,
            written_fen=one.written_fen,
            endorsed_fen=one.endorsed_fen,
            returned_fen=one.cancelled_fen,
        )
        for key, one in found.items()
    }


def _earned(lines: Sequence[BookLine], by: By | None) -> dict[Key, Results]:
    earned: dict[Key, int] = defaultdict(int)
    for line in lines:
        earned[_key(by, line.branch_id, line.use_class)] += line.earned_fen
    return {key: Results(earned_fen=fen) for key, fen in earned.items()}


def _exposed(lines: Sequence[BookLine], by: By | None) -> dict[Key, Results]:
    exposed = exposure_by(lines, lambda line: _key(by, line.branch_id, line.use_class))
    return {key: Results(exposed=units) for key, units in exposed.items()}


def stands_of(span: Span) -> tuple[Stand, Stand]:
    """From where to where the book is read for a period; the day that runs has earned nothing yet."""
    on = max(span.last_whole_day + timedelta(days=1), span.period.first)
    return Stand(span.instants[0], span.period.first), Stand(span.until, on)


def _losses(span: Span, by: By | None) -> dict[Key, Results]:
    return history.rows_by_key(_count_losses(span, by), Results, ("claims", "loss_fen"))


@built_once
def _count_losses(span: AnySpan, by: By | None) -> Select[Any]:
    each = reported_losses(span, by).subquery()
    return select(each.c.key, func.count(), history.sum_of(each.c.loss_fen)).group_by(each.c.key)


def reported_losses(span: AnySpan, by: By | None) -> Select[Any]:
    """The claims reported in the period, each with what it comes to by the period's end."""
    columns = (Claim.id.label("claim_id"), loss_at(span.until).label("loss_fen"))
    return history.keyed(by, *columns).where(*history.known(span), history.within(Claim.reported_at, span))


def loss_at(at: datetime) -> ColumnElement[int]:
    """What a claim comes to at an instant: once it has ended what was paid, before that its reserve with what is paid."""
    return case((history.is_open_at(at), history.estimate_at(at)), else_=history.paid_at(at))


def _key(by: By | None, branch_id: int, use_class: UseClass | str | None) -> Key:
    if by is By.BRANCH:
        return branch_id
    if by is By.USE_CLASS:
        return str(use_class or "")
    return _ALL


SOURCES: tuple[tuple[frozenset[C], Source], ...] = (
    (_OF_ACTS | _OF_EARNED | _OF_EXPOSED | _OF_LOSSES, read_results),
)
