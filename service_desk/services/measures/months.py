"""Measures of months that adjoin, as `read` says them of each: where one statement can say all months, in one.

Those of clocks, surveys, follow-ups and cover, and what came and left, are counted for all months at once. The others
are read month by month, a fixed number of queries each; nothing grows with the rows.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from service_desk.rules.claim_flow import ClockStep
from service_desk.rules.metrics import Cover, Ratio
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics.claim_figures import Flow
from service_desk.rules.periods import Period
from service_desk.services.measures import claims, cover, follow_up, service
from service_desk.services.measures.reading import read
from service_desk.services.measures.span import By, Key, Reading, Span, Value
from service_desk.services.sla import compliance
from service_desk.services.sla.compliance import Figures

# By month, by code.
_Totals = list[dict[C, Value]]
# By month, by branch, by code.
_Groups = list[dict[Key, dict[C, Value]]]


@dataclass(frozen=True)
class Months:
    """A reading of each month, the oldest first, and how the clock of each step was kept: in all, and by branch."""

    periods: Sequence[Period]
    readings: Sequence[Reading]
    steps: Sequence[Mapping[ClockStep, Ratio]]
    steps_by_branch: Sequence[Mapping[Key, Mapping[ClockStep, Ratio]]]


def read_months(span: Span, parts: Sequence[Period], codes: Collection[C], by: By | None = None) -> Months:
    """The figures of each month; the span's own period is not asked. Grouped by branch, or not at all."""
    if by is By.USE_CLASS:
        raise KeyError(*codes)
    totals: _Totals = [{} for _part in parts]
    groups: _Groups = [defaultdict(dict) for _part in parts]
    clocks = compliance.count_steps_of_parts(span.account_id, parts, zone=span.zone, now=span.now)
    wanted = frozenset(codes)
    for known, source in _TOGETHER:
        if known & wanted:
            _take(source(span, parts, _Asked(known & wanted, clocks)), known & wanted, totals, groups)
    rest = [code for code in codes if code not in _AT_ONCE]
    for number, part in enumerate(parts if rest else ()):
        found = read(replace(span, period=part), rest, by)
        totals[number] |= found.total
        for key, values in found.groups.items():
            groups[number][key] |= values
    readings = [Reading(total, group if by else {}) for total, group in zip(totals, groups, strict=True)]
    return Months(parts, readings, *_steps(clocks, len(parts)))


_Clocks = Mapping[tuple[int, ClockStep, int | None], Figures]


@dataclass(frozen=True)
class _Asked:
    """What a source is asked for, and the counts of clocks that were read already."""

    codes: frozenset[C]
    clocks: _Clocks


# What a source finds: by month and branch, values that add up. None is the key of matters of no branch.
_Found = Sequence[Mapping[Any, Mapping[C, Value]]]


def _take(found: _Found, codes: Collection[C], totals: _Totals, groups: _Groups) -> None:
    for number, by_branch in enumerate(found):
        for key, values in by_branch.items():
            for code in codes:
                totals[number][code] = _plus(totals[number].get(code), values[code])
                if key is not None:
                    groups[number][key][code] = values[code]


def _plus(one: Value, other: Value) -> Value:
    return other if one is None else one + other  # type: ignore[operator]


def _steps(clocks: _Clocks, number: int) -> tuple[list[dict[ClockStep, Ratio]], list[Any]]:
    totals: list[dict[ClockStep, Ratio]] = [defaultdict(Ratio) for _part in range(number)]
    groups: list[dict[Key, dict[ClockStep, Ratio]]] = [
        defaultdict(lambda: defaultdict(Ratio)) for _part in range(number)
    ]
    for (part, step, branch_id), figures in clocks.items():
        totals[part][step] += figures.kept
        if branch_id is not None:
            groups[part][branch_id][step] += figures.kept
    return totals, groups


def _promises(_span: Span, parts: Sequence[Period], asked: _Asked) -> _Found:
    """What `service.read_promises` and `service.read_surveys` say, of the counts there are already."""
    found: list[dict[Any, dict[C, Any]]] = [{None: _no_clocks()} for _part in parts]
    for (part, step, branch_id), figures in asked.clocks.items():
        values = found[part].setdefault(branch_id, _no_clocks())
        values[C.PROMISES_KEPT] += figures.kept
        values[C.BREACHES] += figures.breached
        if step is ClockStep.SURVEY:
            values[C.SURVEYED_IN_TIME] += figures.kept
    return found


def _no_clocks() -> dict[C, Any]:
    return {C.PROMISES_KEPT: Ratio(), C.BREACHES: 0, C.SURVEYED_IN_TIME: Ratio()}


def _first_scene(span: Span, parts: Sequence[Period], _asked: _Asked) -> _Found:
    whole, instants = _whole(span, parts)
    found: list[dict[Any, dict[C, Value]]] = [{None: {C.FIRST_SCENE: Ratio()}} for _part in parts]
    for (part, branch_id), rate in service.first_scene_of_parts(whole, instants).items():
        found[part][branch_id] = {C.FIRST_SCENE: rate}
    return found


def _flow(span: Span, parts: Sequence[Period], _asked: _Asked) -> _Found:
    """Opening balances follow from what came and left before."""
    came = claims.flow_of_parts(*_whole(span, parts))
    found: list[dict[Any, dict[C, Value]]] = [{None: dict(Flow().measures())} for _part in parts]
    for key, flows in came.items():
        open_start = 0
        for number, flow in enumerate(flows):
            whole = replace(flow, open_start=flow.open_start + open_start)
            found[number][key] = dict(whole.measures())
            open_start = whole.open_end
    return found


def _follow_ups(span: Span, parts: Sequence[Period], _asked: _Asked) -> _Found:
    whole, instants = _whole(span, parts)
    nothing = dict(follow_up.Asked().measures())
    found: list[dict[Any, dict[C, Value]]] = [{None: nothing} for _part in parts]
    for (part, branch_id), counts in follow_up.asked_of_parts(whole, instants).items():
        found[part][branch_id] = dict(counts.measures())
    return found


def _cover(span: Span, parts: Sequence[Period], asked: _Asked) -> _Found:
    nothing = dict(Cover().measures())
    return [
        {None: nothing, **{key: dict(one.measures()) for key, one in covers.items()}}
        for covers in cover.cover_of_parts(span, parts, asked.codes)
    ]


def _whole(span: Span, parts: Sequence[Period]) -> tuple[Span, list[tuple[datetime, datetime]]]:
    period = Period(parts[0].first, parts[-1].last)
    return replace(span, period=period), [part.instants(span.zone) for part in parts]


_Together = Callable[[Span, Sequence[Period], _Asked], _Found]
_TOGETHER: Sequence[tuple[frozenset[C], _Together]] = (
    (frozenset(_no_clocks()), _promises),
    (frozenset({C.FIRST_SCENE}), _first_scene),
    (frozenset(Flow().measures()), _flow),
    (frozenset(follow_up.Asked().measures()), _follow_ups),
    (frozenset(Cover().measures()), _cover),
)
_AT_ONCE = frozenset(chain.from_iterable(known for known, _source in _TOGETHER))
