"""Premium received in a period, and what branches owe at its end, as the ledger and the statements count it."""

from collections import defaultdict
from collections.abc import Collection

from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics import Receivables
from service_desk.services.measures import history
from service_desk.services.measures.span import By, Key, Reading, Source, Span
from service_desk.services.premiums.history import open_at, received_within


def read_receivables(span: Span, codes: Collection[C], by: By | None) -> Reading:
    """By branch only: who owes premium is a branch, whatever vehicles it is for. KeyError by anything else."""
    if by is By.USE_CLASS:
        raise KeyError(*codes)
    parts: dict[Key, Receivables] = defaultdict(Receivables)
    if span.until <= span.instants[0]:
        return history.reading(parts, Receivables(), by)
    day = span.last_day
    if C.PREMIUM_RECEIVED in codes:
        for branch_id, fen in received_within(span.account_id, span.period.first, day).items():
            parts[branch_id] += Receivables(received_fen=fen)
    if {C.PREMIUM_OUTSTANDING, C.PREMIUM_OVERDUE} & frozenset(codes):
        for item in open_at(span.account_id, day):
            # The day a debt falls due is not overdue.
            overdue_fen = item.open_fen if item.due_on < day else 0
            parts[item.branch_id] += Receivables(open_fen=item.open_fen, overdue_fen=overdue_fen)
    return history.reading(parts, Receivables(), by)


SOURCES: tuple[tuple[frozenset[C], Source], ...] = ((frozenset(Receivables().measures()), read_receivables),)
