"""How promises were kept: the figures of the compliance page, and of the survey's arrival at the scene."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, or_
from sqlalchemy.orm import aliased

from service_desk.models.claim_papers import ClaimChecklist
from service_desk.models.claims import Claim, Survey
from service_desk.models.db import db
from service_desk.models.kept import built_once
from service_desk.rules.claim_documents import ClaimFeature
from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.claim_intake import is_late
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Ratio, first_scene_rate
from service_desk.services.measures import history
from service_desk.services.measures.span import AnySpan, By, Key, Reading, Source, Span, Value
from service_desk.services.sla import compliance

_GLASS_ALONE = [ClaimFeature.GLASS.value]


def read_promises(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """Kept among judged, and broken, of all steps but the desk's own reviews."""
    counts = compliance.count_each(_wanted(span), zone=span.zone, now=span.now)
    return _reading(
        {key: {C.PROMISES_KEPT: one.kept, C.BREACHES: one.breached} for key, one in counts.items()},
        {C.PROMISES_KEPT: Ratio(), C.BREACHES: 0},
        by,
    )


def read_step(code: C, step: ClockStep) -> Source:
    """The source of kept among judged of one step alone."""

    def read(span: Span, _codes: Collection[C], by: By | None) -> Reading:
        wanted = compliance.ComplianceFilter(span.account_id, span.period, step=step)
        counts = compliance.count_each(wanted, zone=span.zone, now=span.now)
        parts = {key: {code: one.kept} for key, one in counts.items()}
        return _reading(parts, {code: Ratio()}, by)

    return read


def read_standing(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """Broken without a review and late at the end of the period; at risk now, whatever the period."""
    counts = compliance.stand_each(span.account_id, at=span.until, now=span.now)
    parts = {
        key: {
            C.BREACHES_UNREVIEWED: one.unreviewed,
            C.CLOCKS_AT_RISK: one.at_risk,
            C.CLOCKS_LATE: one.late,
        }
        for key, one in counts.items()
    }
    return _reading(parts, {C.BREACHES_UNREVIEWED: 0, C.CLOCKS_AT_RISK: 0, C.CLOCKS_LATE: 0}, by)


def _wanted(span: Span) -> compliance.ComplianceFilter:
    return compliance.ComplianceFilter(span.account_id, span.period)


def _reading(
    parts: Mapping[int | None, Mapping[C, Value]], nothing: Mapping[C, Value], by: By | None
) -> Reading:
    """Added up code by code. Clocks of matters of no branch are in the whole alone. They know no vehicle."""
    if by is By.USE_CLASS:
        raise KeyError(*nothing)
    total = dict(nothing)
    for values in parts.values():
        for code, value in values.items():
            total[code] = total[code] + value  # type: ignore[operator]
    groups: dict[Key, Mapping[C, Value]] = {key: values for key, values in parts.items() if key is not None}
    return Reading(total, groups if by else {})


def read_first_scene(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """First surveys of the period among claims that could be surveyed at the scene.

    What was reported more than 48 hours after the loss cannot be, and broken glass alone need not.
    """
    found: dict[Key, list[tuple[bool, bool]]] = defaultdict(list)
    for key, loss_at, reported_at, is_first in _first_surveys(span, by).rows():
        found[key].append((not is_late(loss_at, reported_at), is_first))
    rates = {key: first_scene_rate(surveys) for key, surveys in found.items()}
    groups = {key: {C.FIRST_SCENE: rate} for key, rate in rates.items()} if by else {}
    return Reading({C.FIRST_SCENE: sum(rates.values(), Ratio())}, groups)


@built_once
def _first_surveys(span: AnySpan, by: By | None) -> Select[Any]:
    return _surveyed_first(span, by)


def first_scene_of_parts(
    span: Span, parts: Sequence[tuple[datetime, datetime]]
) -> dict[tuple[int, int], Ratio]:
    """The same by part of the span and branch, in one statement."""
    at: ColumnElement[datetime] = Survey.recorded_at.expression
    found: dict[tuple[int, int], list[tuple[bool, bool]]] = defaultdict(list)
    statement = _surveyed_first(span, By.BRANCH, compliance.in_parts(at, parts))
    for branch_id, part, loss_at, reported_at, is_first in db.session.execute(statement):
        found[part, branch_id].append((not is_late(loss_at, reported_at), is_first))
    return {key: first_scene_rate(surveys) for key, surveys in found.items()}


def _surveyed_first(span: AnySpan, by: By | None, *before: Any) -> Select[Any]:
    earlier = aliased(Survey)
    is_later = exists().where(earlier.claim_id == Survey.claim_id, earlier.id < Survey.id)
    return (
        history.keyed(by, *before, Claim.loss_at, Claim.reported_at, Survey.is_first_scene)
        .join(Survey, Survey.claim_id == Claim.id)
        .outerjoin(ClaimChecklist, ClaimChecklist.claim_id == Claim.id)
        .where(
            *history.known(span),
            # Not by the round: a claim that was withdrawn before anybody went there is surveyed first in a later one.
            ~is_later,
            history.within(Survey.recorded_at, span),
            or_(ClaimChecklist.id.is_(None), ClaimChecklist.features != _GLASS_ALONE),
        )
    )


SOURCES: tuple[tuple[frozenset[C], Source], ...] = (
    (frozenset({C.PROMISES_KEPT, C.BREACHES}), read_promises),
    (frozenset({C.SURVEYED_IN_TIME}), read_step(C.SURVEYED_IN_TIME, ClockStep.SURVEY)),
    (frozenset({C.BREACHES_UNREVIEWED, C.CLOCKS_AT_RISK, C.CLOCKS_LATE}), read_standing),
    (frozenset({C.FIRST_SCENE}), read_first_scene),
)
