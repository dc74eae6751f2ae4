"""Asks the word each measure belongs to, once for all measures of that word."""

from collections.abc import Collection, Sequence

from service_desk.rules.metrics import MeasureCode
from service_desk.services.measures import (
    claims,
    cover,
    enquiries,
    follow_up,
    money,
    premium,
    receivables,
    reserves,
    service,
    speed,
)
from service_desk.services.measures.span import By, Key, Reading, Source, Span, Value

_SOURCES: Sequence[tuple[frozenset[MeasureCode], Source]] = (
    *claims.SOURCES,
    *money.SOURCES,
    *reserves.SOURCES,
    *speed.SOURCES,
    *service.SOURCES,
    *follow_up.SOURCES,
    *enquiries.SOURCES,
    *premium.SOURCES,
    *cover.SOURCES,
    *receivables.SOURCES,
)


def read(span: Span, codes: Collection[MeasureCode], by: By | None = None) -> Reading:
    """The measures of a span, and by group when asked. KeyError for a measure no source knows or cannot group."""
    total: dict[MeasureCode, Value] = {}
    groups: dict[Key, dict[MeasureCode, Value]] = {}
    for known, source in _SOURCES:
        wanted = known & frozenset(codes)
        if not wanted:
            continue
        found = source(span, wanted, by)
        total |= {code: found.total[code] for code in wanted}
        for key, values in found.groups.items():
            groups.setdefault(key, {}).update({code: values[code] for code in wanted if code in values})
    missing = [code for code in codes if code not in total]
    if missing:
        raise KeyError(*missing)
    return Reading(total, groups)
