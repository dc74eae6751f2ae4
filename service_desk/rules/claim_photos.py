"""Photos of a claim: what they are of, and what about one should make a reader look twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt

EARTH_RADIUS_M = 6_371_000

TAKEN_BEFORE = timedelta(hours=1)
"""A photo older than the loss by more than this is no photo of it; less may be a clock that goes wrong."""

FAR_M = 2_000
"""Farther from the reported place than this, beyond what both positions are inexact by, is worth a look."""


class PhotoGroup(StrEnum):
    """What a photo is of, in the order a survey takes them."""

    SCENE = "scene"
    PLATE = "plate"
    VIN = "vin"
    DAMAGE = "damage"
    PAPERS = "papers"


class PhotoWarning(StrEnum):
    """Hints, never refusals: each may have a good reason."""

    TAKEN_BEFORE_LOSS = "taken_before_loss"
    FAR_FROM_PLACE = "far_from_place"
    SEEN_ELSEWHERE = "seen_elsewhere"


@dataclass(frozen=True)
class Position:
    """A point in WGS 84 degrees; `accuracy_m` is the radius it is exact to, None when nobody said."""

    latitude: float
    longitude: float
    accuracy_m: int | None = None


@dataclass(frozen=True)
class PhotoFacts:
    """What is known of one photo; None for what its file does not say."""

    taken_at: datetime | None
    position: Position | None
    is_elsewhere: bool = False


def distance_m(one: Position, other: Position) -> int:
    """Metres between two points along the surface (haversine; exact to half a per cent)."""
    lat1, lat2 = radians(one.latitude), radians(other.latitude)
    half_lat, half_lon = (lat2 - lat1) / 2, radians(other.longitude - one.longitude) / 2
    chord = sin(half_lat) ** 2 + cos(lat1) * cos(lat2) * sin(half_lon) ** 2
    return round(2 * EARTH_RADIUS_M * asin(min(1.0, sqrt(chord))))


def is_far(one: Position, other: Position) -> bool:
    """Whether two points lie apart by more than FAR_M and what they are inexact by."""
    return distance_m(one, other) > FAR_M + (one.accuracy_m or 0) + (other.accuracy_m or 0)


def warnings(photo: PhotoFacts, loss_at: datetime, place: Position | None) -> tuple[PhotoWarning, ...]:
    """What a reader should look at twice, in a fixed order."""
    found = []
    if photo.taken_at is not None and photo.taken_at < loss_at - TAKEN_BEFORE:
        found.append(PhotoWarning.TAKEN_BEFORE_LOSS)
    if photo.position is not None and place is not None and is_far(photo.position, place):
        found.append(PhotoWarning.FAR_FROM_PLACE)
    if photo.is_elsewhere:
        found.append(PhotoWarning.SEEN_ELSEWHERE)
    return tuple(found)
