"""The zones a calendar can have."""

from functools import cache
from zoneinfo import available_timezones


@cache
def zone_names() -> tuple[str, ...]:
    """The zones named by area and place, such as Asia/Shanghai, and UTC; in order."""
    places = (name for name in available_timezones() if "/" in name and name.split("/")[0] in _AREAS)
    return tuple(sorted((*places, "UTC")))


# The rest of the database are offsets without a place and names kept for old programs.
_AREAS = frozenset(
    (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
)
