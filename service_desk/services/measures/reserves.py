"""The reserve ledger rolled forward over a period, as the page of reserves shows it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, func

from service_desk.models.claims import Claim
from service_desk.models.kept import built_once, constants
from service_desk.models.reserves import ReserveMovement
from service_desk.rules.metrics import MeasureCode as C
from service_desk.rules.metrics.claim_figures import Sums, Value
from service_desk.rules.reserve_ledger import LEAVING, MovementKind, roll
from service_desk.services.measures import history
from service_desk.services.measures.span import AnySpan, By, Reading, Source, Span


@dataclass(frozen=True)
class Movements(Sums):
    """What was outstanding at the start, and what moved since, by kind."""

    opening: int = 0
    new: int = 0
    reopened: int = 0
    increase: int = 0
    decrease: int = 0
    divided: int = 0
    paid: int = 0
    released: int = 0

    def measures(self) -> Mapping[C, Value]:
        """The figures by their codes. What was divided within claims is nought of every whole claim."""
        rolled = roll(self.opening, {kind: getattr(self, kind.value) for kind in MovementKind})
        return {
            C.RESERVE_OPEN: rolled.opening_fen,
            C.RESERVE_NEW: rolled.new_fen,
            C.RESERVE_REOPENED: rolled.reopened_fen,
            C.RESERVE_INCREASE: rolled.increase_fen,
            C.RESERVE_DECREASE: rolled.decrease_fen,
            C.RESERVE_PAID: rolled.paid_fen,
            C.RESERVE_RELEASED: rolled.released_fen,
            C.RESERVE_CLOSE: rolled.closing_fen,
        }


def read_roll(span: Span, _codes: Collection[C], by: By | None) -> Reading:
    """The roll-forward. It adds up: open + new + reopened + increase − decrease − paid − released = close."""
    names = ("opening", *(one.value for one in MovementKind))
    return history.reading(history.rows_by_key(_rolled(span, by), Movements, names), Movements(), by)


@built_once
def _rolled(span: AnySpan, by: By | None) -> Select[Any]:
    at, kind, fen = ReserveMovement.at, ReserveMovement.kind, ReserveMovement.amount_fen
    start = span.instants[0]
    effect = case((kind.in_(constants(sorted(LEAVING))), -fen), else_=fen)
    sums = [history.sum_of(fen, and_(at >= start, kind == one)) for one in MovementKind]
    return (
        history.keyed(by, func.sum(case((at < start, effect), else_=0)), *sums)
        .join(ReserveMovement, ReserveMovement.claim_id == Claim.id)
        .where(*history.known(span, or_denied=True), at < span.until)
        .group_by("key")
    )


SOURCES: tuple[tuple[frozenset[C], Source], ...] = ((frozenset(Movements().measures()), read_roll),)
