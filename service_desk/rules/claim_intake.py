"""Taking a report: when it is late, when two reports may be one accident, whether the dates follow each other."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from service_desk.base.text import fold
from service_desk.rules.identifiers import is_plate, normalise_plate

LATE_AFTER = timedelta(hours=48)
"""The insured tells within 48 hours (2014 model clause arts. 13, 36). Later is noted, never refused: the claim is
lost only as far as its cause cannot be found out any more (Insurance Law art. 21)."""

NEAR_IN_TIME = timedelta(hours=24)
"""Two losses of one vehicle no farther apart than this may be one accident told twice."""

# A plate within other words: digits and letters that go on before or after it would make it another word.
_PLATE_LIKE = re.compile(
    "[\u4e00-\u9fff][A-Z][A-Z0-9]{5,6}[挂学警港澳]?|[\u4e00-\u9fff][A-Z][A-Z0-9]{4}[挂学警港澳]"
)


class Likeness(StrEnum):
    """Why an earlier claim may be about the same accident."""

    SAME_VEHICLE = "same_vehicle"
    SAME_OTHER_PARTY = "same_other_party"
    EACH_OTHER = "each_other"


@dataclass(frozen=True)
class Accident:
    """What two reports are compared by. Plates are normalised; `other_plates` stand in what the other side is called."""

    loss_at: datetime
    plate: str
    vehicle_id: int
    other_plates: frozenset[str]


def is_late(loss_at: datetime, reported_at: datetime) -> bool:
    """Whether a report came after the time the insured has for it. The last instant still counts as in time."""
    return reported_at - loss_at > LATE_AFTER


def plates_in(text: str) -> frozenset[str]:
    """The plates within what the other side is called (`豫V·D2035 小型轿车, 张先生`), normalised."""
    words = normalise_plate(fold(text))
    return frozenset(
        plate
        for match in _PLATE_LIKE.finditer(words)
        for plate in (match.group(), match.group()[:7])
        if is_plate(plate)
    )


def likeness(one: Accident, other: Accident) -> Likeness | None:
    """Why two reports may be about one accident; None when nothing speaks for it."""
    if abs(one.loss_at - other.loss_at) > NEAR_IN_TIME:
        return None
    if one.vehicle_id == other.vehicle_id:
        return Likeness.SAME_VEHICLE
    if one.plate in other.other_plates or other.plate in one.other_plates:
        return Likeness.EACH_OTHER
    if one.other_plates & other.other_plates:
        return Likeness.SAME_OTHER_PARTY
    return None


def hit_each_other(accidents: Collection[Accident]) -> bool:
    """Whether one of these vehicles is the other side of another."""
    own = {accident.plate for accident in accidents}
    return any(own & (accident.other_plates - {accident.plate}) for accident in accidents)


ORDER_OF_DATES = ("loss_at", "reported_at", "arrived_at", "surveyed_at", "closed_at")
"""The instants of a claim in the order they can only come in. `closed_at` speaks of the present round."""


def out_of_order(dates: dict[str, datetime | None]) -> list[tuple[str, str]]:
    """Pairs of instants that stand the wrong way round, to be listed and asked about, never mended silently."""
    known = [(name, at) for name in ORDER_OF_DATES if (at := dates.get(name)) is not None]
    # People type whole minutes; what lies within the same one is in order.
    return [
        (earlier, later)
        for (earlier, first), (later, second) in pairwise(known)
        if second < first.replace(second=0, microsecond=0)
    ]
